package aqm

import (
	"math"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// service is how long a packet of 1250 bytes takes at 10 Mbit/s.
const service = ms

// overloaded puts 25 % too much on a link with a queue, and returns when the
// queue dropped or marked.
func overloaded(t *testing.T, q fabric.Queue, ecn packet.ECN, periods ...[2]time.Duration) []simtime.Time {
	n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Queue: q})
	var signals []simtime.Time
	n.onLost = func(now simtime.Time, _ *packet.Packet, why fabric.DropReason) {
		if why != fabric.QueueDropped {
			t.Fatalf("dropped at %v because %v", now, why)
		}
		signals = append(signals, now)
	}
	n.onDequeued = func(now simtime.Time, p *packet.Packet, _ time.Duration) {
		if p.ECN != p.ECNBefore {
			signals = append(signals, now)
		}
	}
	var end time.Duration
	for _, p := range periods {
		n.every(p[0], p[1], 800*time.Microsecond, 1250, withECN(ecn))
		end = p[1]
	}
	n.run(end)
	return signals
}

func longLimit() CoDelConfig {
	c := DefaultCoDel()
	c.Limit = fabric.Limit{Packets: 1 << 20}
	return c
}

// wantControlLaw checks signals from the first one of a drop state: the next
// one is due interval/√count after the one before was due, and comes with the
// first packet that leaves from then on.
func wantControlLaw(t *testing.T, signals []simtime.Time, count int) {
	t.Helper()
	due := signals[0]
	for i, at := range signals[1:] {
		due = due.Add(time.Duration(float64(100*ms) / math.Sqrt(float64(count+i))))
		if late := at.Sub(due); late < 0 || late > service {
			t.Fatalf("signal %d comes at %v, %v after it is due", i+1, at, late)
		}
	}
}

// §5.6: the spacing of drops is interval/√count.
func TestRFC8289ControlLaw(t *testing.T) {
	drops := overloaded(t, NewCoDel(longLimit()), packet.NotECT, [2]time.Duration{0, 3500 * ms})
	if len(drops) < 250 {
		t.Fatalf("only %d drops", len(drops))
	}
	// A packet waits for 0.2 ms more than the one before it. The 26th one that
	// waits at all waits for over 5 ms; the first drop is 100 ms later.
	if first := drops[0]; first < simtime.At(125*ms) || first > simtime.At(127*ms) {
		t.Errorf("first drop at %v, want 126 ms", first)
	}
	wantControlLaw(t, drops, 1)
}

// §5.5 with marks instead of drops.
func TestRFC8289Marks(t *testing.T) {
	c := longLimit()
	c.ECN = true
	q := NewCoDel(c)
	marks := overloaded(t, q, packet.ECT0, [2]time.Duration{0, 1500 * ms})
	if len(marks) < 40 {
		t.Fatalf("only %d marks", len(marks))
	}
	wantControlLaw(t, marks, 1)
}

// §5.5: a drop state that follows another within 16 intervals starts with the
// number of drops that it took; a later one starts anew.
func TestRFC8289ReentryCount(t *testing.T) {
	for _, c := range []struct {
		pause time.Duration
		keeps bool
	}{{200 * ms, true}, {4 * time.Second, false}} {
		start := 2*time.Second + c.pause
		signals := overloaded(t, NewCoDel(longLimit()), packet.NotECT,
			[2]time.Duration{0, 1500 * ms}, [2]time.Duration{start, start + 1500*ms})
		n := 0
		for n < len(signals) && signals[n] < simtime.At(start) {
			n++
		}
		count := 1
		if c.keeps {
			// The first drop state counts from 1; its last count less the 1
			// it started with.
			count = n - 1
		}
		if n < 40 || len(signals) < n+20 {
			t.Fatalf("%d signals in all, %d in the first period", len(signals), n)
		}
		wantControlLaw(t, signals[n:], count)
	}
}

// §5.6: nothing is dropped below the target, nor while an MTU is queued.
func TestRFC8289SparesGoodQueues(t *testing.T) {
	n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Queue: NewCoDel(DefaultCoDel())})
	n.timer(0, func(now simtime.Time) time.Duration { // bursts that drain in 4 ms
		for range 5 {
			n.send(now, 1250, nil)
		}
		return 5 * service
	})
	n.run(2 * time.Second)
	if d := n.link.Stats().Dropped(); d != 0 {
		t.Errorf("%d drops below the target", d)
	}
	// At 0.4 Mbit/s a packet takes 25 ms, and the one behind it waits as long.
	n = newNet(t, fabric.LinkConfig{Rate: 400 * units.Kbps, Queue: NewCoDel(DefaultCoDel())})
	n.send(0, 1250, nil)
	n.every(0, 2*time.Second, 25*ms, 1250, nil)
	n.run(2 * time.Second)
	if d := n.link.Stats().Dropped(); d != 0 {
		t.Errorf("%d drops with an MTU in the queue", d)
	}
}
