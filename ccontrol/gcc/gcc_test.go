package gcc

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

var testLimits = ccontrol.Limits{Min: 150 * units.Kbps, Max: 3 * units.Mbps, Start: 300 * units.Kbps}

func newTest(t testing.TB, settings map[string]string) *controller {
	t.Helper()
	spec, _ := ccontrol.Lookup("gcc")
	c, err := spec.Build(testLimits, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*controller)
}

// variants are the combinations that scenarios may choose.
var variants = []map[string]string{
	{},
	{"estimator": "kalman", "loss": "v1", "throughput": "bayesian", "pacing-factor": "1"},
	{"estimator": "kalman"},
	{"loss": "v1"},
	{"loss": "off", "throughput": "bayesian"},
	{"probing": "off"},
}

func TestStart(t *testing.T) {
	for _, v := range variants {
		c := newTest(t, v)
		if got := c.Target().Media; got != testLimits.Start {
			t.Errorf("%v starts at %v", v, got)
		}
		if c.NextTimeout() != simtime.Never {
			t.Errorf("%v wants a timeout before it sends", v)
		}
	}
	if got := newTest(t, nil).Target().Pacing; got != 750*units.Kbps {
		t.Errorf("pacing at %v, want 2.5 times the target", got)
	}
}

func TestBadThresholds(t *testing.T) {
	spec, _ := ccontrol.Lookup("gcc")
	if _, err := spec.Build(testLimits, map[string]string{"loss-low": "0.2"}); err == nil {
		t.Error("loss-low above loss-high: built all the same")
	}
}

func TestSignalsAreAsDescribed(t *testing.T) {
	spec, _ := ccontrol.Lookup("gcc")
	c := newTest(t, nil)
	values := c.Signals(nil)
	if len(values) != len(spec.Signals) {
		t.Fatalf("%d values, %d signals", len(values), len(spec.Signals))
	}
	named := map[string]float64{}
	for i, s := range spec.Signals {
		named[s.Name] = values[i]
	}
	for name, want := range map[string]float64{"threshold": 12.5, "usage": 0, "delay-based": 300e3, "application-limited": 0} {
		wantNear(t, name, named[name], want)
	}
	for _, name := range []string{"acknowledged", "loss-based", "loss", "link-capacity"} {
		if !math.IsNaN(named[name]) {
			t.Errorf("%s is %v before there is any", name, named[name])
		}
	}
}

// The first packet starts the clock; 25 ms later the initial probes are due.
func TestInitialProbes(t *testing.T) {
	c := newTest(t, nil)
	start := at(40 * time.Second)
	c.OnSent(start, ccontrol.Sent{Size: 1200})
	if got := c.NextTimeout(); got != start.Add(25*msec) {
		t.Fatalf("timeout at %v", got)
	}
	now := c.NextTimeout()
	c.OnTimeout(now)
	for _, want := range []units.BitRate{900 * units.Kbps, 1800 * units.Kbps} {
		if p, ok := c.PollProbe(now); !ok || p.Rate != want {
			t.Errorf("probe %v %v, want %v", p, ok, want)
		}
	}
	if p, ok := c.PollProbe(now); ok {
		t.Errorf("a third probe %v", p)
	}
}

// Without feedback about packets, reception reports lower the rate (draft §7).
func TestReceptionReportsAlone(t *testing.T) {
	for _, v := range []map[string]string{{}, {"loss": "v1"}} {
		c := newTest(t, v)
		c.OnSent(0, ccontrol.Sent{Size: 1200})
		c.OnFeedback(at(time.Second), &ccontrol.Report{Reception: []ccontrol.Reception{
			{Stream: 1, Expected: 60, Lost: 10}, {Stream: 2, Expected: 40, Lost: 10},
		}})
		if got := c.Target().Media; got != 270*units.Kbps {
			t.Errorf("%v after 20 %% loss, want 270 kbit/s", got)
		}
	}
}

// A packet that was reported lost and arrives after all is a loss fewer.
func TestLateArrivals(t *testing.T) {
	c := newTest(t, nil)
	for i, step := range []struct {
		packets []ccontrol.PacketResult
		want    tally
	}{
		{[]ccontrol.PacketResult{{Seq: 5}, {Seq: 6}, {Seq: 7, Received: true, Arrival: 9}}, tally{expected: 3, lost: 2}},
		{[]ccontrol.PacketResult{{Seq: 6, Received: true, Arrival: 11}, {Seq: 8, Received: true, Arrival: 10}}, tally{expected: 1, lost: -1}},
		{[]ccontrol.PacketResult{{Seq: 5}}, tally{}},
	} {
		if got := c.take(step.packets); got != step.want {
			t.Errorf("report %d: %+v, want %+v", i, got, step.want)
		}
	}
}

// What arrived is sorted by its arrival, whatever the order of departure, and
// nobody can claim absurd sizes.
func TestArrivalsAreSortedAndBounded(t *testing.T) {
	c := newTest(t, nil)
	c.take([]ccontrol.PacketResult{
		{Seq: 0, Received: true, Arrival: 3, Size: -1},
		{Seq: 1, Received: true, Arrival: 1, Size: math.MaxInt64},
		{Seq: 2},
		{Seq: 3, Received: true, Arrival: 2, Size: 100},
	})
	var seqs [3]uint64
	var sizes [3]units.Bytes
	for i := range c.arrived {
		seqs[i], sizes[i] = c.arrived[i].Seq, c.arrived[i].Size
	}
	if seqs != [3]uint64{1, 3, 0} || sizes != [3]units.Bytes{largestPacket, 100, 0} {
		t.Errorf("packets %v of sizes %v", seqs, sizes)
	}
}

// Before it is known what gets through, over-use halves the rate once in a
// round-trip time.
func TestOveruseBeforeThroughput(t *testing.T) {
	c := newTest(t, nil)
	d := &c.delay
	d.control.rtt = 100 * msec
	for _, step := range []struct {
		at   time.Duration
		want float64
	}{{0, 150_000}, {99 * msec, 150_000}, {100 * msec, 150_000}} {
		d.onOveruse(at(step.at), 0)
		wantNear(t, "rate", d.control.rate, step.want)
	}
	d.control.rate = 1e6
	d.onOveruse(at(250*msec), 0)
	d.onOveruse(at(300*msec), 0)
	wantNear(t, "rate", d.control.rate, 500_000)
}

// REMB caps the target and lets go of it.
func TestReceiversEstimate(t *testing.T) {
	c := newTest(t, nil)
	c.OnFeedback(0, &ccontrol.Report{Estimate: 200 * units.Kbps})
	if got := c.Target().Media; got != 200*units.Kbps {
		t.Errorf("%v, want what the receiver asks for", got)
	}
	c.OnFeedback(0, &ccontrol.Report{Estimate: 20 * units.Mbps})
	if got := c.Target().Media; got != 300*units.Kbps {
		t.Errorf("%v, want the start rate again", got)
	}
}

// Packets leave and nothing comes back: after 3 s a fifth less every second. When
// nothing leaves, the rate stays.
func TestNoFeedback(t *testing.T) {
	for _, v := range variants {
		c := newTest(t, v)
		now := simtime.Time(0)
		run := func(d time.Duration, sending bool) {
			for end := now.Add(d); now < end; now = now.Add(5 * msec) {
				if sending {
					c.OnSent(now, ccontrol.Sent{Size: 200})
				}
				if c.NextTimeout() <= now {
					c.OnTimeout(now)
				}
			}
		}
		run(2900*msec, true)
		if got := c.Target().Media; got != 300*units.Kbps {
			t.Errorf("%v: %v before 3 s", v, got)
		}
		run(500*msec, true)
		if got := c.Target().Media; got != 240*units.Kbps {
			t.Errorf("%v: %v after 3 s, want 240 kbit/s", v, got)
		}
		run(1*time.Second, true)
		if got := c.Target().Media; got != 192*units.Kbps {
			t.Errorf("%v: %v after 4 s, want 192 kbit/s", v, got)
		}
		run(20*time.Second, true)
		if got := c.Target().Media; got != testLimits.Min {
			t.Errorf("%v: %v in the end, want the minimum", v, got)
		}
	}
	c := newTest(t, nil)
	c.OnSent(0, ccontrol.Sent{Size: 200})
	for now := simtime.Time(0); now < at(time.Minute); now = now.Add(25 * msec) {
		c.OnTimeout(now)
	}
	if got := c.Target().Media; got != 300*units.Kbps {
		t.Errorf("%v after a minute without packets", got)
	}
}

// reports makes reports of n packets of 1200 bytes each 50 ms, whose delay grows by
// the given share of the time.
type reports struct {
	seq   uint64
	now   simtime.Time
	delay time.Duration
	r     ccontrol.Report
}

func newReports(n int) *reports {
	return &reports{delay: 30 * msec, r: ccontrol.Report{Packets: make([]ccontrol.PacketResult, n)}}
}

func (f *reports) next(growth float64) *ccontrol.Report {
	gap := 50 * msec / time.Duration(len(f.r.Packets))
	for i := range f.r.Packets {
		f.now = f.now.Add(gap)
		f.delay = max(f.delay+time.Duration(growth*float64(gap)), 10*msec)
		f.r.Packets[i] = ccontrol.PacketResult{
			Seq: f.seq, Size: 1200, Sent: f.now, Received: true, Arrival: f.now.Add(f.delay),
		}
		f.seq++
	}
	f.r.RTT = 60 * msec
	return &f.r
}

// 384 kbit/s arrive. While the delay keeps growing the target doesn't rise, and it falls; when it
// has drained and is steady the target rises again.
func TestReactionToOveruse(t *testing.T) {
	for _, v := range variants {
		c := newTest(t, v)
		f := newReports(2)
		feed := func(n int, growth float64, check func(before, after units.BitRate)) {
			for range n {
				before := c.Target().Media
				r := f.next(growth)
				now := f.now.Add(f.delay)
				c.OnTimeout(now)
				c.OnFeedback(now, r)
				check(before, c.Target().Media)
			}
		}
		ignore := func(units.BitRate, units.BitRate) {}
		feed(100, 0, ignore)
		high := c.Target().Media
		feed(20, 0.2, ignore) // the detector's time
		if c.delay.detector.state != overuse {
			t.Errorf("%v: no over-use after a second in which the delay grew by 200 ms", v)
		}
		feed(40, 0.2, func(before, after units.BitRate) {
			if after > before {
				t.Fatalf("%v: the target rose from %v to %v under over-use", v, before, after)
			}
		})
		low := c.Target().Media
		if float64(low) > 0.9*float64(high) {
			t.Errorf("%v: from %v to %v under over-use", v, high, low)
		}
		feed(100, -0.2, ignore)
		feed(400, 0, ignore)
		if got := c.Target().Media; got <= low {
			t.Errorf("%v: %v 20 s after over-use, it was %v", v, got, low)
		}
	}
}

// Nothing is allocated once the memory for windows is there.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	for _, v := range variants {
		c := newTest(t, v)
		f := newReports(15)
		values := make([]float64, 0, 2*len(signals))
		step := func() {
			r := f.next(0)
			now := f.now.Add(f.delay)
			for i := range r.Packets {
				r.Packets[i].Received = f.seq%7 != 0 || i != 3
				c.OnSent(r.Packets[i].Sent, ccontrol.Sent{Seq: r.Packets[i].Seq, Size: 1200})
			}
			c.OnTimeout(now)
			c.OnFeedback(now, r)
			c.PollProbe(now)
			c.Target()
			values = c.Signals(values[:0])
		}
		for range 500 {
			step()
		}
		if n := testing.AllocsPerRun(1000, step); n != 0 {
			t.Errorf("%v: %v allocations per report", v, n)
		}
	}
}

func BenchmarkFeedback(b *testing.B) {
	for name, v := range map[string]map[string]string{
		"default": {},
		"draft":   {"estimator": "kalman", "loss": "v1", "throughput": "bayesian"},
	} {
		b.Run(name, func(b *testing.B) {
			c := newTest(b, v)
			f := newReports(15)
			b.ReportAllocs()
			for b.Loop() {
				r := f.next(0)
				c.OnFeedback(f.now.Add(f.delay), r)
			}
		})
	}
}
