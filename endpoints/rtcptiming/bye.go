package rtcptiming

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// manyMembers is the group size above which a BYE has to wait (RFC 3550 §6.3.7).
const manyMembers = 50

// leaving is the state of an SSRC that waits to send its BYE. In it members
// counts BYE packets.
type leaving struct {
	members int
	average float64
}

// Quit schedules the BYE of an SSRC, a compound packet of the given size, UDP and
// IP headers included. It reports false if the BYE may go at once; otherwise
// [Scheduler.Due] says when (RFC 3550 §6.3.7). Nothing else may be sent from the
// SSRC meanwhile.
func (s *Scheduler) Quit(now simtime.Time, l *Local, size units.Bytes) bool {
	if l.quit != nil {
		return true
	}
	if s.members.count() <= manyMembers {
		return false
	}
	s.moved = true
	l.quit = &leaving{members: 1, average: float64(size)}
	l.tp, l.te, l.pmembers = now, simtime.Never, 1
	l.tn = now.Add(s.quitInterval(l))
	return true
}

// Quitting reports whether the SSRC waits to send its BYE.
func (l *Local) Quitting() bool { return l.quit != nil }

// quitInterval is T with members as the number of BYEs, no senders, and initial
// set.
func (s *Scheduler) quitInterval(l *Local) time.Duration {
	td := s.allot(l.quit.members, 0, l.quit.average, false)
	switch {
	case !s.config.AVPF:
		td = max(td, s.config.Minimum/2)
	case s.multiparty:
		td = max(td, time.Second)
	}
	return s.randomize(td)
}

// reconsiderQuit draws a new interval when the BYE's time has come.
func (s *Scheduler) reconsiderQuit(now simtime.Time, l *Local) bool {
	l.pmembers = l.quit.members
	if due := l.tp.Add(s.quitInterval(l)); due > now {
		l.tn = due
		return false
	}
	return true
}

// CountBye notes a compound packet with a BYE from somebody else, which postpones
// the BYEs that wait here. size is that on the wire.
func (s *Scheduler) CountBye(size units.Bytes) {
	for _, l := range s.locals {
		if q := l.quit; q != nil {
			q.members++
			q.average = float64(float64(size)/16) + float64(q.average*15/16)
		}
	}
}
