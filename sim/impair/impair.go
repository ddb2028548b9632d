// Package impair holds what networks do to packets besides queueing them: loss
// of several kinds, corruption, duplication and reordering. Each model is a
// [fabric.Impairment] or a [fabric.Jitter] and stands on a link by itself or
// behind others.
package impair

import (
	"cmp"
	"slices"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// PositionLoss loses the packets at the given positions: 1 is the first packet
// that comes to it.
type PositionLoss struct {
	positions []uint64 // ascending
	count     uint64
}

// NewPositionLoss takes the positions in any order.
func NewPositionLoss(positions []uint64) *PositionLoss {
	p := slices.Clone(positions)
	slices.Sort(p)
	return &PositionLoss{positions: slices.Compact(p)}
}

// Impair counts the packet.
func (l *PositionLoss) Impair(simtime.Time, *packet.Packet) fabric.Fate {
	l.count++
	if len(l.positions) == 0 || l.positions[0] != l.count {
		return fabric.Pass
	}
	l.positions = l.positions[1:]
	return fabric.Lose
}

// Window is a stretch of time: From is in it, To isn't.
type Window struct{ From, To simtime.Time }

// Outage loses every packet in some windows of time. Unlike a rate of zero it
// doesn't keep packets waiting.
type Outage struct{ windows []Window }

// NewOutage takes the windows in any order; they may overlap.
func NewOutage(windows []Window) *Outage {
	w := slices.Clone(windows)
	slices.SortFunc(w, func(a, b Window) int { return cmp.Compare(a.To, b.To) })
	return &Outage{windows: w}
}

// Impair loses the packet if the time lies in a window.
func (o *Outage) Impair(now simtime.Time, _ *packet.Packet) fabric.Fate {
	for len(o.windows) > 0 && o.windows[0].To <= now {
		o.windows = o.windows[1:]
	}
	for _, w := range o.windows {
		if w.From <= now {
			return fabric.Lose
		}
	}
	return fabric.Pass
}

// SizeLoss loses a packet if any of the fragments is lost that a lower layer
// cuts it into, each independently with probability P: 1−(1−P)^x for x
// fragments (RFC 5506 §3.3).
type SizeLoss struct {
	P        float64 // 0 to 1
	Fragment units.Bytes
	Random   *rng.Stream
}

// Impair draws once for each fragment, also behind one that is lost, so that
// what is drawn for a packet doesn't depend on luck.
func (l *SizeLoss) Impair(_ simtime.Time, p *packet.Packet) fabric.Fate {
	fate := fabric.Pass
	for left := p.Size; left > 0; left -= l.Fragment {
		if l.Random.Bool(l.P) {
			fate = fabric.Lose
		}
	}
	return fate
}

// Corruption flips one random bit of a packet's payload with probability P. A
// receiver finds it out by UDP's checksum and drops the packet, unless its port
// accepts damaged packets.
type Corruption struct {
	P      float64 // 0 to 1
	Random *rng.Stream
}

// Impair draws whether, and then where.
func (c *Corruption) Impair(_ simtime.Time, p *packet.Packet) fabric.Fate {
	if !c.Random.Bool(c.P) {
		return fabric.Pass
	}
	if n := uint64(len(p.Payload)); n > 0 {
		bit := c.Random.Uint64() % (8 * n)
		p.Payload[bit/8] ^= 1 << (bit % 8)
	}
	return fabric.Damage
}

// Duplication sends a packet twice with probability P.
type Duplication struct {
	P      float64 // 0 to 1
	Random *rng.Stream
}

// Impair draws once per packet.
func (d *Duplication) Impair(simtime.Time, *packet.Packet) fabric.Fate {
	if d.Random.Bool(d.P) {
		return fabric.Duplicate
	}
	return fabric.Pass
}

// Reordering holds a packet back with probability P for Delay beyond its
// propagation, so that others overtake it. Inner is the link's jitter, if it
// has any; with NR-BPDV the packets held back are all that is out of order.
type Reordering struct {
	P      float64 // 0 to 1
	Delay  time.Duration
	Random *rng.Stream
	Inner  fabric.Jitter // may be nil
}

// Exit draws once per packet.
func (r *Reordering) Exit(at simtime.Time, serial time.Duration) simtime.Time {
	if r.Inner != nil {
		at = r.Inner.Exit(at, serial)
	}
	if r.Random.Bool(r.P) {
		return at.Add(r.Delay)
	}
	return at
}

// SetStd passes the change on to the link's jitter.
func (r *Reordering) SetStd(std time.Duration) {
	if s, ok := r.Inner.(fabric.Scalable); ok {
		s.SetStd(std)
	}
}
