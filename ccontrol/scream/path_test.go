package scream

import (
	"math"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const msec = time.Millisecond

func at(d time.Duration) simtime.Time { return simtime.At(d) }

func wantNear(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// arrival is a packet that left at sent and arrived owd later by a clock that is an hour ahead.
func arrival(seq uint64, sent, owd time.Duration) ccontrol.PacketResult {
	return ccontrol.PacketResult{
		Seq: seq, Size: 1000, Sent: at(sent), Received: true, Arrival: at(sent + owd + time.Hour),
	}
}

func lost(seq uint64, sent time.Duration) ccontrol.PacketResult {
	return ccontrol.PacketResult{Seq: seq, Size: 1000, Sent: at(sent)}
}

// RFC 6817 §3.4.2: the queuing delay is the present one-way delay less the least known.
func TestQueuingDelay(t *testing.T) {
	p := path{base: baseDelay{horizon: 10 * time.Minute}}
	for i, c := range []struct{ owd, want time.Duration }{
		{50 * msec, 0}, {80 * msec, 30 * msec}, {40 * msec, 0}, {80 * msec, 40 * msec},
	} {
		r := arrival(uint64(i), time.Duration(i)*10*msec, c.owd)
		if !p.onPacket(at(time.Second), &r) {
			t.Fatal("not the newest")
		}
		wantNear(t, "qdelay", p.qdelay, c.want.Seconds())
	}
	old := arrival(2, 0, 500*msec)
	if p.onPacket(at(time.Second), &old) || p.qdelay != 0.04 {
		t.Error("a straggler changed the queuing delay")
	}
}

func TestBaseDelayExpires(t *testing.T) {
	b := baseDelay{horizon: 10 * time.Second}
	b.update(0, 50)
	for s := 1; s <= 9; s++ {
		if got := b.update(at(time.Duration(s)*time.Second), 80); got != 50 {
			t.Fatalf("base is %v after %d s", got, s)
		}
	}
	if got := b.update(at(11*time.Second), 80); got != 80 {
		t.Errorf("base is %v after the horizon, want 80", got)
	}
}

// A round trip lasts until the report, so it goes with the bytes in flight: packets that left 300, 200
// and 100 ms before the report took 200 ms on average.
func TestRoundTripIncludesWaiting(t *testing.T) {
	var p path
	p.base.horizon = time.Minute
	for i := range 3 {
		r := arrival(uint64(i), time.Duration(i)*100*msec, 50*msec)
		p.onPacket(at(300*msec), &r)
	}
	p.onReport(at(300*msec), &ccontrol.Report{RTT: 60 * msec})
	wantNear(t, "s_rtt", p.sRTT, 0.2)
	r := arrival(3, 400*msec, 50*msec)
	p.onPacket(at(500*msec), &r)
	p.onReport(at(500*msec), &ccontrol.Report{})
	wantNear(t, "s_rtt", p.sRTT, 0.2-0.1/8)
	p.slow = true
	r = arrival(4, 500*msec, 50*msec)
	p.onPacket(at(600*msec), &r)
	p.onReport(at(600*msec), &ccontrol.Report{})
	wantNear(t, "s_rtt that falls slowly", p.sRTT, 0.1875-0.0875/64)
}

// RFC 8298 §4.1.2: N acknowledged, then N+3; packets between count, lost or not, and where a report
// was lost as well.
func TestBytesNewlyAcked(t *testing.T) {
	var p path
	send := func(n int, inFlight units.Bytes) {
		for range n {
			p.onSent(ccontrol.Sent{Size: 1000, InFlight: inFlight})
		}
	}
	send(5, 5000)
	acked, _ := p.onReport(at(100*msec), &ccontrol.Report{InFlight: 4000})
	wantNear(t, "bytes_newly_acked", acked, 1000)
	acked, elapsed := p.onReport(at(150*msec), &ccontrol.Report{InFlight: 1000})
	wantNear(t, "bytes_newly_acked", acked, 3000)
	wantNear(t, "elapsed", elapsed, 0.05)
	acked, _ = p.onReport(at(200*msec), &ccontrol.Report{InFlight: 1000})
	wantNear(t, "bytes_newly_acked", acked, 0)
}

// RFC 8298 §4.1.2.4: the reordering window is the time between a packet's being marked as lost and
// its arrival; then packets aren't lost before it has passed.
func TestReorderingWindow(t *testing.T) {
	var l losses
	feed := func(now time.Duration, r ccontrol.PacketResult) int {
		l.onPacket(at(now), &r, time.Second)
		n, _ := l.declare(at(now))
		return n
	}
	if n := feed(100*msec, lost(1, 0)); n != 1 {
		t.Errorf("%d lost, want 1: no reordering was seen yet", n)
	}
	if feed(130*msec, arrival(1, 0, 120*msec)); l.window != 30*msec {
		t.Fatalf("window %v, want 30 ms", l.window)
	}
	if n := feed(200*msec, lost(5, 150*msec)); n != 0 {
		t.Errorf("%d lost at once in spite of the window", n)
	}
	if n := feed(210*msec, lost(6, 160*msec)); n != 0 {
		t.Errorf("%d lost after 10 ms", n)
	}
	feed(215*msec, arrival(5, 150*msec, 60*msec))
	n, sent := l.declare(at(240 * msec))
	if n != 1 || sent != at(160*msec) {
		t.Errorf("%d lost, the last sent at %v; want the one of 160 ms", n, sent)
	}
	l.window = 0
	r := lost(7, 0)
	l.onPacket(at(time.Second), &r, 50*msec)
	r = arrival(7, 0, time.Second)
	if l.onPacket(at(9*time.Second), &r, 50*msec); l.window != 50*msec {
		t.Errorf("window %v, want one round trip at most", l.window)
	}
}

// More missing packets than are remembered are lost, or forgotten, but never counted twice.
func TestManyMissing(t *testing.T) {
	var l losses
	for i := range 1000 {
		r := lost(uint64(i), 0)
		l.onPacket(at(msec), &r, time.Second)
	}
	if n, _ := l.declare(at(msec)); n != 256 {
		t.Errorf("%d lost, want the 256 that are remembered", n)
	}
	if n, _ := l.declare(at(time.Second)); n != 0 {
		t.Errorf("%d lost a second time", n)
	}
}

func TestLossEventRate(t *testing.T) {
	var e lossEvents
	e.update(at(100*msec), true, 100*msec)
	wantNear(t, "loss_event_rate", e.rate, 0.02)
	e.update(at(150*msec), true, 100*msec) // the same round trip goes on
	wantNear(t, "loss_event_rate", e.rate, 0.02)
	e.update(at(200*msec), false, 100*msec)
	wantNear(t, "loss_event_rate", e.rate, 0.02+0.02*0.98)
	e.update(at(300*msec), false, 100*msec)
	wantNear(t, "loss_event_rate", e.rate, 0.0396*0.98)
}

// RFC 8298 §4.1.2.1: at most one reaction per round trip, and none to what left before the last one.
func TestOneReactionPerRoundTrip(t *testing.T) {
	var r reaction
	if !r.due(at(100*msec), 0, 100*msec) {
		t.Fatal("the first isn't due")
	}
	r.note(at(100 * msec))
	for _, c := range []struct {
		now, sent time.Duration
		want      bool
	}{{150 * msec, 110 * msec, false}, {250 * msec, 90 * msec, false}, {250 * msec, 110 * msec, true}} {
		if got := r.due(at(c.now), at(c.sent), 100*msec); got != c.want {
			t.Errorf("at %v for a packet of %v: %v", c.now, c.sent, got)
		}
	}
}
