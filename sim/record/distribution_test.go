package record

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
)

func TestCodesAreWithinAPercent(t *testing.T) {
	for us := int64(1); us < 3_000_000_000; us = us*11/10 + 1 {
		d := time.Duration(us) * time.Microsecond
		got, want := decode(encode(d)), d.Seconds()*1000
		if math.Abs(got-want) > 0.008*want+0.001 {
			t.Fatalf("%v comes back as %v ms", d, got)
		}
	}
}

func TestWindowQuantiles(t *testing.T) {
	d := NewDistribution("l", QueueDelays, 200*time.Millisecond)
	// 1 to 1000 ms, one a millisecond; the second window sees the upper half.
	for i := 1; i <= 1000; i++ {
		d.Add(simtime.At(time.Duration(i-1)*time.Millisecond), time.Duration(i)*time.Millisecond)
	}
	w := d.Window(0, simtime.At(time.Second))
	if got := w.Quantile(0.95); math.Abs(got-950) > 8 {
		t.Errorf("p95 = %v, want 950", got)
	}
	if got := w.Mean(); math.Abs(got-500.5) > 1e-9 {
		t.Errorf("mean = %v, want 500.5", got)
	}
	w = d.Window(simtime.At(600*time.Millisecond), simtime.At(5*time.Second))
	if w.Count() != 400 || math.Abs(w.Quantile(0)-601) > 5 {
		t.Errorf("count %d, min %v", w.Count(), w.Quantile(0))
	}
	w = d.Window(simtime.At(2*time.Second), simtime.At(5*time.Second))
	if w.Count() != 0 || !math.IsNaN(w.Mean()) || !math.IsNaN(w.Quantile(0.5)) {
		t.Error("an empty window has values")
	}
}
