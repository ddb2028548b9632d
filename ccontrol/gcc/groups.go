package gcc

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Limits of what counts as one group, from libwebrtc's
// goog_cc/inter_arrival_delta.{h,cc}. The length of a burst is a parameter
// (burst_time, draft §5.2).
const (
	maxBurst = 100 * time.Millisecond
	// After so many groups in a row that arrived before their predecessors the
	// reference is wrong, not the groups.
	reorderedReset = 3
	// A receiver's clock that jumps by as much as this against ours was set.
	clockJump = 3 * time.Second
)

// group is a sequence of packets that left as a burst or arrive as one
// (draft §5.2).
type group struct {
	used         bool
	firstSent    simtime.Time
	sent         simtime.Time // T(i): departure of the last packet
	firstArrival simtime.Time
	arrival      simtime.Time // t(i): arrival of the last packet
	reported     simtime.Time // by our clock
}

// deltas are the differences between a group and its predecessor.
type deltas struct {
	sent, arrival time.Duration
}

// variation is d(i) of draft §5.1, in milliseconds.
func (d deltas) variation() float64 { return ms(d.arrival) - ms(d.sent) }

// grouper collects packets into groups and compares each with the one before.
type grouper struct {
	burst       time.Duration // burst_time
	now, before group
	reordered   int
}

// add takes a packet that has arrived. It returns deltas when the packet is the
// first of a new group, so that the group before is complete.
func (g *grouper) add(now simtime.Time, p *ccontrol.PacketResult) (deltas, bool) {
	var d deltas
	complete := false
	switch {
	case !g.now.used:
		g.begin(p)
	case p.Sent < g.now.firstSent:
		return d, false // out of order: ignored (draft §5.1)
	case g.belongs(p):
		g.now.sent = max(g.now.sent, p.Sent)
	default:
		if g.before.used {
			if d, complete = g.compare(); !complete {
				return d, false
			}
		}
		g.before = g.now
		g.begin(p)
	}
	g.now.arrival, g.now.reported = p.Arrival, now
	return d, complete
}

func (g *grouper) begin(p *ccontrol.PacketResult) {
	g.now = group{used: true, firstSent: p.Sent, sent: p.Sent, firstArrival: p.Arrival}
}

// belongs applies the two conditions of draft §5.2.
func (g *grouper) belongs(p *ccontrol.PacketResult) bool {
	sent := p.Sent.Sub(g.now.sent)
	if sent == 0 {
		return true
	}
	arrival := p.Arrival.Sub(g.now.arrival)
	if arrival < sent && arrival <= g.burst && p.Arrival.Sub(g.now.firstArrival) < maxBurst {
		return true
	}
	return p.Sent.Sub(g.now.firstSent) <= g.burst
}

// compare returns how the present group differs from the one before; false if it
// can't have: its packets were reordered, or the receiver's clock was set.
func (g *grouper) compare() (deltas, bool) {
	d := deltas{sent: g.now.sent.Sub(g.before.sent), arrival: g.now.arrival.Sub(g.before.arrival)}
	if d.arrival-g.now.reported.Sub(g.before.reported) >= clockJump {
		g.reset()
		return d, false
	}
	if d.arrival < 0 {
		g.reordered++
		if g.reordered >= reorderedReset {
			g.reset()
		}
		return d, false
	}
	g.reordered = 0
	return d, true
}

func (g *grouper) reset() { *g = grouper{burst: g.burst} }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
