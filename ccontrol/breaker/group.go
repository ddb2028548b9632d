package breaker

import (
	"slices"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// state of a group of streams.
type state uint8

const (
	watching state = iota
	reduced        // sends at a tenth, and ceases if that isn't enough
	ceased
)

// group is one stream, or several that trip together (§8).
type group struct {
	state   state
	streams []*stream

	limit, former units.BitRate // of a group that is reduced
	at            simtime.Time  // of the reduction, or of the last time that the limit rose

	earliest simtime.Time // when it may start again
}

func (g *group) remove(s *stream) {
	g.streams = slices.DeleteFunc(g.streams, func(o *stream) bool { return o == s })
}

// tripped changes the state.
func (g *group) tripped(t *Trip, c *Settings) {
	switch t.Action {
	case Alarm:
	case Reduce:
		g.former = max(g.rate(t), t.Rate)
		g.limit = units.BitRate(float64(g.former) / c.Factor)
		t.Limit = g.limit
		g.become(reduced)
		g.at = t.At
		g.forget()
	case Cease:
		g.become(ceased)
		g.earliest = t.At.Add(t.Interval)
		g.forget()
	}
}

// become changes the state, and tells the streams whether it is that of the end.
func (g *group) become(to state) {
	g.state = to
	for _, s := range g.streams {
		s.ceased = to == ceased
	}
}

// rate is what the group sent in the last intervals of whoever reports first on each
// stream, as many as the trip is about.
func (g *group) rate(t *Trip) units.BitRate {
	sum := units.BitRate(0)
	for _, s := range g.streams {
		for i := range s.seats {
			h := &s.breaker.reporter(s.seats[i].at).history
			if n := min(int(h.n), t.Reports); n > 0 {
				_, bytes, d := h.mean(n)
				sum += rateOf(bytes, d.Seconds())
				break
			}
		}
	}
	return sum
}

// forget lets all reports count anew: congestion triggers again after the next
// CB_INTERVAL at the earliest (§4.3).
func (g *group) forget() {
	for _, s := range g.streams {
		s.cancel()
	}
}

// recover raises the limit of a group that was reduced, with the reports that come.
func (g *group) recover(now simtime.Time, c *Settings) {
	if g.state != reduced || c.Recover <= 0 || now.Sub(g.at) < c.Recover {
		return
	}
	if g.limit, g.at = 2*g.limit, now; g.limit >= g.former {
		g.become(watching)
	}
}

// Ceased reports whether a stream has tripped, and when it may be restarted without
// anybody's knowing that the trouble is over: its trip has then lasted as long as
// its cause did (§4.5).
func (b *Breaker) Ceased(ssrc uint32) (earliest simtime.Time, yes bool) {
	s := b.stream(ssrc)
	if s == nil || s.group.state != ceased {
		return 0, false
	}
	return s.group.earliest, true
}

// Restart lets the group of a stream begin anew. Without evidence that the trouble is
// over it reports false, and does nothing, before it has lasted as long as its cause.
func (b *Breaker) Restart(now simtime.Time, ssrc uint32, evidence bool) bool {
	s := b.stream(ssrc)
	if s == nil || s.group.state != ceased || !evidence && now < s.group.earliest {
		return false
	}
	s.group.become(watching)
	for _, o := range s.group.streams {
		o.stopped()
		o.alarmed = false
		for i := range o.seats {
			b.reporter(o.seats[i].at).known = false
		}
	}
	return true
}

// CannotReduce turns a reduction of a group that can't send at a tenth into its end.
func (b *Breaker) CannotReduce(t *Trip) {
	s := b.stream(t.SSRC)
	if s == nil || s.group.state != reduced {
		return
	}
	t.Action, t.Limit = Cease, 0
	s.group.become(ceased)
	s.group.earliest = t.At.Add(t.Interval)
}
