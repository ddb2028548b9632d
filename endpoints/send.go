package endpoints

import (
	"encoding/binary"
	"slices"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// pump lets go what the pacer releases, and sends the BYE of streams that have
// stopped and drained.
func (s *Session) pump(now simtime.Time) {
	if s.isSender {
		for p := s.nextPacket(now); p != nil; p = s.nextPacket(now) {
			s.release(now, p)
		}
		if s.tripped {
			s.judges.act(now)
		}
	}
	if s.parting {
		s.part(now)
	}
}

// part lets streams leave that have stopped and drained.
func (s *Session) part(now simtime.Time) {
	for _, st := range s.streams {
		if st.local == nil || st.queued > 0 || st.local.Quitting() {
			continue
		}
		if st.retired || s.leaving || st.section.stopped && s.mayLeave(st) {
			s.leave(now, st)
		}
	}
	s.parting = slices.ContainsFunc(s.streams, func(st *Stream) bool {
		return st.local != nil && (st.retired || s.leaving || st.section.stopped)
	})
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

// release stamps and sends a media packet.
func (s *Session) release(now simtime.Time, p *packet.Packet) {
	st, introduced, importance := s.ofHop(p)
	st = st.restamp(p)
	m := st.section
	st.queued--
	if m.halted() || importance == reserved && !m.redundant.fill(now, p, st, introduced) {
		s.endpoint.config.Pool.Release(p)
		return
	}
	seq := binary.BigEndian.Uint16(p.Payload[2:])
	p.Size += s.planTelling(now, st, importance)
	probe := s.probing.probe.ID
	tseq := s.history.Sent(now, st.ssrc, seq, p.Size, probe, &st.recorded)
	st.stamp(now, p.Payload, introduced, tseq)
	head := headerSize(p.Payload) + int(st.layoutOf(introduced, contributorsOf(p.Payload)).Size())
	size := len(p.Payload) - head - padding(p.Payload)
	st.packets++
	st.octets += uint32(size)
	st.left(seq)
	m.spend(now, p.Size)
	if size > 0 {
		st.meter(size)
		st.lastTS = binary.BigEndian.Uint32(p.Payload[4:])
		m.insure(now, st, p.Payload, importance)
	}
	if !m.Repairs(st.ssrc) && !m.IsRepair(seq) {
		p.Flow = m.flow
	}
	s.testMarking(now, m, false)
	p.DSCP, p.ECN = m.dscp, s.codePoint(now, st, importance)
	s.counts.RTPSent++
	s.timing.SentRTP(now, st.ssrc, &st.member)
	onWire := p.Size
	if i := s.config.Interceptor; !s.usual && i != nil {
		i.SendRTP(Intercepted{Packet: slices.Clone(p.Payload), Flow: p.Flow, DSCP: p.DSCP, ECN: p.ECN})
		s.endpoint.config.Pool.Release(p)
		s.takeIntercepted(now)
	} else {
		s.depart(now, st, p)
	}
	if s.controlled {
		s.controller.OnSent(now, ccontrol.Sent{
			Seq: tseq, Size: onWire, Backlog: s.pacer.Backlog(), InFlight: s.history.InFlight(), Probe: probe,
		})
	}
	s.filling.sent(now, onWire)
	s.probed(now, onWire)
}

// depart protects a packet of RTP and sends it. st is nil if it is of none of the session's streams.
func (s *Session) depart(now simtime.Time, st *Stream, p *packet.Packet) {
	b, err := s.protector.RTP(&s.scratch.leaves, p.Payload)
	if err != nil {
		panic("endpoints: protecting a packet of our own failed: " + err.Error())
	}
	p.Payload = b
	if st != nil {
		s.judges.sent(now, st, b)
	}
	s.out.Push(p)
}

// meter averages the size of packets' payload.
func (st *Stream) meter(size int) {
	if st.payload == 0 {
		st.payload = float64(size)
		return
	}
	st.payload += float64(float64(size)-st.payload) / 16
}

// insure notes a packet of media that leaves, for what may repair its loss.
func (m *Section) insure(now simtime.Time, st *Stream, b []byte, importance nack.Importance) {
	if st != m.main {
		return
	}
	if m.redundant != nil && m.redundant.audio == nil && importance != reserved {
		m.redundant.add(b, m.protects(importance))
	}
	if m.resend != nil && importance != reserved {
		m.resend.keep(now, binary.BigEndian.Uint16(b[2:]), b, importance)
	}
	if m.guard != nil && m.protects(importance) {
		m.guard.add(now, b, b[1]&0x80 != 0)
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
