package rtcptiming

import (
	"time"

	"rtpfabric/sim/simtime"
)

// deterministic returns Td (RFC 3550 §6.3.1, steps 1 to 3) for a participant
// that does or doesn't send media.
func (s *Scheduler) deterministic(weSent bool, tmin time.Duration) time.Duration {
	members, senders := s.members.count(), s.members.senders()
	n, share := members, 1.0
	if 4*senders <= members {
		if weSent {
			n, share = senders, 0.25
		} else {
			n, share = members-senders, 0.75
		}
	}
	bytesPerSecond := float64(s.config.Bandwidth) / 8 * share
	if bytesPerSecond <= 0 {
		return 24 * time.Hour
	}
	td := float64(float64(n)*s.average) / bytesPerSecond
	return max(tmin, time.Duration(td*float64(time.Second)))
}

// interval returns T: randomised and compensated (steps 4 and 5).
func (s *Scheduler) interval(l *Local) time.Duration {
	td := s.deterministic(s.members.isSender(l.SSRC), s.minimum(l))
	return max(time.Duration(s.config.Random.Uniform(0.5, 1.5)*float64(td)/compensation), shortest)
}

// shortest is the least interval between two packets of an SSRC.
//
// Deviation (RFC 4585 §3.5.3): AVPF has no minimum; with an RTCP bandwidth of
// gigabits the interval would become zero and time would stand still.
const shortest = time.Millisecond

// minimum returns Tmin. Before an SSRC's first packet it is half the minimum
// (RFC 3550 §6.3.1 step 2), or under AVPF 0 between two parties and 1 s
// between more (RFC 4585 §3.5.1).
func (s *Scheduler) minimum(l *Local) time.Duration {
	switch {
	case !s.config.AVPF && l.initial:
		return s.config.Minimum / 2
	case !s.config.AVPF:
		return s.config.Minimum
	case l.initial && s.multiparty:
		return time.Second
	}
	return 0
}

// Share returns the part of the session's RTCP bandwidth that falls to this
// endpoint's SSRCs, as a fraction of one.
func (s *Scheduler) Share() float64 {
	members, senders := s.members.count(), s.members.senders()
	share := 0.0
	for _, l := range s.locals {
		switch {
		case 4*senders > members:
			share += 1 / float64(members)
		case s.members.isSender(l.SSRC):
			share += 0.25 / float64(senders)
		default:
			share += 0.75 / float64(members-senders)
		}
	}
	return min(share, 1)
}

// reverseReconsider moves tn and tp closer when members have left
// (RFC 3550 §6.3.4).
func (s *Scheduler) reverseReconsider(now simtime.Time) {
	members := s.members.count()
	for _, l := range s.locals {
		if members < l.pmembers {
			s.scale(now, l, float64(members)/float64(l.pmembers))
			l.pmembers = members
		}
	}
}

func (*Scheduler) scale(now simtime.Time, l *Local, ratio float64) {
	l.tn = now.Add(time.Duration(ratio * float64(l.tn.Sub(now))))
	l.tp = now.Add(-time.Duration(ratio * float64(now.Sub(l.tp))))
}
