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

// checkReports looks for signs of life when a packet leaves.
func (b *Breaker) checkReports(now simtime.Time, s *stream) {
	if b.patient {
		return
	}
	switch silent := now.Sub(s.unheard); {
	case s.unheard != simtime.Never && silent >= b.silence():
		b.trip(s, Trip{At: now, Condition: ReportTimeout, Action: Cease, Interval: silent})
	case !s.alarmed && now.Sub(s.unjudged) >= b.silence() && s.unjudged != simtime.Never:
		s.alarmed = true
		b.trip(s, Trip{At: now, Condition: Blind, Action: Alarm, Interval: now.Sub(s.unjudged)})
	}
}
