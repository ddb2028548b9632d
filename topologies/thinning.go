package topologies

import (
	"cmp"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// thinning is how many temporal layers of a picture an SFM sends on a leg: as many as the leg bears
// (RFC 7667 §3.7). Of frames that aren't sent no number is left free.
type thinning struct {
	wants int // the highest layer that is to go, from the next frame on that allows it
	since simtime.Time
	// What goes of the source, and of the one before, of which something may come late.
	now, before steps
}

// steps are the last changes of what goes of a source, the newest last: what comes late belongs to one
// of them.
type steps struct {
	source uint32
	newest uint64 // highest number that has come
	list   []step
}

// step is the highest layer that goes from a number of the source on.
type step struct {
	from uint64
	top  int
}

// maxSteps bounds what is remembered for packets that come late: changes of more than two seconds, as
// there are two in a second at most.
const maxSteps = 8

// A layer is sent where it fits, and on where it nearly does: limits of sources aren't exact either.
const fits, nearlyFits = 0.98, 0.9

// spare is the part of what the slowest leg bears that the lowest layer may have: key frames need
// the rest. Legs that bear nearly as much as the fastest hold the source to what they bear, so that
// all layers go there, too.
const spare, nearly = 0.8, 0.8

// newThinning lets all of so many layers go at first.
func newThinning(layers int) *thinning {
	return &thinning{wants: layers - 1, now: steps{list: []step{{top: layers - 1}}}}
}

// choose takes the rate that the leg bears, of a picture that comes at a rate, of which layers have
// parts.
func (t *thinning) choose(now simtime.Time, leg *projected, rate units.BitRate, parts []float64) {
	if leg.wanted == 0 || rate == 0 {
		return
	}
	need := func(layer int) units.BitRate {
		part := fits * parts[layer]
		if layer <= t.wants {
			part = nearlyFits * parts[layer]
		}
		return units.BitRate(part * float64(rate))
	}
	best := 0
	for layer := range parts {
		if leg.wanted >= need(layer) {
			best = layer
		}
	}
	if best < t.wants || best > t.wants && now.Sub(t.since) >= steadily {
		t.wants, t.since = best, now
	}
	leg.to.Passage().Better = 0
	if t.wants+1 < len(parts) {
		leg.to.Passage().Better = need(t.wants + 1)
	}
}

// passes reports whether a packet goes. More layers do from a frame of the lowest on, fewer from any,
// if nothing has come yet that follows it.
func (t *thinning) passes(p *endpoints.Passing) bool {
	switch n := &t.now; p.SSRC {
	case n.source:
	case t.before.source:
		return t.before.pass(p)
	default: // it has numbers of its own
		t.now, t.before = t.before, t.now
		n.source, n.newest = p.SSRC, 0
		n.list = append(n.list[:0], step{top: t.before.list[len(t.before.list)-1].top})
	}
	n := &t.now
	if top := n.list[len(n.list)-1].top; p.First && p.Seq > n.newest && (t.wants < top || t.wants > top && p.Layer == 0) {
		if len(n.list) == maxSteps {
			n.list = append(n.list[:0], n.list[1:]...)
		}
		n.list = append(n.list, step{p.Seq, t.wants})
	}
	n.newest = max(n.newest, p.Seq)
	return n.pass(p)
}

// pass reports whether a packet goes by what has been decided.
func (n *steps) pass(p *endpoints.Passing) bool {
	for i := len(n.list) - 1; i > 0; i-- {
		if p.Seq >= n.list[i].from {
			return int(p.Layer) <= n.list[i].top
		}
	}
	return int(p.Layer) <= n.list[0].top
}

// bears returns the rate of a stream that the leg bears, if need be without all layers but the
// lowest.
func (l *projected) bears(p *projection) units.BitRate {
	switch {
	case l.wanted == 0: // nobody knows
		return p.model.Max
	case l.thinning != nil:
		return units.BitRate(spare / p.layers[0] * float64(l.wanted))
	}
	return l.wanted
}

// layered returns the rate of a stream whose layers all go where most is borne, or nearly as much.
func (p *projection) layered() units.BitRate {
	most := units.BitRate(0)
	for _, leg := range p.legs {
		if w := leg.bearsAll(p); w > most && leg.uses(p) && !leg.to.Suspended() {
			most = w
		}
	}
	rate := most
	for _, leg := range p.legs {
		if w := leg.bearsAll(p); w < rate && float64(w) >= nearly*float64(most) && leg.uses(p) && !leg.to.Suspended() {
			rate = w
		}
	}
	return cmp.Or(rate, p.model.Max)
}

// bearsAll returns the rate of a stream that the leg bears with all layers.
func (l *projected) bearsAll(p *projection) units.BitRate { return cmp.Or(l.wanted, p.model.Max) }

// pace measures at what rate a picture comes, in all its layers.
type pace struct {
	octets units.Bytes
	since  simtime.Time
	top    uint8 // the highest layer that has come
	rate   units.BitRate
}

// measurePeriod is how long a measurement takes, long enough for a few frames of each layer.
const measurePeriod = time.Second

// arrived takes a packet. If layers have been left out on the way, their part is added.
func (c *pace) arrived(now simtime.Time, p *endpoints.Passing, parts []float64) {
	if c.octets == 0 {
		c.since = now
	}
	c.octets += units.Bytes(len(p.Payload))
	c.top = max(c.top, p.Layer)
	d := now.Sub(c.since)
	if d < measurePeriod {
		return
	}
	if d < measurePeriod+measurePeriod/4 { // it hasn't paused
		part := parts[min(int(c.top), len(parts)-1)]
		c.rate = units.BitRate(float64(8*c.octets) / d.Seconds() / part)
	}
	c.octets, c.top = 0, 0
}
