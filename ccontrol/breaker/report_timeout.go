package breaker

import (
	"time"

	"rtpfabric/sim/simtime"
)

// Circuit breaker 1: RTCP timeout (§4.1). Media is sent and nothing is heard.
//
// It is judged when a packet leaves, so that it needs no timer: what isn't sending
// needn't be stopped.

// silence is how long nothing may be heard.
func (b *Breaker) silence() time.Duration { return Silent * b.td }

// alive notes that something was heard about the session's streams. That reports on
// one speak for all is what §4.1 says of senders with more streams than a report has
// room for.
func (b *Breaker) alive() { b.signs++ }

// quiet reports whether as much time as nothing may be heard has passed. That is never less than with Tmin, so that
// it is hardly ever looked up.
func (b *Breaker) quiet(d time.Duration) bool { return d >= Silent*Tmin && d >= b.silence() }

// checkReports looks for signs of life when a packet leaves, and reports whether there are too few.
func (s *stream) checkReports(now simtime.Time) (tripped bool) {
	b := s.breaker
	unheard := s.unheard != simtime.Never && b.quiet(now.Sub(s.unheard))
	unjudged := s.unjudged != simtime.Never && b.quiet(now.Sub(s.unjudged))
	switch {
	case !unheard && !unjudged, b.settings.NoReportTimeout:
		return false
	case unheard:
		b.trip(s, Trip{At: now, Condition: ReportTimeout, Action: Cease, Interval: now.Sub(s.unheard)})
	case s.alarmed:
		return false
	default:
		s.alarmed = true
		b.trip(s, Trip{At: now, Condition: Blind, Action: Alarm, Interval: now.Sub(s.unjudged)})
	}
	return true
}
