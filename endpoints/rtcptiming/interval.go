package rtcptiming

import (
	"time"

	"rtpfabric/sim/simtime"
)

// deterministic returns Td (RFC 3550 §6.3.1, steps 1 to 3) for a participant
// that does or doesn't send media.
func (s *Scheduler) deterministic(weSent bool, tmin time.Duration) time.Duration {
	return max(tmin, s.allot(s.members.count(), s.members.senders(), s.average, weSent))
}

// ReceiverInterval is Td of a member that doesn't send (§6.3.1), with the minimum
// of the profile.
func (s *Scheduler) ReceiverInterval() time.Duration {
	return s.deterministic(false, s.regularMinimum())
}

// nothing is the interval of participants without any bandwidth.
const nothing = 24 * time.Hour

// allot returns the interval at which packets of the given average size use what
// falls to one participant. Senders have a share of their own while they are no
// greater part of the members than of the bandwidth (RFC 3550 §6.3.1 step 2; with
// b=RS and b=RR, RFC 3556 §2).
func (s *Scheduler) allot(members, senders int, average float64, weSent bool) time.Duration {
	share := s.senderShare()
	n, part := float64(members), 1.0
	if float64(senders) <= float64(share*float64(members)) {
		if weSent {
			n, part = float64(senders), share
		} else {
			n, part = float64(members-senders), 1-share
		}
	}
	bytesPerSecond := float64(s.config.Bandwidth) / 8 * part
	if bytesPerSecond <= 0 {
		return nothing
	}
	td := float64(n*average) / bytesPerSecond
	return min(time.Duration(min(td*float64(time.Second), float64(nothing))), nothing)
}

// senderShare is RS/(RS+RR): a quarter unless the session says otherwise.
func (s *Scheduler) senderShare() float64 {
	if s.config.SenderShare < 0 {
		return 0
	}
	if s.config.SenderShare == 0 {
		return 0.25
	}
	return s.config.SenderShare
}

// interval returns T: randomised and compensated (steps 4 and 5).
func (s *Scheduler) interval(l *Local) time.Duration {
	return s.randomize(s.deterministic(s.members.isSender(l.SSRC), s.minimum(l)))
}

func (s *Scheduler) randomize(td time.Duration) time.Duration {
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
	case s.config.AVPF && l.initial && s.multiparty:
		return time.Second
	}
	return s.regularMinimum()
}

// regularMinimum is Tmin after the first packet.
func (s *Scheduler) regularMinimum() time.Duration {
	if s.config.AVPF {
		return 0
	}
	return s.config.Minimum
}

// Share returns the part of the session's RTCP bandwidth that falls to this
// endpoint's SSRCs, as a fraction of one.
func (s *Scheduler) Share() float64 {
	members, senders := s.members.count(), s.members.senders()
	ours, part := 0.0, s.senderShare()
	for _, l := range s.locals {
		switch {
		case float64(senders) > float64(part*float64(members)):
			ours += 1 / float64(members)
		case s.members.isSender(l.SSRC):
			ours += part / float64(senders)
		default:
			ours += (1 - part) / float64(members-senders)
		}
	}
	return min(ours, 1)
}

// reverseReconsider moves tn and tp closer when members have left
// (RFC 3550 §6.3.4).
func (s *Scheduler) reverseReconsider(now simtime.Time) {
	members := s.members.count()
	for _, l := range s.locals {
		if l.quit == nil && members < l.pmembers {
			s.scale(now, l, float64(members)/float64(l.pmembers))
			l.pmembers = members
		}
	}
}

func (s *Scheduler) scale(now simtime.Time, l *Local, ratio float64) {
	s.moved = true
	l.tn = now.Add(time.Duration(ratio * float64(l.tn.Sub(now))))
	l.tp = now.Add(-time.Duration(ratio * float64(now.Sub(l.tp))))
}
