package endpoints

import (
	"encoding/binary"
	"time"

	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/rtx"
	"rtpfabric/endpoints/ssrctable"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// admit judges an SSRC or CSRC that came from an address, and reports whether
// what came with it may be processed (RFC 3550 §8.2). An empty cname isn't one.
func (s *Session) admit(now simtime.Time, k ssrctable.Kind, ssrc uint32, from packet.Addr, cname string) bool {
	if s.silence >= unheard && now.Sub(s.heardFrom) >= acquaintance && !s.table.Known(ssrc) {
		s.introduceAnew()
	}
	var v ssrctable.Verdict
	if cname != "" {
		v = s.table.Described(now, ssrc, from, cname)
	} else {
		v = s.table.Heard(now, k, ssrc, from)
	}
	switch v {
	case ssrctable.Accept:
		return true
	case ssrctable.ThirdPartyCollision:
		s.counts.ThirdPartyCollisions++
		s.event(Event{Kind: ThirdPartyCollision, At: now, SSRC: ssrc})
	case ssrctable.ThirdPartyLoop:
		s.counts.ThirdPartyLoops++
		s.event(Event{Kind: ThirdPartyLoop, At: now, SSRC: ssrc})
	case ssrctable.OwnLooped:
		s.counts.OwnLooped++
	case ssrctable.OwnCollision:
		s.counts.OwnCollisions++
		s.resolve(now, k, ssrc, from)
	}
	return false
}

// resolve gives up an SSRC that somebody else uses too. A signalled one may wait
// until an unsignalled one has moved (RFC 5576 §5).
func (s *Session) resolve(now simtime.Time, k ssrctable.Kind, ssrc uint32, from packet.Addr) {
	st := s.ours(ssrc)
	if st == nil || st.local == nil || s.endpoint.config.Stubborn {
		return // it has left already, or stays
	}
	if st.section.config.SSRC != 0 && !s.signalled(ssrc) {
		switch {
		case st.contestedSince == simtime.Never:
			st.contestedSince = now
			return
		case now.Sub(st.contestedSince) < time.Duration(5*1.5*float64(s.timing.ReceiverInterval())):
			return
		}
	}
	s.table.GiveUp(now, ssrc, k, from)
	s.replace(now, st)
}

// signalled reports whether the peer's description has an SSRC.
func (s *Session) signalled(ssrc uint32) bool {
	for i := range s.config.Sections {
		if r := s.config.Sections[i].RemoteSSRC; r != 0 && r == ssrc {
			return true
		}
	}
	return false
}

// replace moves a stream to a new SSRC, with a BYE for the old one. The CNAME
// stays, and so does what is in the pacer.
func (s *Session) replace(now simtime.Time, old *Stream) {
	next := s.newStream(old.section, old.clock, 0)
	next.layouts = old.layouts
	next.join(now)
	next.queued, old.queued = old.queued, 0
	next.restamped = next.seq
	next.seq += uint16(next.queued)
	old.next = next
	switch m := old.section; {
	case m.main == old:
		m.main = next
		m.limits = newLimits(next)
		if m.keypad != nil {
			m.keypad.Cut()
		}
		if m.resend != nil { // what was kept has the old SSRC
			m.resend.history = nack.NewHistory(s.config.Repair.History)
		}
	case m.guard != nil && m.guard.stream == old:
		m.guard.stream = next
		m.guard.masks = flexfec.NewMaskSender(flexfec.NewStream(next.ssrc, m.config.Formats[0].FEC, next.seq), 1)
	case m.resend != nil && m.resend.stream == old:
		m.resend.stream = next
		m.resend.packets = rtx.NewSender(next.ssrc, next.seq, &s.types)
	}
	s.stir()
	s.event(Event{Kind: SSRCChanged, At: now, Section: old.section, SSRC: next.ssrc, Previous: old.ssrc})
	s.sendBye(now, old)
}

// restamp gives a packet that was made for a stream the identity of the stream
// that took its place.
func (st *Stream) restamp(p *packet.Packet) *Stream {
	for st.next != nil {
		n := st.next
		b := p.Payload
		if st.section.Passage() == nil { // which leaves timestamps as they came
			binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(b[4:])-st.tsOffset+n.tsOffset)
		}
		binary.BigEndian.PutUint16(b[2:], n.restamped)
		binary.BigEndian.PutUint32(b[8:], n.ssrc)
		n.restamped++
		st = n
	}
	return st
}
