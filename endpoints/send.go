package endpoints

import (
	"encoding/binary"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// pump lets go what the pacer releases, and sends the BYE of streams that have
// stopped and drained.
func (s *Session) pump(now simtime.Time) {
	for p := s.pacer.Pop(now); p != nil; p = s.pacer.Pop(now) {
		s.release(now, p)
	}
	for _, st := range s.streams {
		if st.local == nil || st.queued > 0 || st.local.Quitting() {
			continue
		}
		if st.retired || s.leaving || st.section.stopped && s.mayLeave(st) {
			s.leave(now, st)
		}
	}
}

// mayLeave reports whether a stream's SSRC isn't needed any more. The last one
// of an end stays for as long as there is somebody to report on
// (RFC 8108 §6.2).
func (s *Session) mayLeave(st *Stream) bool {
	for _, o := range s.streams {
		if o != st && o.local != nil {
			return true
		}
	}
	for _, src := range s.sources {
		if !src.ended {
			return false
		}
	}
	return true
}

// release stamps, protects and sends a media packet.
func (s *Session) release(now simtime.Time, p *packet.Packet) {
	st, introduced, importance := s.ofHop(p)
	st = st.restamp(p)
	m := st.section
	st.queued--
	if importance == reserved && !m.redundant.fill(now, p, st, introduced) {
		s.endpoint.config.Pool.Release(p)
		return
	}
	seq := binary.BigEndian.Uint16(p.Payload[2:])
	tseq := s.history.Sent(now, st.ssrc, seq, p.Size)
	st.stamp(now, p.Payload, introduced, tseq)
	head := headerSize(p.Payload) + int(st.layout(introduced).Size())
	st.packets++
	st.octets += uint32(len(p.Payload) - head)
	if size := float64(len(p.Payload) - head); st.payload == 0 {
		st.payload = size
	} else {
		st.payload += float64(size-st.payload) / 16
	}
	st.left(seq)
	m.spend(now, p.Size)
	if m.redundant != nil && m.redundant.audio == nil && importance != reserved && st == m.main {
		m.redundant.add(p.Payload, m.protects(importance))
	}
	if m.resend != nil && st == m.main && importance != reserved {
		m.resend.keep(now, seq, p.Payload, importance)
	}
	if m.guard != nil && st == m.main && m.protects(importance) {
		m.guard.add(now, p.Payload, p.Payload[1]&0x80 != 0)
	}
	b, err := s.protector.RTP(&s.header, p.Payload)
	if err != nil {
		panic("endpoints: protecting a packet of our own failed: " + err.Error())
	}
	p.Payload = b
	s.testMarking(now, m, false)
	p.DSCP, p.ECN = m.dscp, s.config.ECN
	s.counts.RTPSent++
	s.timing.SentRTP(now, st.local)
	s.out.Push(p)
	if cc := s.config.Controller; cc != nil {
		cc.OnSent(now, ccontrol.Sent{Seq: tseq, Size: p.Size, Backlog: s.pacer.Backlog()})
	}
}

// extend returns the extended sequence number of a packet that follows last
// (RFC 3550 §A.1).
func extend(last uint32, seq uint16, first bool) uint32 {
	if first {
		return uint32(seq)
	}
	return last + uint32(int32(int16(seq-uint16(last))))
}
