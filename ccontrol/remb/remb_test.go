package remb

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const msec = time.Millisecond

var testLimits = ccontrol.Limits{Min: 150 * units.Kbps, Max: 3 * units.Mbps, Start: 300 * units.Kbps}

func at(d time.Duration) simtime.Time { return simtime.At(d) }

func newTestSender(t testing.TB) *sender {
	t.Helper()
	spec, _ := ccontrol.Lookup("remb")
	c, err := spec.Build(testLimits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.(*sender)
}

func newTestEstimator(t testing.TB) *estimator {
	t.Helper()
	spec, _ := ccontrol.Lookup("remb")
	e, err := spec.BuildEstimator(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.(*estimator)
}

// sendTime returns the 24 bits of abs-send-time.
func sendTime(t simtime.Time) uint32 { return uint32(simtime.ToNTP(t)>>14) & (1<<24 - 1) }

// arrivals hands an estimator packets of 1000 bytes, one every gap.
type arrivals struct {
	e    *estimator
	sent simtime.Time
	wait time.Duration // on the path
	ssrc uint32
}

// feed sends for some time, while the wait grows by a part of it.
func (a *arrivals) feed(d, gap time.Duration, growth float64) {
	for end := a.sent.Add(d); a.sent < end; {
		a.sent = a.sent.Add(gap)
		a.wait = max(a.wait+time.Duration(growth*float64(gap)), 10*msec)
		now := a.sent.Add(a.wait)
		a.e.OnArrival(now, ccontrol.Arrival{At: now, SSRC: a.ssrc, Size: 1000, SendTime: sendTime(a.sent), Stamped: true})
	}
}

func wantNear(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance*want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// A packet every 10 ms is 800 kbit/s, from the second one on and whatever the window
// holds; after a pause of a window nothing is known, and what follows isn't diluted.
func TestIncomingRate(t *testing.T) {
	in := newIncoming(time.Second)
	now := at(3 * time.Second)
	step := func(d time.Duration) float64 {
		in.add(now, 1000)
		r := in.rate(now)
		now = now.Add(d)
		return r
	}
	if got := step(10 * msec); got != 0 {
		t.Errorf("one packet makes %v", got)
	}
	for i := range 500 {
		if got := step(10 * msec); math.Abs(got-800e3) > 1 {
			t.Fatalf("packet %d: %v bit/s", i, got)
		}
	}
	now = now.Add(2 * time.Second)
	if got := in.rate(now); got != 0 {
		t.Errorf("%v after a pause", got)
	}
	step(20 * msec)
	step(20 * msec)
	if got, want := step(20*msec), 24e3/0.05; math.Abs(got-want) > 1 {
		t.Errorf("%v after a pause, want %v", got, want)
	}
	// The clock is set back, by little and by much.
	now = now.Add(-500 * msec)
	if got := step(20 * msec); got <= 0 {
		t.Errorf("%v with a clock that was set back", got)
	}
	now = now.Add(-time.Hour)
	step(10 * msec)
	if got := step(10 * msec); math.Abs(got-800e3) > 1 {
		t.Errorf("%v with a clock that was set back by an hour", got)
	}
}

// abs-send-time wraps every 64 s, and packets may come in another order.
func TestSendClock(t *testing.T) {
	var c sendClock
	start := at(40 * time.Second)
	base := c.unwrap(sendTime(start))
	for _, d := range []time.Duration{0, 10 * msec, 30 * time.Second, 29 * time.Second, 60 * time.Second, 90 * time.Second, 89990 * msec, 2 * time.Minute} {
		got := c.unwrap(sendTime(start.Add(d))).Sub(base)
		if off := (got - d).Abs(); off > 8*time.Microsecond {
			t.Errorf("%v is unwrapped as %v", d, got)
		}
	}
}

// Nobody knows anything for five seconds; then the estimate is what arrives, and may
// grow to one and a half times that.
func TestFirstEstimate(t *testing.T) {
	a := &arrivals{e: newTestEstimator(t), wait: 30 * msec, ssrc: 7}
	a.feed(5*time.Second, 20*msec, 0)
	if got := a.e.Estimate(); got != 0 {
		t.Errorf("%v in the first five seconds", got)
	}
	a.feed(300*msec, 20*msec, 0)
	wantNear(t, "first estimate", float64(a.e.Estimate()), 400e3, 0.02)
	a.feed(30*time.Second, 20*msec, 0)
	wantNear(t, "estimate", float64(a.e.Estimate()), 600e3, 0.02)
	if got := a.e.Streams(nil); len(got) != 1 || got[0] != 7 {
		t.Errorf("streams %v", got)
	}
}

// Over-use ends the first phase at once: the estimate is 0.85 of what arrives
// (draft-ietf-rmcat-gcc-02 §5.5).
func TestFirstOveruse(t *testing.T) {
	a := &arrivals{e: newTestEstimator(t), wait: 30 * msec}
	a.feed(2*time.Second, 10*msec, 0)
	for range 300 {
		a.feed(10*msec, 10*msec, 0.25)
		if a.e.Estimate() > 0 {
			break
		}
	}
	// 1000 bytes every 12.5 ms arrive by then, or a little more.
	got := float64(a.e.Estimate())
	if got < 0.85*640e3*0.98 || got > 0.85*800e3 {
		t.Errorf("%v at the first over-use", got)
	}
}

// While the queue grows the estimate never rises; afterwards it does.
func TestOveruseLowers(t *testing.T) {
	a := &arrivals{e: newTestEstimator(t), wait: 30 * msec}
	a.feed(10*time.Second, 10*msec, 0)
	before := a.e.Estimate()
	lowest, last := before, before
	for range 300 {
		a.feed(10*msec, 10*msec, 0.2)
		if a.e.delay.Overuse() && a.e.Estimate() > last {
			t.Fatalf("%v, up from %v under over-use", a.e.Estimate(), last)
		}
		last = a.e.Estimate()
		lowest = min(lowest, last)
	}
	if float64(lowest) > 0.75*float64(before) {
		t.Errorf("from %v to %v only", before, lowest)
	}
	a.feed(5*time.Second, 20*msec, -0.3)
	low := a.e.Estimate()
	a.feed(20*time.Second, 10*msec, 0)
	if got := a.e.Estimate(); got <= low {
		t.Errorf("%v, and %v twenty seconds later", low, got)
	}
}

// Without abs-send-time there are no delays to compare, but a rate.
func TestNotStamped(t *testing.T) {
	e := newTestEstimator(t)
	wait := time.Duration(0)
	for i := range 1000 {
		now := at(time.Duration(i)*10*msec + wait)
		wait += 2 * msec
		e.OnArrival(now, ccontrol.Arrival{At: now, Size: 1000})
	}
	if e.delay.Overuse() || e.Estimate() == 0 {
		t.Errorf("over-use %v, estimate %v", e.delay.Overuse(), e.Estimate())
	}
}

// Streams are covered for two seconds after their last packet; when none is left the
// filter begins anew, and the estimate stays.
func TestStreamTimeout(t *testing.T) {
	e := newTestEstimator(t)
	a := &arrivals{e: e, wait: 30 * msec, ssrc: 1}
	a.feed(8*time.Second, 10*msec, 0)
	e.OnArrival(at(7*time.Second), ccontrol.Arrival{At: at(7 * time.Second), SSRC: 2, Size: 100})
	if got := e.NextTimeout(); got != at(9*time.Second) {
		t.Errorf("timeout at %v", got)
	}
	e.OnTimeout(at(9 * time.Second))
	if got := e.Streams(nil); len(got) != 1 || got[0] != 1 {
		t.Errorf("streams %v", got)
	}
	before := e.Estimate()
	e.OnTimeout(at(20 * time.Second))
	if len(e.Streams(nil)) != 0 || e.NextTimeout() != simtime.Never || e.Estimate() != before {
		t.Errorf("streams %v, timeout %v, estimate %v", e.Streams(nil), e.NextTimeout(), e.Estimate())
	}
	for ssrc := range uint32(3 * maxStreams) {
		e.OnArrival(at(21*time.Second), ccontrol.Arrival{At: at(21 * time.Second), SSRC: ssrc, Size: 100})
	}
	got := e.Streams(nil)
	if len(got) != maxStreams || got[len(got)-1] != 3*maxStreams-1 {
		t.Errorf("%d streams, the last of which is %d", len(got), got[len(got)-1])
	}
}

// Times are the receiver's: an offset of its clock against the sender's changes
// nothing, and neither does one that drifts by 200 ppm.
func TestClocks(t *testing.T) {
	run := func(offset time.Duration, drift float64) units.BitRate {
		e := newTestEstimator(t)
		for i := range 3000 {
			sent := at(time.Duration(i) * 10 * msec)
			now := sent.Add(30 * msec)
			clock := now.Add(offset + time.Duration(drift*float64(now)))
			e.OnArrival(now, ccontrol.Arrival{At: clock, Size: 1000, SendTime: sendTime(sent), Stamped: true})
		}
		return e.Estimate()
	}
	want := float64(run(0, 0))
	wantNear(t, "with an offset", float64(run(32*time.Second, 0)), want, 0.01)
	wantNear(t, "with a drift", float64(run(0, 200e-6)), want, 0.03)
	wantNear(t, "with a drift backwards", float64(run(0, -200e-6)), want, 0.03)
}

func TestSignalsAreAsDescribed(t *testing.T) {
	spec, _ := ccontrol.Lookup("remb")
	if got := len(newTestSender(t).Signals(nil)); got != len(spec.Signals) {
		t.Errorf("%d values, %d signals of the sender", got, len(spec.Signals))
	}
	if got := len(newTestEstimator(t).Signals(nil)); got != len(spec.EstimatorSignals) {
		t.Errorf("%d values, %d signals of the receiver", got, len(spec.EstimatorSignals))
	}
	names := map[string]bool{}
	for _, s := range append(spec.Signals[:len(spec.Signals):len(spec.Signals)], spec.EstimatorSignals...) {
		if names[s.Name] {
			t.Errorf("two signals %s", s.Name)
		}
		names[s.Name] = true
	}
}

func TestBadThresholds(t *testing.T) {
	spec, _ := ccontrol.Lookup("remb")
	if _, err := spec.Build(testLimits, map[string]string{"loss-low": "0.2"}); err == nil {
		t.Error("loss-low above loss-high: built all the same")
	}
	if _, err := spec.BuildEstimator(map[string]string{"beta": "7"}); err == nil {
		t.Error("beta 7: built all the same")
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	a := &arrivals{e: newTestEstimator(t), wait: 30 * msec}
	c := newTestSender(t)
	ssrcs, values := make([]uint32, 0, maxStreams), make([]float64, 0, 20)
	r := &ccontrol.Report{Reception: []ccontrol.Reception{{Expected: 30}}}
	step := func() {
		a.feed(50*msec, 10*msec, 0)
		a.e.OnTimeout(a.sent)
		ssrcs = a.e.Streams(ssrcs[:0])
		c.OnSent(a.sent, ccontrol.Sent{Size: 1000})
		c.OnTimeout(a.sent)
		r.Estimate = a.e.Estimate()
		c.OnFeedback(a.sent, r)
		values = c.Signals(a.e.Signals(values[:0]))
	}
	for range 500 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkArrival(b *testing.B) {
	a := &arrivals{e: newTestEstimator(b), wait: 30 * msec}
	b.ReportAllocs()
	for b.Loop() {
		a.feed(10*msec, 10*msec, 0)
	}
}
