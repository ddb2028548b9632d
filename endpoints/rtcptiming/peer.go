package rtcptiming

import "time"

// SenderInterval is Td of a member that sends (RFC 3550 §6.3.1), with a minimum.
func (s *Scheduler) SenderInterval(tmin time.Duration) time.Duration {
	return s.deterministic(true, tmin)
}

// PeerInterval estimates Td as a peer has it that sends or doesn't and whose reports
// show so many members and senders, by the sizes of packets seen here (RFC 8083 §3).
func (s *Scheduler) PeerInterval(members, senders int, sends bool, tmin time.Duration) time.Duration {
	return max(tmin, s.allot(members, senders, s.average, sends))
}
