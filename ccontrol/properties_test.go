package ccontrol_test

import (
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// loop is a controller, its host and a bottleneck with a drop-tail queue of 300 ms, in
// steps of a millisecond: media comes as it is asked for, the pacer and the window let
// it go, and feedback comes every 50 ms.
type loop struct {
	t    *testing.T
	name string
	c    ccontrol.Controller
	rate float64 // of the bottleneck, bit/s
	now  simtime.Time

	media, credit  float64 // octets that wait, and that the pacer may send
	seq            uint64
	flying, acked  units.Bytes // sent so far, and of it before the newest one reported on
	totals         map[uint64]units.Bytes
	busy           simtime.Time
	pending        []ccontrol.PacketResult
	reportAt       simtime.Time
	mute           bool
	expected, lost int
}

const (
	loopPacket = 1000
	loopDelay  = 25 * time.Millisecond
)

func newLoop(t *testing.T, name string, rate units.BitRate) *loop {
	return &loop{t: t, name: name, c: build(t, name, nil), rate: float64(rate), totals: map[uint64]units.Bytes{}}
}

// run returns the mean of the targets.
func (l *loop) run(d time.Duration) units.BitRate {
	l.t.Helper()
	sum, n := 0.0, 0
	for end := l.now.Add(d); l.now < end; l.now = l.now.Add(time.Millisecond) {
		for i := 0; l.c.NextTimeout() <= l.now; i++ {
			if l.c.OnTimeout(l.now); i > 100 {
				l.t.Fatalf("%s: the timer at %v isn't reset", l.name, l.c.NextTimeout())
			}
		}
		g := l.c.Target()
		if g.Media < limits.Min || g.Media > limits.Max || g.Pacing <= 0 || g.Window < 0 {
			l.t.Fatalf("%s at %v: %+v", l.name, l.now, g)
		}
		sum += float64(g.Media)
		n++
		l.send(g)
		if l.now >= l.reportAt {
			l.reportAt = l.now.Add(50 * time.Millisecond)
			l.report()
		}
	}
	return units.BitRate(sum / float64(n))
}

func (l *loop) send(g ccontrol.Target) {
	l.media = min(l.media+float64(g.Media)/8000, 100e3)
	l.credit = min(l.credit+float64(g.Pacing)/8000, 2*loopPacket)
	for l.media >= loopPacket && l.credit >= loopPacket {
		inFlight := l.flying - l.acked
		if g.Window > 0 && inFlight > 0 && inFlight+loopPacket > g.Window {
			return
		}
		l.media -= loopPacket
		l.credit -= loopPacket
		l.flying += loopPacket
		l.totals[l.seq] = l.flying
		p := ccontrol.PacketResult{Seq: l.seq, Size: loopPacket, Sent: l.now}
		l.busy = max(l.busy, l.now)
		l.expected++
		if l.busy.Sub(l.now) < 300*time.Millisecond {
			l.busy = l.busy.Add(time.Duration(8 * loopPacket / l.rate * float64(time.Second)))
			p.Received, p.Arrival = true, l.busy.Add(loopDelay)
		} else {
			l.lost++
		}
		l.pending = append(l.pending, p)
		l.c.OnSent(l.now, ccontrol.Sent{
			Seq: l.seq, Size: loopPacket, Backlog: units.Bytes(l.media), InFlight: l.flying - l.acked,
		})
		l.seq++
	}
}

// report is what has arrived a delay ago, by packets and by a reception report each
// second or so.
func (l *loop) report() {
	n := 0
	for n < len(l.pending) && (!l.pending[n].Received || l.pending[n].Arrival.Add(loopDelay) <= l.now) {
		n++
	}
	for n > 0 && !l.pending[n-1].Received {
		n--
	}
	if n == 0 || l.mute {
		return
	}
	packets := l.pending[:n]
	l.pending = append([]ccontrol.PacketResult(nil), l.pending[n:]...)
	last := packets[n-1]
	l.acked = l.totals[last.Seq]
	rtt := last.Arrival.Add(loopDelay).Sub(last.Sent)
	l.c.OnFeedback(l.now, &ccontrol.Report{
		Packets: packets, RTT: rtt, Built: l.now.Add(-loopDelay), Backlog: units.Bytes(l.media), InFlight: l.flying - l.acked,
	})
	if l.expected >= 50 {
		l.c.OnFeedback(l.now, &ccontrol.Report{
			Reception: []ccontrol.Reception{{Stream: 1, By: 2, Expected: l.expected, Lost: l.lost, FractionLost: uint8(min(l.lost*256/l.expected, 255)), RTT: rtt}},
			RTT:       rtt, Backlog: units.Bytes(l.media), InFlight: l.flying - l.acked,
		})
		l.expected, l.lost = 0, 0
	}
}

// controlled returns the controllers that hear of every packet or have reports.
func controlled() (names []string) {
	for _, n := range ccontrol.Names() {
		if s, _ := ccontrol.Lookup(n); !s.Baseline && s.Needs != ccontrol.NeedsEstimate {
			names = append(names, n)
		}
	}
	return names
}

// The less a path carries after a step, the lower the target, and it isn't far above
// what the path carries (RFC 8836 §2, requirement 1).
func TestReactionIsMonotone(t *testing.T) {
	for _, name := range controlled() {
		t.Run(name, func(t *testing.T) {
			var before units.BitRate
			for _, rate := range []units.BitRate{300 * units.Kbps, 500 * units.Kbps, 800 * units.Kbps, 1300 * units.Kbps} {
				l := newLoop(t, name, 1500*units.Kbps)
				l.run(40 * time.Second)
				l.rate = float64(rate)
				l.run(20 * time.Second)
				mean := l.run(20 * time.Second)
				t.Logf("%v of %v", mean, rate)
				if mean < before {
					t.Errorf("%v: target %v, with less capacity %v", rate, mean, before)
				}
				if float64(mean) > 1.2*float64(rate) {
					t.Errorf("%v: target %v under persistent overuse", rate, mean)
				}
				before = mean
			}
		})
	}
}

// What never backs off stays above; or the test above would show nothing.
func TestNothingReacts(t *testing.T) {
	l := newLoop(t, "never-back-off", 1500*units.Kbps)
	l.run(40 * time.Second)
	l.rate = 300e3
	if mean := l.run(40 * time.Second); float64(mean) < 1.2*l.rate {
		t.Errorf("%v over %v bit/s", mean, l.rate)
	}
}

// Without feedback for some seconds the rate stays within bounds and doesn't grow, and
// afterwards it comes back (RFC 8836 §2, requirement 10). SCReAM adjusts its rate by a timer,
// twice until a report is overdue, by no more than RAMP_UP_SPEED (RFC 8298 §4.1.3).
func TestRecoveryAfterSilence(t *testing.T) {
	for _, name := range controlled() {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t, name, 1*units.Mbps)
			l.run(60 * time.Second)
			before := l.run(20 * time.Second)
			most := l.c.Target().Media
			if name == "scream" {
				most += 2 * 40 * units.Kbps
			}
			if during := l.silence(); during > most {
				t.Errorf("%v during 3 s of silence, which is more than %v", during, most)
			}
			l.run(40 * time.Second)
			if after := l.run(20 * time.Second); after < before*7/10 {
				t.Errorf("%v afterwards, %v before", after, before)
			}
		})
	}
}

// silence lets 3 s pass without feedback, and returns the highest target meanwhile.
func (l *loop) silence() (most units.BitRate) {
	l.t.Helper()
	l.mute = true
	for range 300 {
		l.run(10 * time.Millisecond)
		most = max(most, l.c.Target().Media)
	}
	l.mute = false
	return most
}

// eager grows with every packet, whatever it hears.
type eager struct {
	ccontrol.NoTimeout
	rate units.BitRate
}

func (e *eager) OnSent(simtime.Time, ccontrol.Sent)      { e.rate += 100 }
func (*eager) OnFeedback(simtime.Time, *ccontrol.Report) {}
func (e *eager) Target() ccontrol.Target                 { return ccontrol.Target{Media: e.rate, Pacing: e.rate} }

// Who grows in silence is found out, or the test above would show nothing.
func TestWhoGrowsInSilence(t *testing.T) {
	l := newLoop(t, "fixed", 1*units.Mbps)
	l.c = &eager{rate: 500 * units.Kbps}
	l.run(time.Second)
	if before, most := l.c.Target().Media, l.silence(); most < before*102/100 {
		t.Errorf("%v of one that grows from %v", most, before)
	}
}
