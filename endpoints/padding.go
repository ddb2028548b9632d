package endpoints

import (
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/pacer"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// longestPadding is what a packet's last octet can count (RFC 3550 §5.1).
const longestPadding = 255

// filling keeps a rate up while streams are suspended: no controller learns that there is room
// for them if what the others send doesn't use what it allows already. It does so for as long as
// the target rises, and pauses when it doesn't.
type filling struct {
	rate  units.BitRate // that is to be sent, media included; 0 if there is no need
	next  simtime.Time  // what has left is that much until then
	tries bool
	best  units.BitRate // target of this trial so far
	since simtime.Time  // when it was reached
	top   units.BitRate // of all trials
	again simtime.Time  // nothing is tried before
	pause time.Duration // the last one; 0 if there is a new top since
}

// A target rises if it does by a part of it within a trial; one that falls ends it, if not by so
// little that a frame in the pacer may be why. Pauses are longer each time.
const (
	rise         = 0.01
	fall         = 0.05
	trial        = 2 * time.Second
	firstPause   = 5 * time.Second
	longestPause = 20 * time.Second
)

// fill sets the rate, in bit/s.
func (f *filling) fill(rate float64) {
	if rate <= 0 {
		*f = filling{}
		return
	}
	f.rate = units.BitRate(rate)
}

// sent counts a packet that leaves.
func (f *filling) sent(now simtime.Time, size units.Bytes) {
	if f.rate > 0 {
		f.next = max(f.next, now).Add(f.rate.TimeToSend(size))
	}
}

// due returns when padding may be of use.
func (f *filling) due() simtime.Time {
	if f.rate == 0 {
		return simtime.Never
	}
	return max(f.next, f.again)
}

// worthwhile reports whether padding is, by what the target has become.
func (f *filling) worthwhile(now simtime.Time, target units.BitRate) bool {
	switch change := float64(target)/float64(f.best) - 1; {
	case !f.tries:
		f.tries, f.best, f.since = true, target, now
	case change >= rise:
		if f.best, f.since = target, now; target > f.top {
			f.top, f.pause = target, 0
		}
	case change <= -fall || now.Sub(f.since) >= trial:
		f.pause = min(max(2*f.pause, firstPause), longestPause)
		f.tries, f.again = false, now.Add(f.pause)
		return false
	}
	return true
}

// padDue returns when padding is to leave, if that is before another deadline and anything can carry it:
// at once for a burst that probes, or to keep a rate up. Otherwise it returns Never.
func (s *Session) padDue(before simtime.Time) simtime.Time {
	at := s.padTime()
	if at >= before || s.pacer.Len() > 0 {
		return simtime.Never
	}
	if s.padded == nil || !s.padded.mayPad() { // what has carried padding mostly still can
		if s.pads() == nil {
			return simtime.Never
		}
	}
	return at
}

// padTime is when padding is to leave, whatever waits and may carry it.
func (s *Session) padTime() simtime.Time {
	at := s.filling.due()
	if s.probing.probe.ID != 0 {
		at = 0
	}
	if at == simtime.Never {
		return at
	}
	return max(at, s.pacer.Free())
}

// pads returns the section whose stream carries padding: one of video that is being
// sent, and of which something has been; nil while none may.
func (s *Session) pads() *Section {
	for _, m := range s.sections {
		if m.mayPad() {
			return m
		}
	}
	return nil
}

// mayPad reports whether padding may go in the section's stream now: after a frame, and
// before the next.
func (m *Section) mayPad() bool {
	st := m.main
	if m.config.Kind != Video || st.local == nil || st.packets == 0 || st.queued > 0 || m.suspended || m.stopped || m.held || m.paused.on || m.halted() {
		return false
	}
	p := m.Passage()
	return p == nil || p.mayPad(st)
}

// pad hands a packet without payload to the pacer if one is due. It comes between frames, as
// nothing else waits.
func (s *Session) pad(now simtime.Time) bool {
	if s.padTime() > now || s.pacer.Len() > 0 {
		return false
	}
	m := s.pads()
	if m == nil || s.probing.probe.ID == 0 && !s.filling.worthwhile(now, s.lastTarget.Media) {
		return false
	}
	s.padded = m
	st := m.main
	seq := st.seq
	st.seq++
	if p := m.Passage(); p != nil {
		p.padded(st)
	}
	m.sendPadding(seq, longestPadding)
	return true
}

// sendPadding hands the pacer a packet with nothing but n octets of padding.
func (m *Section) sendPadding(seq uint16, n int) {
	s, st := m.session, m.main
	size := rtpHeader + int(st.layout(false).Size())
	p := s.endpoint.config.Pool.New()
	b := p.SetPayload(size + n)
	p.Size += s.protector.OverheadRTP()
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.Hop = hop(st, false, nack.Discardable)
	h := rtp.Header{
		Version: 2, Padding: true, PayloadType: m.config.Formats[0].PayloadType,
		SequenceNumber: seq, Timestamp: st.lastTS, SSRC: st.ssrc,
	}
	if _, err := h.MarshalTo(b); err != nil {
		panic("endpoints: RTP header doesn't fit its packet: " + err.Error())
	}
	st.writeExtension(b, false, 0, 0, false)
	clear(b[size:])
	b[len(b)-1] = byte(n)
	st.queued++
	s.counts.Padding++
	s.pacer.Push(p, pacer.Normal)
}

// padding returns how many octets at the end of a packet aren't payload.
func padding(b []byte) int {
	if b[0]&0x20 == 0 {
		return 0
	}
	return int(b[len(b)-1])
}

// room tells the pacer what its controller's window leaves.
func (s *Session) room() {
	if w := s.lastTarget.Window; w > 0 {
		if flying := s.history.InFlight(); flying > 0 {
			s.pacer.SetRoom(w - flying)
			return
		}
	}
	s.pacer.Open()
}

// nextPacket returns what may leave now, padding included; nil if that is nothing.
func (s *Session) nextPacket(now simtime.Time) *packet.Packet {
	s.room()
	if p := s.pacer.Pop(now); p != nil {
		return p
	}
	if !s.pad(now) {
		return nil
	}
	return s.pacer.Pop(now)
}
