package rtcptiming

import (
	"time"

	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/simtime"
)

// timeoutFactor is the multiplier M of RFC 3550 §6.3.5.
const timeoutFactor = 5

// memberTable holds everybody known in the session. Members stand in a slice,
// so that going through them has an order.
type memberTable struct {
	list    []member
	sending int
	places  ssrcs.Index // in the list
}

type member struct {
	heard  simtime.Time // last RTP or RTCP
	rtp    simtime.Time // last RTP
	ssrc   uint32
	sender bool
	local  bool
}

func (t *memberTable) count() int   { return len(t.list) }
func (t *memberTable) senders() int { return t.sending }

func (t *memberTable) heard(now simtime.Time, ssrc uint32) *member {
	i := t.places.Find(ssrc)
	if i < 0 {
		i = t.places.Add(ssrc)
		t.list = append(t.list, member{ssrc: ssrc})
	}
	m := &t.list[i]
	m.heard = now
	return m
}

func (t *memberTable) setLocal(ssrc uint32) { t.list[t.places.Find(ssrc)].local = true }

func (t *memberTable) isSender(ssrc uint32) bool {
	i := t.places.Find(ssrc)
	return i >= 0 && t.list[i].sender
}

// sent notes RTP from an SSRC, which makes it a sender. at is where it was found last, unless nobody keeps that.
func (t *memberTable) sent(now simtime.Time, ssrc uint32, at *ssrcs.Place) {
	var m *member
	if at != nil && int(*at) < len(t.list) && t.list[*at].ssrc == ssrc {
		m = &t.list[*at]
		m.heard = now
	} else if m = t.heard(now, ssrc); at != nil {
		*at = ssrcs.Place(t.places.Find(ssrc))
	}
	m.rtp = now
	if !m.sender {
		m.sender = true
		t.sending++
	}
}

func (t *memberTable) remove(ssrc uint32) {
	i := t.places.Find(ssrc)
	if i < 0 {
		return
	}
	if t.list[i].sender {
		t.sending--
	}
	t.places.Remove(i)
	t.list = append(t.list[:i], t.list[i+1:]...)
}

// HeardRTP notes a media packet from a remote SSRC (RFC 3550 §6.3.3). at is the caller's memory of where the member
// stands, or nil.
func (s *Scheduler) HeardRTP(now simtime.Time, ssrc uint32, at *ssrcs.Place) {
	s.members.sent(now, ssrc, at)
}

// HeardRTCP notes an RTCP packet, other than BYE, from a remote SSRC.
func (s *Scheduler) HeardRTCP(now simtime.Time, ssrc uint32) { s.members.heard(now, ssrc) }

// HeardCSRC notes a contributing source of a media packet (RFC 3550 §6.3.3).
func (s *Scheduler) HeardCSRC(now simtime.Time, ssrc uint32) { s.members.heard(now, ssrc) }

// HeardBye removes a remote SSRC (RFC 3550 §6.3.4).
func (s *Scheduler) HeardBye(now simtime.Time, ssrc uint32) {
	if i := s.members.places.Find(ssrc); i >= 0 && !s.members.list[i].local {
		s.members.remove(ssrc)
		s.reverseReconsider(now)
	}
}

// SentRTP notes a media packet of a local SSRC. The first one makes it a sender
// (RFC 3550 §6.3.8); the reverse reconsideration that the RFC wants then has
// nothing to do, as it scales by members, whose number stays. at is as in HeardRTP.
func (s *Scheduler) SentRTP(now simtime.Time, local uint32, at *ssrcs.Place) {
	s.members.sent(now, local, at)
}

// IsSender reports whether a local SSRC has sent media lately: we_sent.
func (s *Scheduler) IsSender(l *Local) bool { return s.members.isSender(l.SSRC) }

// expire times out members and senders (RFC 3550 §6.3.5). Members get five
// intervals with the fixed minimum, whatever the profile (RFC 8108 §7.1.4);
// senders two intervals of the kind that is in use. It returns the remote
// members that are gone.
func (s *Scheduler) expire(now simtime.Time, l *Local) []uint32 {
	var gone []uint32
	patience := timeoutFactor * s.deterministic(false, s.timeoutMinimum())
	senderPatience := 2 * max(s.deterministic(s.members.isSender(l.SSRC), s.minimum(l)), minSenderTimeout)
	for i := len(s.members.list) - 1; i >= 0; i-- {
		m := &s.members.list[i]
		if m.sender && now.Sub(m.rtp) > senderPatience {
			m.sender = false
			s.members.sending--
		}
		if !m.local && now.Sub(m.heard) > patience {
			gone = append(gone, m.ssrc)
			s.members.remove(m.ssrc)
		}
	}
	if gone != nil {
		s.reverseReconsider(now)
	}
	return gone
}

// timeoutMinimum is the Tmin of time-outs.
func (s *Scheduler) timeoutMinimum() time.Duration {
	if s.config.OldTimeouts && s.config.AVPF && s.config.TrrInterval > 0 {
		return s.config.TrrInterval
	}
	return FixedMinimum
}

// minSenderTimeout keeps the sender table steady where AVPF's interval is
// shorter than the gap between two frames.
//
// Deviation (RFC 3550 §6.3.5): the RFC's 2T knows no lower bound, because its
// T is at least 360 ms or so; with AVPF's intervals of some 20 ms, a video of
// 10 frames a second would stop and start being a sender with every frame.
const minSenderTimeout = 500 * time.Millisecond
