package endpoints

import (
	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/simtime"
)

// The receiver's half of the media usability circuit breaker (RFC 8083 §4.4): who has
// received nothing but useless media for a significant time terminates the session. It
// judges by what its own reports say.

// usefulness is what a receiver has made of a source.
type usefulness struct {
	reported simtime.Time // when the last block about it was made; 0 before the first
	since    simtime.Time // when it became useless; Never if it isn't
	lost     float64      // share, by the last block
	told     bool
}

// judge takes the fraction lost of a block of the session's first reporter.
func (r *source) judge(now simtime.Time, fraction uint8) {
	s, u := r.session, &r.usefulness
	limits := &s.config.Breakers.Leave
	u.lost = float64(fraction) / 256
	switch {
	case u.reported == 0 || !limits.Exceeded(u.lost, s.rtt):
		u.since = simtime.Never
		u.told = false
	case u.since == simtime.Never:
		u.since = u.reported // the block is about the time since the last
	}
	u.reported = now
}

// useless returns the source that was the last one to become useless if all are of which
// media comes; nil if one isn't, or none comes.
func (s *Session) useless() *source {
	var last *source
	for _, src := range s.sources {
		if !src.plays() || src.ended || src.usefulness.reported == 0 {
			continue
		}
		if src.usefulness.since == simtime.Never {
			return nil
		}
		if last == nil || src.usefulness.since > last.usefulness.since {
			last = src
		}
	}
	return last
}

// leaveUseless leaves the session if all of its media has been useless for long enough,
// or says that it would.
func (s *Session) leaveUseless(now simtime.Time) {
	c := &s.config.Breakers
	if c.Mode == NoBreaker || s.leaving {
		return
	}
	src := s.useless()
	if src == nil || src.usefulness.told || now.Sub(src.usefulness.since) < c.Leave.For {
		return
	}
	src.usefulness.told = true
	t := breaker.Trip{
		At: now, Condition: breaker.Unusable, Action: breaker.Alarm, SSRC: src.ssrc,
		Interval: now.Sub(src.usefulness.since), Loss: src.usefulness.lost, RTT: s.rtt,
	}
	if c.Mode == EnforceBreaker {
		t.Action = breaker.Cease
	}
	s.event(Event{Kind: BreakerLeaves, At: now, Section: src.section, SSRC: src.ssrc, Trip: &t})
	if t.Action == breaker.Cease {
		s.Leave(now)
	}
}
