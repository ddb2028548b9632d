package playout_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/simtime"
)

// A steady buffer renders no frame before the quantile of how late they come, and as
// much later as it is asked.
func TestSteady(t *testing.T) {
	r := newReceiver(t)
	r.b = playout.NewBuffer(playout.Config{Clock: 90000, Delay: wait, Steady: true})
	late := func(n int) time.Duration { return time.Duration(n%4) * 10 * time.Millisecond } // and 2 ms until the last packet
	for n := range 200 {
		r.frame(n, late(n))
	}
	r.run(0)
	if got, want := r.b.Ideal(r.ts0+3600*199), simtime.At(199*period+path+35*time.Millisecond); got != want {
		t.Errorf("frame 199 at %v, want %v", got, want)
	}
	r.b.SetExtra(150 * time.Millisecond)
	for n := 200; n < 300; n++ {
		r.frame(n, late(n))
	}
	r.run(wait + 150*time.Millisecond)
	if len(r.results) != 300 {
		t.Fatalf("%d frames", len(r.results))
	}
	for n, x := range r.results[:300] {
		want := path + 35*time.Millisecond
		if n >= 200 {
			want += 150 * time.Millisecond
		}
		if x.Outcome != playout.Rendered || n >= 50 && (x.Delay-want).Abs() > time.Microsecond || x.Timestamp != uint32(3600*n) {
			t.Fatalf("frame %d: %+v, want %v", n, x, want)
		}
	}
}

// A frame that isn't complete when its time comes is rendered as soon as it is, up to
// the deadline, and holds up those behind it.
func TestSteadyWaits(t *testing.T) {
	r := newReceiver(t)
	r.b = playout.NewBuffer(playout.Config{Clock: 90000, Delay: wait, Steady: true})
	for n := range 100 {
		r.frame(n, 0)
	}
	r.frame(100, 0, 1)
	r.one(100, 1, 60*time.Millisecond)
	r.frame(101, 0)
	r.frame(102, 0, 1)
	r.one(102, 1, 2*wait)
	for n := 103; n < 110; n++ {
		r.frame(n, 0)
	}
	r.run(time.Second)
	counts := map[playout.Outcome]int{}
	for _, x := range r.results {
		counts[x.Outcome]++
	}
	if counts[playout.Rendered] != 109 || counts[playout.Late] != 1 {
		t.Fatalf("%v", counts)
	}
	if x := r.results[100]; x.Delay != path+61*time.Millisecond {
		t.Errorf("frame 100: %+v", x)
	}
}
