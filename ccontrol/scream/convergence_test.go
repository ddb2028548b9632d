package scream

import (
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// Both find a bottleneck's rate, keep the queue near its target, and follow when
// the rate falls and rises, however rarely reports come. Competing flows, of which there
// are none, aren't looked for: a standing queue of one's own passes for theirs.
func TestConvergence(t *testing.T) {
	settings := map[string]string{"competing-flows": "0"}
	for _, c := range []struct {
		name     string
		interval time.Duration
		least    float64 // utilization
		queue    time.Duration
	}{
		// The queue of version 1 stands at its target, 100 ms, while the media could
		// send more, and a frame of 33 ms comes on top.
		{"scream", 20 * time.Millisecond, 0.9, 150 * time.Millisecond},
		{"scream", 100 * time.Millisecond, 0.9, 150 * time.Millisecond},
		{"scream", time.Second, 0.7, 250 * time.Millisecond},
		// That of version 2 begins to matter at 30 ms and isn't let past 60.
		{"scream-v2", 20 * time.Millisecond, 0.8, 75 * time.Millisecond},
		{"scream-v2", 100 * time.Millisecond, 0.7, 75 * time.Millisecond},
		{"scream-v2", time.Second, 0.3, 75 * time.Millisecond},
	} {
		t.Run(c.name+"/"+c.interval.String(), func(t *testing.T) {
			l := newLoop(t, c.name, wide, settings)
			l.interval = c.interval
			for _, rate := range []float64{2e6, 800e3, 3e6} {
				l.rate = rate
				l.run(20 * time.Second)
				u, p95 := l.measured(20 * time.Second)
				t.Logf("%.1f Mbit/s: %.0f %%, queue %v", rate/1e6, 100*u, p95)
				if u < c.least || p95 > c.queue {
					t.Errorf("at %v bit/s: utilization %.2f, queue %v; want at least %.2f, at most %v",
						rate, u, p95, c.least, c.queue)
				}
			}
		})
	}
}

// With L4S' marks at two packets the queue stays at a few; without, version 2 waits for half of
// its target.
func TestL4SKeepsTheQueueShort(t *testing.T) {
	queue := map[packet.ECN]time.Duration{}
	limits := ccontrol.Limits{Min: 150 * units.Kbps, Max: 20 * units.Mbps, Start: units.Mbps}
	for _, ecn := range []packet.ECN{packet.ECT1, packet.NotECT} {
		l := newLoop(t, "scream-v2", limits, nil)
		l.rate, l.step, l.ecn, l.interval = 10e6, 2*time.Millisecond, ecn, 25*time.Millisecond
		l.run(20 * time.Second)
		u, p95 := l.measured(20 * time.Second)
		t.Logf("%v: %.0f %%, queue %v", ecn, 100*u, p95)
		if u < 0.6 {
			t.Errorf("%v: utilization %.2f", ecn, u)
		}
		queue[ecn] = p95
	}
	if queue[packet.ECT1] > 10*time.Millisecond || queue[packet.ECT1] > queue[packet.NotECT]/2 {
		t.Errorf("queue with marks %v, without %v", queue[packet.ECT1], queue[packet.NotECT])
	}
}

// Version 1 ramps up by RAMP_UP_SPEED in fast increase mode, within the 5 to 10 s that
// RFC 8298 §3 promises.
func TestRampUp(t *testing.T) {
	for _, name := range []string{"scream", "scream-v2"} {
		l := newLoop(t, name, wide, nil)
		l.rate = 10e6
		l.run(10 * time.Second)
		if got := l.c.Target().Media; got < 1_500_000 {
			t.Errorf("%s: %v after ten seconds on a free path", name, got)
		}
	}
}

// When reports stop, a packet passes now and then; when they come again, so does the rate.
func TestBlackOut(t *testing.T) {
	for _, name := range []string{"scream", "scream-v2"} {
		l := newLoop(t, name, wide, nil)
		l.rate = 2e6
		l.run(20 * time.Second)
		before := l.c.Target().Media
		l.deaf = true
		l.run(3 * time.Second)
		l.measured(5 * time.Second)
		// RATE_PACE_MIN is 50 kbit/s, 31 kB in five seconds.
		if l.left < 20_000 || l.left > 35_000 {
			t.Errorf("%s: %v in five seconds without reports", name, l.left)
		}
		if got := l.c.Target().Media; got > before/8 && got > wide.Min {
			t.Errorf("%s: the media still aim at %v", name, got)
		}
		l.deaf = false
		l.run(15 * time.Second)
		if got := l.c.Target().Media; got < before/2 {
			t.Errorf("%s: %v 15 s after the black-out, %v before", name, got, before)
		}
	}
}

// Nothing comes back from the beginning: the first packets leave, and then some.
func TestNoFeedbackEver(t *testing.T) {
	for _, name := range []string{"scream", "scream-v2"} {
		l := newLoop(t, name, wide, nil)
		l.deaf = true
		l.run(500 * time.Millisecond)
		if l.left < 2400 || l.left > 9000 {
			t.Errorf("%s: %v at the start", name, l.left)
		}
		l.run(2 * time.Second)
		l.measured(5 * time.Second)
		if l.left < 15_000 || l.left > 35_000 { // where packets are small, the ticks aren't
			t.Errorf("%s: %v in five seconds", name, l.left)
		}
	}
}

// Urgent packets that fill the window alone, as audio does where round trips are long, don't
// keep others waiting for ever.
func TestUrgentPacketsFillTheWindow(t *testing.T) {
	for _, name := range names {
		c := build(t, name, narrow, nil)
		var seq uint64
		opened := 0
		for now := time.Duration(0); now < 10*time.Second; now += 20 * msec {
			for c.NextTimeout() <= at(now) {
				c.OnTimeout(at(now))
			}
			switch v := c.(type) {
			case *v1:
				v.window.cwnd = 3000
			case *v2:
				v.ref.size = 3000
			}
			if c.Target().Window >= 21_000 {
				opened++
			}
			c.OnSent(at(now), ccontrol.Sent{Seq: seq, Size: 200, Backlog: 1200, InFlight: 20_000})
			r := arrival(seq, now-time.Second, 50*msec)
			c.OnFeedback(at(now), &ccontrol.Report{Packets: []ccontrol.PacketResult{r}, InFlight: 20_000, Backlog: 1200})
			seq++
		}
		if opened < 9 || opened > 11 {
			t.Errorf("%s: a packet may pass %d times in ten round trips", name, opened)
		}
	}
}

// Random loss of one packet in fifty doesn't bring either to its knees for want of a round trip's
// rest between reactions.
func TestRandomLoss(t *testing.T) {
	for _, name := range []string{"scream", "scream-v2"} {
		l := newLoop(t, name, wide, nil)
		l.rate, l.drop = 2e6, 50
		l.run(20 * time.Second)
		if u, _ := l.measured(20 * time.Second); u < 0.1 {
			t.Errorf("%s: utilization %.2f", name, u)
		}
	}
}
