package gcc

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Draft §6 with libwebrtc's steps: of 100 packets so many were lost.
func TestLossV1(t *testing.T) {
	for _, c := range []struct {
		lost int
		want float64
	}{
		{-5, 1_081_000}, // duplicates
		{0, 1_081_000},
		{2, 1_081_000},
		{3, 1e6},
		{10, 1e6},
		{11, 1e6 * (1 - 0.055)},
		{50, 750_000},
		{100, 500_000},
	} {
		l := &lossV1{low: 0.02, high: 0.1}
		l.remember(0, 1e6)
		l.onReception(0, []ccontrol.Reception{{Expected: 100, Lost: c.lost}})
		got, lowered := l.update(0, 1e6, 100*msec, time.Hour)
		wantNear(t, "rate", got, c.want)
		if lowered != (c.want < 1e6) {
			t.Errorf("%d lost: lowered %v", c.lost, lowered)
		}
	}
}

// A decrease waits for 300 ms and a round-trip time, and for a new ratio.
func TestLossV1DecreasesOncePerReport(t *testing.T) {
	l := &lossV1{low: 0.02, high: 0.1}
	l.onReception(0, []ccontrol.Reception{{Expected: 100, Lost: 20}})
	if _, lowered := l.update(0, 1e6, 100*msec, 399*msec); lowered {
		t.Error("lowered 399 ms after the last time")
	}
	if _, lowered := l.update(0, 1e6, 100*msec, 400*msec); !lowered {
		t.Error("not lowered after 400 ms")
	}
	if _, lowered := l.update(at(time.Second), 1e6, 100*msec, time.Second); lowered {
		t.Error("lowered twice for one report")
	}
	if rate, _ := l.update(at(7*time.Second), 1e6, 100*msec, time.Second); rate != 1e6 {
		t.Error("an old ratio counts")
	}
}

// Fewer than 20 packets make no ratio: they are counted with the next.
func TestLossV1NeedsPackets(t *testing.T) {
	l := &lossV1{low: 0.02, high: 0.1, interval: time.Second}
	l.onPackets(0, 19, 19)
	l.onPackets(at(2*time.Second), 0, 0)
	if l.known {
		t.Error("a ratio of 19 packets")
	}
	l.onPackets(at(3*time.Second), 19, -9)
	wantNear(t, "ratio", l.ratio, 10.0/38)
}

// The rate rises by 8 % of the least of the last second, not of the last rate.
func TestLossV1GrowsWithTime(t *testing.T) {
	l := &lossV1{low: 0.02, high: 0.1}
	l.onReception(0, []ccontrol.Reception{{Expected: 100, Lost: 0}})
	rate := 1e6
	for now := simtime.Time(0); now <= at(3*time.Second); now = now.Add(25 * msec) {
		l.remember(now, rate)
		rate, _ = l.update(now, rate, 0, time.Hour)
		bound := 1e6 * math.Pow(1.081, 1+now.Seconds())
		if rate > bound+1 {
			t.Fatalf("%v at %v, more than %v", rate, now, bound)
		}
	}
	if rate < 1.2e6 {
		t.Errorf("%v after 3 s", rate)
	}
}

// lossy drives a v2 with packets of 1000 bytes at a rate, of which every n-th is
// lost, in reports of 100 ms.
type lossy struct {
	l    *lossV2
	now  simtime.Time
	seq  uint64
	sent int
}

func newLossy() *lossy { return &lossy{l: newLossV2(10_000, 10e6)} }

func (n *lossy) run(d time.Duration, rate, acked, delayBased float64, every int) {
	gap := time.Duration(8000 / rate * float64(time.Second))
	for end := n.now.Add(d); n.now < end; {
		var r []ccontrol.PacketResult
		for next := n.now.Add(100 * msec); n.now < next; n.now = n.now.Add(gap) {
			n.sent++
			n.seq++
			lost := every > 0 && n.sent%every == 0
			r = append(r, ccontrol.PacketResult{Seq: n.seq, Size: 1000, Sent: n.now, Received: !lost})
		}
		n.l.update(r, acked, delayBased, false)
	}
}

func TestLossV2FollowsDelayWithoutLoss(t *testing.T) {
	n := newLossy()
	n.run(300*msec, 1e6, 1e6, 1.2e6, 0)
	if n.l.ready() {
		t.Error("ready after one observation")
	}
	n.run(5*time.Second, 1e6, 1e6, 1.2e6, 0)
	if !n.l.ready() || n.l.limited() {
		t.Errorf("ready %v, limited %v", n.l.ready(), n.l.limited())
	}
	wantNear(t, "estimate", n.l.estimate, 1.2e6)
}

// One packet in a hundred is lost, whatever the rate: that is the path's own.
func TestLossV2IgnoresInherentLoss(t *testing.T) {
	n := newLossy()
	n.run(20*time.Second, 1e6, 1e6, 1.2e6, 100)
	if n.l.limited() || n.l.best.inherent < inherentLeast || n.l.best.inherent > 0.02 {
		t.Errorf("limited %v, inherent loss %v", n.l.limited(), n.l.best.inherent)
	}
	wantNear(t, "estimate", n.l.estimate, 1.2e6)
}

// A fifth is lost when 1 Mbit/s is sent: 800 kbit/s get through, and what gets
// through is there.
func TestLossV2LowersToWhatGetsThrough(t *testing.T) {
	n := newLossy()
	n.run(5*time.Second, 1e6, 1e6, 1e6, 0)
	n.run(10*time.Second, 1e6, 800_000, 1e6, 5)
	if !n.l.limited() || n.l.estimate < 800_000-1 || n.l.estimate > 850_000 {
		t.Errorf("limited %v, estimate %v; want 800 kbit/s", n.l.limited(), n.l.estimate)
	}
}

// With 50 % loss at most 100 kbit/s / (0.5 - 0.05).
func TestLossV2InstantBound(t *testing.T) {
	n := newLossy()
	n.run(20*time.Second, 1e6, 100_000, 1e6, 2)
	if bound := 100_000 / (0.45 - 0.01); n.l.estimate > bound {
		t.Errorf("estimate %v, want less than %v", n.l.estimate, bound)
	}
}

// It recovers when the losses end, by at most 1.5 times what gets through.
func TestLossV2Recovers(t *testing.T) {
	n := newLossy()
	n.run(5*time.Second, 1e6, 1e6, 1e6, 0)
	n.run(10*time.Second, 1e6, 500_000, 1e6, 2)
	low := n.l.estimate
	if low > 600_000 {
		t.Fatalf("estimate %v after heavy loss", low)
	}
	for range 300 {
		before := n.l.estimate
		n.run(100*msec, before, before, 1e6, 0)
		if n.l.limited() && n.l.estimate > 1.5*before+2 {
			t.Fatalf("from %v to %v", before, n.l.estimate)
		}
	}
	if n.l.estimate < 1e6-1 || n.l.limited() {
		t.Errorf("estimate %v, limited %v, 30 s after the losses ended", n.l.estimate, n.l.limited())
	}
}

// A rate that was too much is held, for longer every time.
func TestLossV2Holds(t *testing.T) {
	n := newLossy()
	n.run(5*time.Second, 1e6, 1e6, 1e6, 0)
	n.run(2*time.Second, 1e6, 600_000, 1e6, 3)
	if n.l.state != lossDecreasing || n.l.hold.duration < 2*firstHold {
		t.Errorf("state %v, next hold %v", n.l.state, n.l.hold.duration)
	}
	if n.l.hold.rate < 600_000 {
		t.Errorf("held at %v, below what gets through", n.l.hold.rate)
	}
}

// Objective and derivative belong together: Newton's step goes where the
// likelihood is greater.
func TestNewtonClimbs(t *testing.T) {
	o := newObservations()
	for i := range 10 {
		o.bytes, o.lost = 30_000, float64(300*i)
		o.complete(250 * msec)
	}
	c := channel{inherent: 0.01, bandwidth: 2e6}
	before := c.objective(o.kept(), 0.2) // without bias at 20 % loss
	for range 20 {
		c.newton(o.kept())
	}
	after := c.objective(o.kept(), 0.2)
	if after <= before {
		t.Errorf("from %v to %v", before, after)
	}
	var bytes, lost float64
	for _, v := range o.kept() {
		bytes += v.weight * v.bytes
		lost += v.weight * v.lost
	}
	if math.Abs(c.inherent-lost/bytes) > 1e-6 {
		t.Errorf("inherent loss %v, the most likely is %v", c.inherent, lost/bytes)
	}
}

// The hand-worked model: sent at 2 Mbit/s through 1 Mbit/s with 10 % inherent loss,
// 0.1 + 0.9·(2-1)/2 = 0.55 are lost.
func TestLossProbability(t *testing.T) {
	c := channel{inherent: 0.1, bandwidth: 1e6}
	wantNear(t, "below", c.lossProbability(1e6), 0.1)
	wantNear(t, "above", c.lossProbability(2e6), 0.55)
	wantNear(t, "least", channel{bandwidth: 1e6}.lossProbability(0), 1e-6)
	wantNear(t, "inherent loss at 1 Mbit/s", channel{inherent: 1, bandwidth: 1e6}.feasible(), 0.15)
	wantNear(t, "without bandwidth", channel{inherent: 1}.feasible(), 1)
}

// The observation with most and the one with least loss don't count.
func TestAverageLossLeavesOutSpikes(t *testing.T) {
	o := newObservations()
	for i := range 8 {
		o.bytes, o.lost = 30_000, 600
		if i == 4 {
			o.lost = 15_000
		}
		o.complete(250 * msec)
	}
	wantNear(t, "average loss", o.averageLoss(), 0.02)
	// A burst at four times the rate may well be why.
	o.bytes, o.lost = 120_000, 90_000
	o.complete(250 * msec)
	if got := o.averageLoss(); got < 0.2 {
		t.Errorf("average loss %v", got)
	}
}

// A packet that arrives after it was reported lost isn't lost.
func TestLateArrivalIsNoLoss(t *testing.T) {
	o := newObservations()
	o.add([]ccontrol.PacketResult{{Seq: 1, Size: 1000}, {Seq: 2, Size: 1000}, {Seq: 3, Size: 1000, Received: true}})
	o.add([]ccontrol.PacketResult{{Seq: 1, Size: 1000, Received: true}, {Seq: 4, Size: 1000, Received: true}})
	if o.lost != 1000 || len(o.losses) != 1 {
		t.Errorf("%v bytes lost, %v", o.lost, o.losses)
	}
}
