package sbd

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// queue is the delay of a bottleneck whose load swings: low for a while, then full, as
// skewed as a saw.
func queue(at simtime.Time, period, height float64) float64 {
	phase := math.Mod(at.Seconds(), period) / period
	return height * math.Sqrt(phase)
}

// feed sends packets of all flows, each every 10 ms or so, for some time, and returns how
// often the groups were as wanted, of the decisions after the first ones.
func feed(t *testing.T, d *Detector, delays []func(simtime.Time) float64, until time.Duration, want []int) (right, all int) {
	t.Helper()
	random := rng.New(1).Stream("delays")
	paths := make([]path, len(delays))
	for i := range paths {
		paths[i] = path{d: d, id: d.Add()}
	}
	for now := simtime.At(0); now < simtime.At(until); now = now.Add(10 * time.Millisecond) {
		for i := range paths {
			paths[i].now = now
			paths[i].send(delays[i](now) + random.Uniform(0, 2) + 20*float64(i)) // other paths, other base delays
		}
		if !d.Advance(now) || d.flows[0].intervals < 2*d.p.M {
			continue
		}
		all++
		ok := true
		for i, w := range want {
			ok = ok && d.Stats(i).Group == w
		}
		if ok {
			right++
		}
	}
	return right, all
}

func TestFlowsOfOneBottleneckAreGrouped(t *testing.T) {
	one := func(at simtime.Time) float64 { return queue(at, 3.1, 80) }
	two := func(at simtime.Time) float64 { return queue(at, 7.7, 150) }
	calm := func(simtime.Time) float64 { return 0 }
	// The delay of a path without a bottleneck is mostly small, sometimes not.
	noisy := func(at simtime.Time) float64 {
		if at/simtime.At(10*time.Millisecond)%10 == 0 {
			return 15
		}
		return calm(at)
	}
	d := New(Recommended())
	right, all := feed(t, d, []func(simtime.Time) float64{one, two, one, noisy, two}, 2*time.Minute, []int{0, 1, 0, -1, 1})
	if all < 200 || float64(right) < 0.9*float64(all) {
		t.Errorf("groups are right %d times of %d; statistics %+v", right, all, []Stats{d.Stats(0), d.Stats(1), d.Stats(2), d.Stats(3), d.Stats(4)})
	}
	for i, want := range []int{0, 1, 0, 3, 1} {
		if got := d.Group(i); got != want {
			t.Errorf("flow %d has settled in group %d, want %d", i, got, want)
		}
	}
}

// §3.3.2: no decision before 2·M intervals, and no coupling before it is stable.
func TestNoGroupsBeforeTheirTime(t *testing.T) {
	one := func(at simtime.Time) float64 { return queue(at, 3.1, 80) }
	d := New(Recommended())
	first := 2 * time.Duration(d.p.M) * d.p.T // 21 s
	feed(t, d, []func(simtime.Time) float64{one, one}, first, nil)
	if d.Stats(0).Group != -1 || d.Stats(1).Group != -1 {
		t.Error("there are groups already")
	}
	d = New(Recommended())
	feed(t, d, []func(simtime.Time) float64{one, one}, first+2*time.Second, nil)
	if d.Stats(1).Group != 0 || d.Group(1) != 1 {
		t.Errorf("group %d after 2·M intervals, want 0; settled in %d, want 1", d.Stats(1).Group, d.Group(1))
	}
	d = New(Recommended())
	feed(t, d, []func(simtime.Time) float64{one, one}, first+14*time.Second, nil)
	if d.Group(1) != 0 {
		t.Errorf("settled in %d, want 0", d.Group(1))
	}
}

func TestNothingIsAllocated(t *testing.T) {
	d := New(Recommended())
	paths := []path{{d: d, id: d.Add()}, {d: d, id: d.Add()}}
	r := &ccontrol.Report{Packets: make([]ccontrol.PacketResult, 10)}
	now := simtime.At(0)
	step := func() {
		now = now.Add(100 * time.Millisecond)
		for i := range r.Packets {
			r.Packets[i] = ccontrol.PacketResult{Seq: paths[0].seq, Received: true, Sent: now, Arrival: now.Add(time.Duration(paths[0].seq%7) * time.Millisecond)}
			paths[0].seq++
		}
		d.OnReport(0, r)
		d.OnReport(1, r)
		d.Advance(now)
	}
	for range 500 {
		step()
	}
	if n := testing.AllocsPerRun(500, step); n > 0 {
		t.Errorf("%v allocations a report", n)
	}
	if d.Stats(0) != d.Stats(1) {
		t.Error("the same delays give different statistics")
	}
}

// Absurd delays and gaps give statistics within their ranges.
func TestBounds(t *testing.T) {
	d := New(Recommended())
	id := d.Add()
	random := rng.New(3).Stream("absurd")
	now := simtime.At(0)
	for i := range 3000 {
		now = now.Add(time.Duration(random.Uniform(0, 2e9)))
		d.OnReport(id, &ccontrol.Report{Packets: []ccontrol.PacketResult{{
			Seq: uint64(random.Uniform(0, float64(i))), Received: random.Uniform(0, 1) < 0.7,
			Sent: now, Arrival: simtime.Time(random.Uniform(-9e18, 9e18)),
		}}})
		d.Advance(now)
		s := d.Stats(id)
		if !(s.SkewEst >= -1 && s.SkewEst <= 1) || !(s.VarEst >= 0) || math.IsInf(s.VarEst, 1) ||
			!(s.FreqEst >= 0 && s.FreqEst <= 1) || !(s.PktLoss >= 0 && s.PktLoss <= 1) {
			t.Fatalf("statistics %+v", s)
		}
	}
}
