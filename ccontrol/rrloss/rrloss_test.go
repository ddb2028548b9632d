package rrloss

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

var limits = ccontrol.Limits{Min: 100 * units.Kbps, Max: 5 * units.Mbps, Start: 1 * units.Mbps}

func start(t testing.TB) *controller {
	spec, _ := ccontrol.Lookup("rr-loss")
	c, err := spec.Build(limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*controller)
}

func told(expected, lost int) *ccontrol.Report {
	return &ccontrol.Report{
		RTT:       100 * time.Millisecond,
		Reception: []ccontrol.Reception{{Stream: 1, By: 2, Expected: expected, Lost: lost, RTT: 100 * time.Millisecond}},
	}
}

// The three cases of the draft's §6, at a report a second.
func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		lost int // of 1000
		want float64
	}{
		{0, 1.08e6}, {19, 1.08e6}, {20, 1e6}, {100, 1e6}, {101, 949500}, {400, 800e3}, {1000, 500e3}, {-3, 1.08e6},
	} {
		cc := start(t)
		cc.OnFeedback(simtime.At(time.Second), told(1000, 50)) // sets the time
		cc.OnFeedback(simtime.At(2*time.Second), told(1000, c.lost))
		if math.Abs(cc.rate-c.want) > 1 {
			t.Errorf("%d of 1000 lost: %.0f, want %.0f", c.lost, cc.rate, c.want)
		}
	}
}

// Growth is by time, not by report, and no more than that of 5 s at once.
func TestGrowth(t *testing.T) {
	fast, slow, rare := start(t), start(t), start(t)
	for i := range 101 {
		fast.OnFeedback(simtime.At(time.Duration(i)*100*time.Millisecond), told(50, 0))
	}
	for i := range 3 {
		slow.OnFeedback(simtime.At(time.Duration(i)*5*time.Second), told(2500, 0))
	}
	if want := 1e6 * math.Pow(1.08, 10); math.Abs(fast.rate-want) > 10 || math.Abs(slow.rate-want) > 10 {
		t.Errorf("after 10 s: %.0f and %.0f, want %.0f", fast.rate, slow.rate, want)
	}
	rare.OnFeedback(0, told(1000, 0))
	rare.OnFeedback(simtime.At(time.Minute), told(1000, 0))
	if want := 1e6 * math.Pow(1.08, 5); math.Abs(rare.rate-want) > 10 {
		t.Errorf("after a minute %.0f, want %.0f", rare.rate, want)
	}
}

// A mark counts as much as a loss, whichever message tells of it (RFC 6679 §7.3.3).
func TestMarksCountAsLosses(t *testing.T) {
	for marked := 0; marked <= 200; marked += 40 {
		lossy, marking := start(t), start(t)
		for i := range 20 {
			now := simtime.At(time.Duration(i) * time.Second)
			lossy.OnFeedback(now, told(1000, 200))
			r := told(1000, 200-marked)
			r.Reception[0].Marked = marked
			marking.OnFeedback(now, r)
		}
		if lossy.rate != marking.rate || lossy.rate == 1e6 {
			t.Errorf("%.0f with %d of 200 losses as marks, otherwise %.0f", marking.rate, marked, lossy.rate)
		}
	}
}

// What is told early says nothing of how often reports are due, and that none comes when
// marks have ended is no sign of congestion.
func TestEarlyReports(t *testing.T) {
	c := start(t)
	for i := range 200 {
		now := simtime.At(time.Duration(i) * 100 * time.Millisecond)
		c.OnSent(now, ccontrol.Sent{Size: 1000})
		r := told(100, 0)
		if i%20 != 0 {
			r.Reception[0].Early, r.Reception[0].RTT, r.RTT = true, 0, 0
		}
		c.OnFeedback(now, r)
	}
	if d := c.interval; d < 1900*time.Millisecond || d > 3*time.Second {
		t.Errorf("interval %v, want 2 s as far as that is known", d)
	}
	now := simtime.At(20 * time.Second)
	if c.OnSent(now, ccontrol.Sent{Size: 1000}); c.NextTimeout().Sub(now) < 5*time.Second {
		t.Errorf("the next report is missed after %v", c.NextTimeout().Sub(now))
	}
	// Decreases are a round-trip time and 300 ms apart, by what reports showed.
	c.OnFeedback(simtime.At(21*time.Second), told(100, 50))
	rate := c.rate
	r := told(100, 50)
	r.Reception[0].Early, r.RTT = true, 0
	if c.OnFeedback(simtime.At(21399*time.Millisecond), r); c.rate != rate {
		t.Error("a second decrease before the first can show")
	}
	if c.OnFeedback(simtime.At(21401*time.Millisecond), r); c.rate == rate {
		t.Error("no second decrease")
	}
}

// One decrease in a round-trip time and 300 ms; few packets decide nothing by
// themselves, but count; of several receivers the worst one does.
func TestEvidence(t *testing.T) {
	c := start(t)
	c.OnFeedback(simtime.At(time.Second), told(100, 50))
	c.OnFeedback(simtime.At(1399*time.Millisecond), told(100, 50))
	if c.rate != 750e3 {
		t.Errorf("%.0f after two reports within 400 ms, want 750000", c.rate)
	}
	c.OnFeedback(simtime.At(1400*time.Millisecond), told(100, 50))
	if c.rate != 562500 {
		t.Errorf("%.0f after a third, want 562500", c.rate)
	}

	c = start(t)
	for i := range 4 {
		c.OnFeedback(simtime.At(time.Duration(i+1)*time.Second), told(5, 5))
		if (c.rate == 500e3) != (i == 3) {
			t.Errorf("%.0f after %d of 20 packets", c.rate, 5*i+5)
		}
	}

	c = start(t)
	r := told(1000, 0)
	r.Reception = append(r.Reception, ccontrol.Reception{Stream: 1, By: 3, Expected: 1000, Lost: 200})
	if c.OnFeedback(simtime.At(time.Second), r); c.rate != 900e3 {
		t.Errorf("%.0f with one receiver of two in trouble, want 900000", c.rate)
	}
}

// Three intervals without a report are a sign of congestion, but not while nothing is
// sent.
func TestSilence(t *testing.T) {
	c := start(t)
	if c.NextTimeout() != simtime.Never {
		t.Error("reports are missed before anything was sent")
	}
	c.OnSent(0, ccontrol.Sent{Size: 1000})
	if c.NextTimeout() != simtime.At(15*time.Second) {
		t.Errorf("the first report is missed at %v", c.NextTimeout())
	}
	for i := range 100 { // the interval becomes 1 s
		c.OnFeedback(simtime.At(time.Duration(i+1)*time.Second), told(100, 5))
	}
	if c.NextTimeout() != simtime.Never {
		t.Error("a report is missed while nothing is sent")
	}
	c.OnSent(simtime.At(200*time.Second), ccontrol.Sent{Size: 1000})
	due := c.NextTimeout()
	if d := due.Sub(simtime.At(203 * time.Second)); d.Abs() > time.Millisecond {
		t.Fatalf("missed at %v", due)
	}
	for _, want := range []float64{800e3, 640e3, 512e3} {
		now := c.NextTimeout()
		if c.OnTimeout(now); math.Abs(c.rate-want) > 1e-6 || c.NextTimeout() <= now {
			t.Errorf("%.0f, want %.0f; next at %v", c.rate, want, c.NextTimeout())
		}
	}
	for range 1000 {
		c.OnTimeout(c.NextTimeout())
	}
	if c.Target().Media != limits.Min {
		t.Errorf("after long silence %v", c.Target())
	}
}

// A receiver with several SSRCs sends as many reports in a packet: that is one.
func TestReportsOfSeveralSources(t *testing.T) {
	c := start(t)
	for i := range 100 {
		for range 3 {
			c.OnFeedback(simtime.At(time.Duration(i)*time.Second), told(100, 5))
		}
	}
	if d := (c.interval - time.Second).Abs(); d > time.Millisecond {
		t.Errorf("interval %v, want 1 s", c.interval)
	}
}

// Whatever reports say, the rate stays within the limits.
func FuzzController(f *testing.F) {
	f.Add(uint64(1), []byte{0, 1, 2, 3, 255, 254, 128, 7, 9})
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		c := start(t)
		random := rng.New(seed).Stream("absurd")
		var now simtime.Time
		for i, b := range data {
			now = now.Add(time.Duration(b) * 10 * time.Millisecond)
			c.OnSent(now, ccontrol.Sent{Seq: uint64(i), Size: 100})
			r := &ccontrol.Report{RTT: time.Duration(int64(random.Uint64()) >> (b % 60))}
			for range b % 5 {
				r.Reception = append(r.Reception, ccontrol.Reception{
					By: uint32(random.Uint64() & 3), Expected: int(int32(random.Uint64()) >> (b % 31)), Lost: int(int32(random.Uint64()) >> (b % 31)),
					Marked: int(int32(random.Uint64()) >> (b % 31)), Early: random.Uint64()&1 == 0,
				})
			}
			c.OnFeedback(now, r)
			for n := 0; c.NextTimeout() <= now && n < 3; n++ {
				c.OnTimeout(now)
			}
			if g := c.Target(); g.Media < limits.Min || g.Media > limits.Max || g.Pacing < g.Media || math.IsNaN(c.rate) {
				t.Fatalf("after %d: %+v", i, g)
			}
		}
	})
}

func TestNoAllocation(t *testing.T) {
	c, r := start(t), told(100, 3)
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		i++
		c.OnSent(simtime.At(time.Duration(i)*time.Second), ccontrol.Sent{Size: 1000})
		c.OnFeedback(simtime.At(time.Duration(i)*time.Second), r)
		c.Target()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFeedback(b *testing.B) {
	c, r := start(b), told(100, 3)
	b.ReportAllocs()
	for i := range b.N {
		c.OnFeedback(simtime.At(time.Duration(i)*time.Second), r)
	}
}
