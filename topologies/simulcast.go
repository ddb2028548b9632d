package topologies

import (
	"cmp"
	"math"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// choice is what an SFM sends on a leg of a picture that comes in several qualities (simulcast,
// RFC 7656 §3.6): the best one that the leg bears.
type choice struct {
	qualities []*projection // the lowest first
	shows     int           // what goes through
	wants     int           // what will, from its next key frame on
	since     simtime.Time  // of the last change of wants
}

// A better quality must fit with some room, and not as soon as another one has been chosen.
const (
	headroom = 1.15
	steadily = 2 * time.Second
)

// choose takes the rate that the leg bears.
func (c *choice) choose(now simtime.Time, leg *projected) {
	best := 0
	for i := range c.qualities {
		if leg.wanted >= c.need(i) {
			best = i
		}
	}
	defer func() { leg.to.Passage().Better = c.better() }()
	if best == c.wants || best > c.wants && now.Sub(c.since) < steadily {
		return
	}
	was := c.wants
	c.wants, c.since = best, now
	c.qualities[best].pause(now)
	if was != c.shows {
		c.qualities[was].pause(now)
	}
	if c.wants != c.shows {
		c.qualities[best].from.RequestRefresh(now)
	}
}

// need returns the rate from which on the leg bears a quality.
func (c *choice) need(i int) units.BitRate {
	if i > c.wants {
		return units.BitRate(math.Ceil(headroom * float64(c.qualities[i].model.Min)))
	}
	return c.qualities[i].model.Min
}

// better returns the rate from which on the leg bears a better quality than the chosen one, 0 if
// there is none.
func (c *choice) better() units.BitRate {
	if c.wants+1 < len(c.qualities) {
		return c.need(c.wants + 1)
	}
	return 0
}

// passes reports whether a packet of a quality goes through. Another one takes over with a key
// frame.
func (c *choice) passes(now simtime.Time, leg *projected, p *projection, packet *endpoints.Passing) bool {
	switch {
	case c.qualities[c.shows] == p:
		return true
	case c.qualities[c.wants] != p || !packet.Opens():
		return false
	}
	was := c.qualities[c.shows]
	c.shows = c.wants
	was.pause(now)
	leg.to.Passage().Follow(p.from, p.cname)
	return true
}

// uses reports whether the leg needs a quality.
func (c *choice) uses(p *projection) bool {
	return c.qualities[c.shows] == p || c.qualities[c.wants] == p
}

// Picture is what a middlebox chooses from for its receivers.
type Picture struct {
	Flow      string // of the streams to receivers, but for who gets it: A/camera
	Qualities int
	// Distinct says that each quality has an encoder. If all come out of one they are the same, and
	// there is no choice.
	Distinct bool
}

// Pictures returns the pictures that come in several qualities (simulcast), as the middlebox knows
// them by what is signalled.
func (s *Simulation) Pictures() []Picture {
	var list []Picture
	for _, f := range s.Flows {
		if f.Simulcast == "" || !s.forwards(f.To) || s.forwards(f.From) {
			continue
		}
		flow := f.From + "/" + f.Simulcast
		i := slices.IndexFunc(list, func(p Picture) bool { return p.Flow == flow })
		if i < 0 {
			i, list = len(list), append(list, Picture{Flow: flow, Distinct: !s.config.SharedEncoders || f.RID != ""})
		}
		list[i].Qualities++
	}
	return list
}

// simulcast makes a leg's stream one of several qualities of a picture.
func (m *sfm) simulcast(s *Simulation, f *Flow, leg *projected) {
	c := &choice{}
	for _, in := range s.Flows {
		if in.Origin() == f.Origin() && in.Simulcast == f.Simulcast && in.To == f.From {
			p := m.projectionOf(in.Flow())
			p.legs = append(p.legs, leg)
			p.joined()
			c.qualities = append(c.qualities, p)
		}
	}
	slices.SortStableFunc(c.qualities, func(a, b *projection) int { return cmp.Compare(a.model.Max, b.model.Max) })
	leg.choice = c
	passage := f.Sender.Passage()
	passage.Mixes, passage.Nameless = true, true
	passage.Follow(c.qualities[0].from, c.qualities[0].cname)
	passage.Wanted = func(now simtime.Time, r units.BitRate) {
		for _, q := range c.qualities {
			q.learns(leg, r)
		}
		c.choose(now, leg)
		for _, q := range c.qualities {
			q.settle(now)
		}
	}
	f.Sender.Represent(c.qualities[0].cname)
}
