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
	// steps are the last changes of what goes of a source, the newest last: what comes late belongs
	// to one of them.
	steps  []step
	source uint32
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
	return &thinning{wants: layers - 1, steps: []step{{top: layers - 1}}}
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

// passes reports whether a packet goes. More layers do from a frame of the lowest on, fewer from any.
func (t *thinning) passes(p *endpoints.Passing) bool {
	now := t.steps[len(t.steps)-1]
	if p.SSRC != t.source { // which has numbers of its own
		t.source, now.from = p.SSRC, 0
		t.steps = append(t.steps[:0], now)
	}
	if p.First && p.Seq > now.from && (t.wants < now.top || t.wants > now.top && p.Layer == 0) {
		if len(t.steps) == maxSteps {
			t.steps = append(t.steps[:0], t.steps[1:]...)
		}
		t.steps = append(t.steps, step{p.Seq, t.wants})
	}
	for i := len(t.steps) - 1; i > 0; i-- {
		if p.Seq >= t.steps[i].from {
			return int(p.Layer) <= t.steps[i].top
		}
	}
	return int(p.Layer) <= t.steps[0].top
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
		if leg.uses(p) && !leg.to.Suspended() {
			most = max(most, leg.bearsAll(p))
		}
	}
	rate := most
	for _, leg := range p.legs {
		if w := leg.bearsAll(p); float64(w) >= nearly*float64(most) && leg.uses(p) && !leg.to.Suspended() {
			rate = min(rate, w)
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
	c.octets += units.Bytes(len(p.Payload))
	c.top = max(c.top, p.Layer)
	if now.Sub(c.since) < measurePeriod {
		return
	}
	if d := now.Sub(c.since); d < 2*measurePeriod { // it hasn't paused
		part := parts[min(int(c.top), len(parts)-1)]
		c.rate = units.BitRate(float64(8*c.octets) / d.Seconds() / part)
	}
	c.octets, c.top, c.since = 0, 0, now
}
