package rtcptiming

import (
	"time"

	"rtpfabric/sim/simtime"
)

// Kind is a kind of RTCP transmission.
type Kind uint8

// The kinds.
const (
	None    Kind = iota
	Regular      // a compound packet with reports (RFC 4585 §3.5.3)
	Early        // feedback ahead of the regular packet (§3.5.2)
	Minimal      // feedback in the place of a regular packet that T_rr_interval suppresses (§3.5.3 step 2b)
	Bye          // the BYE that [Scheduler.Quit] announced (RFC 3550 §6.3.7)
)

// Decision is what may be sent now.
type Decision struct {
	Kind Kind
	// Local sends the packet. It is nil if Kind is None.
	Local *Local
	// Gone are remote members that were timed out.
	Gone []uint32
}

// Due decides about timers that have expired by now. The caller repeats it
// until the decision is None; after each Regular or Early one it sends the
// packet and says so with SentRegular, SentEarly or SentMinimal. pending tells
// whether feedback messages wait for transmission.
func (s *Scheduler) Due(now simtime.Time, pending bool) Decision {
	return s.DueIf(now, always(pending))
}

// Feedback says whether messages wait for transmission.
type Feedback interface{ FeedbackPending() bool }

type always bool

// FeedbackPending implements [Feedback].
func (a always) FeedbackPending() bool { return bool(a) }

// DueIf is Due for feedback that is only looked for where it matters.
func (s *Scheduler) DueIf(now simtime.Time, pending Feedback) Decision {
	s.moved = true
	for _, l := range s.locals {
		if l.te <= now {
			l.te = simtime.Never
			if pending.FeedbackPending() {
				return Decision{Kind: Early, Local: l}
			}
		}
	}
	for _, l := range s.locals {
		if l.tn > now {
			continue
		}
		if l.quit != nil {
			if s.reconsiderQuit(now, l) {
				return Decision{Kind: Bye, Local: l}
			}
			continue
		}
		if l.atOnce {
			if l.atOnce = false; s.burst > 0 {
				s.burst--
				return Decision{Kind: Regular, Local: l}
			}
			l.tn = l.tp.Add(s.interval(l))
			continue
		}
		gone := s.expire(now, l)
		kind := None
		if s.reconsider(now, l) {
			kind = s.afterReconsideration(now, l, pending)
		}
		if kind != None || gone != nil {
			return Decision{Kind: kind, Local: l, Gone: gone}
		}
	}
	return Decision{}
}

// reconsider draws a new interval when tn is reached and reports whether the
// packet may go; otherwise tn moves back (RFC 3550 §6.3.6).
func (s *Scheduler) reconsider(now simtime.Time, l *Local) bool {
	l.pmembers = s.members.count()
	if due := l.tp.Add(s.interval(l)); due > now {
		l.tn = due
		return false
	}
	return true
}

// afterReconsideration applies T_rr_interval (RFC 4585 §3.5.3, steps 1 and 2).
func (s *Scheduler) afterReconsideration(now simtime.Time, l *Local, pending Feedback) Kind {
	trr := s.config.TrrInterval
	if !s.config.AVPF || trr == 0 || l.trrLast == simtime.Never {
		return Regular
	}
	current := time.Duration(s.config.Random.Uniform(0.5, 1.5) * float64(trr))
	switch {
	case l.trrLast.Add(current) <= now:
		return Regular
	case pending.FeedbackPending():
		return Minimal
	}
	s.restart(l, now)
	return None
}

// restart begins the next interval at tp.
func (s *Scheduler) restart(l *Local, tp simtime.Time) {
	s.moved = true
	l.tp = tp
	l.allowEarly = true
	l.pmembers = s.members.count()
	l.tn = tp.Add(s.interval(l))
}

// Candidates returns the other local SSRCs whose reports may join a regular
// packet, in order of their tn (RFC 8108 §5.3.2). The result is valid until the
// next call.
func (s *Scheduler) Candidates(first *Local) []*Local {
	out := s.candidates[:0]
	for _, l := range s.locals {
		if l == first || l.quit != nil {
			continue
		}
		i := len(out)
		out = append(out, l)
		for ; i > 0 && out[i-1].tn > l.tn; i-- {
			out[i] = out[i-1]
		}
		out[i] = l
	}
	s.candidates = out
	return out
}

// SentRegular notes a regular packet with the reports of the given SSRCs, the
// one whose timer expired first.
func (s *Scheduler) SentRegular(now simtime.Time, reporters []*Local) {
	total := time.Duration(0)
	for _, l := range reporters[1:] {
		total += s.effective(l).Sub(now)
	}
	// tt_avg of RFC 8108 §5.3.2 c.
	avg := now.Add(total / time.Duration(len(reporters)))
	for _, l := range reporters {
		l.initial, l.atOnce = false, false
		l.te = simtime.Never
		l.trrLast = avg
		s.restart(l, avg)
	}
}

// effective returns when an aggregated SSRC would have sent by itself
// (RFC 8108 §5.3.2 b).
func (s *Scheduler) effective(l *Local) simtime.Time {
	tn := l.tn
	for {
		due := l.tp.Add(s.interval(l))
		if due <= tn {
			return tn
		}
		tn = due
	}
}

// SentEarly notes an early packet: the next regular one is skipped
// (RFC 4585 §3.5.2 step 6).
func (s *Scheduler) SentEarly(_ simtime.Time, l *Local) {
	s.moved = true
	trr := l.tn.Sub(l.tp)
	l.allowEarly = false
	l.te = simtime.Never
	l.tp, l.tn = l.tn, l.tp.Add(2*trr)
}

// SentMinimal notes feedback that took the place of a regular packet.
func (s *Scheduler) SentMinimal(now simtime.Time, l *Local) { s.restart(l, now) }

// WantFeedback schedules an early packet for feedback that arose now, if the
// rules allow one (RFC 4585 §3.5.2 steps 2 to 4). Of several SSRCs that could
// send it the first that may send early does (RFC 8108 §5.4.1). Otherwise the
// feedback waits for the next regular packet.
func (s *Scheduler) WantFeedback(now simtime.Time) {
	if !s.config.AVPF {
		return
	}
	for _, l := range s.locals {
		if l.te != simtime.Never {
			return
		}
	}
	for _, l := range s.locals {
		if l.mayBeEarly() {
			s.scheduleEarly(now, l)
			return
		}
	}
}

// WantFeedbackFrom is WantFeedback for a message that only one SSRC may send, such
// as one about streams of its own media type (RFC 8108 §5.4.1).
func (s *Scheduler) WantFeedbackFrom(now simtime.Time, l *Local) {
	if s.config.AVPF && l.te == simtime.Never && l.mayBeEarly() {
		s.scheduleEarly(now, l)
	}
}

// mayBeEarly reports whether an SSRC may send an early packet: none before the
// first compound one (RFC 5506 §4.1).
func (l *Local) mayBeEarly() bool { return !l.initial && l.allowEarly && l.quit == nil }

// scheduleEarly does so if the regular packet wouldn't come first
// (RFC 4585 §3.5.2 step 2).
func (s *Scheduler) scheduleEarly(now simtime.Time, l *Local) {
	dither := s.DitherMax(l)
	if now.Add(dither) > l.tn {
		return
	}
	s.moved = true
	l.te = now.Add(time.Duration(s.config.Random.Float64() * float64(dither)))
}

// DitherMax returns T_dither_max: 0 between two parties, half an interval in a
// group (RFC 4585 §3.5.2 step 1).
func (s *Scheduler) DitherMax(l *Local) time.Duration {
	if !s.multiparty || l == nil {
		return 0
	}
	return l.tn.Sub(l.tp) / 2
}
