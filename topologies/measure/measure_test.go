package measure

import (
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

func at(d time.Duration) simtime.Time { return simtime.At(d) }

func TestTotalShowsRate(t *testing.T) {
	var b book
	r := b.rate("x", record.SendRate)
	r.add(at(0), 1250)
	r.add(at(199*time.Millisecond), 1250)
	r.add(at(600*time.Millisecond), 2500)
	b.finish(at(time.Second))
	if want := []float64{100e3, 0, 0, 100e3, 0}; !slices.Equal(r.series.Values, want) {
		t.Errorf("%v, want %v", r.series.Values, want)
	}
}

func TestMeanIsEmptyWhereNothingHappened(t *testing.T) {
	var b book
	m := b.delay("x", record.OneWayDelay)
	m.add(at(250*time.Millisecond), 10)
	m.add(at(260*time.Millisecond), 30)
	b.finish(at(600 * time.Millisecond))
	v := m.series.Values
	if len(v) != 3 || !math.IsNaN(v[0]) || v[1] != 20 || !math.IsNaN(v[2]) {
		t.Errorf("%v, want [NaN 20 NaN]", v)
	}
}

func TestLevelIsMeanOverTime(t *testing.T) {
	var b book
	l := b.level("x", record.Capacity, "bit/s")
	l.value = 1000
	l.set(at(250*time.Millisecond), 2000)
	b.finish(at(600 * time.Millisecond))
	if want := []float64{1000, 1750, 2000}; !slices.Equal(l.series.Values, want) {
		t.Errorf("%v, want %v", l.series.Values, want)
	}
}

func TestFinishCutsAtTheEnd(t *testing.T) {
	var b book
	c := b.count("x", record.Drops)
	c.add(at(time.Second), 1) // at the very end of the run
	b.finish(at(time.Second))
	if len(c.series.Values) != 5 {
		t.Errorf("%d bins in a second", len(c.series.Values))
	}
}

// conformance: RFC8868-3
func TestOscillations(t *testing.T) {
	steady := slices.Repeat([]float64{1e6, 1.1e6, 0.9e6}, 20)
	if n := oscillations(steady); n != 0 {
		t.Errorf("a steady rate oscillates %d times", n)
	}
	swing := slices.Repeat([]float64{1e6, 1e6, 1e6, 3e6, 0.3e6, 1e6, 1e6}, 5)
	if n := oscillations(swing); n != 5 {
		t.Errorf("%d oscillations, want 5", n)
	}
	slow := slices.Repeat([]float64{1e6, 3e6, 1e6, 1e6, 1e6, 0.3e6, 1e6, 1e6, 1e6}, 5)
	if n := oscillations(slow); n != 0 {
		t.Errorf("a swing that takes 800 ms counts: %d", n)
	}
	if oscillations(nil) != 0 {
		t.Error("nothing oscillates")
	}
}

// conformance: RFC8868-3
func TestSettle(t *testing.T) {
	ramp := make([]float64, 100)
	for i := range ramp {
		ramp[i] = min(float64(i)*5e4, 1e6) // full rate after 20 bins
	}
	n, ok := settle(ramp)
	if !ok || n < 13 || n > 20 {
		t.Errorf("settled after %d bins, %v", n, ok)
	}
	for i := range ramp {
		ramp[i] = float64(1+i/10%2) * 1e6
	}
	if n, ok := settle(ramp); ok {
		t.Errorf("a square wave settled after %d bins", n)
	}
}
