package endpoints

import (
	"github.com/pion/rtcp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/pacer"
	"rtpfabric/endpoints/rtx"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// resender sends packets of a section again (RFC 4588): what it has kept of them,
// the stream that it sends them in, and how much it may.
type resender struct {
	stream  *Stream
	history *nack.History
	packets *rtx.Sender
	budget  *rtx.Budget
	numbers []uint16 // scratch
}

// newResender returns nil if the section sends nothing again.
func newResender(now simtime.Time, m *Section) (*resender, error) {
	s := m.session
	f := m.config.Formats[0]
	if m.config.Send == nil || f.RTX == 0 || !s.config.Repair.NACK || s.config.Repair.IgnoreNACK || s.config.Repair.NACKSteers {
		return nil, nil
	}
	st := s.newStream(m, f.Clock, m.config.RepairSSRC)
	if err := st.layOut(retransmission); err != nil {
		return nil, err
	}
	return &resender{
		stream: st, history: nack.NewHistory(s.config.Repair.History),
		packets: rtx.NewSender(st.ssrc, st.seq, &s.types),
		budget:  rtx.NewBudget(now, s.config.Repair.Budget, m.config.Send.Model.Start),
	}, nil
}

// keep notes a packet of the main stream that leaves.
func (r *resender) keep(now simtime.Time, seq uint16, b []byte, i nack.Importance) {
	r.history.Add(now, seq, b, i)
}

// handleNACK sends again what the peer asks for, as far as that is useful and the
// budget allows it (RFC 8834 §6.1).
func (s *Session) handleNACK(now simtime.Time, n *rtcp.TransportLayerNack) {
	s.repairs.NACKsReceived++
	st := s.ours(n.MediaSSRC)
	if st == nil {
		s.heardRequest(now, n)
	}
	if st != nil && st == st.section.main && s.config.Repair.NACKSteers {
		s.numbersLost = nack.Unpack(s.numbersLost[:0], n.Nacks)
		st.section.steer(now, s.numbersLost)
		return
	}
	if st == nil || st.section.resend == nil || st != st.section.main || st.section.halted() || s.config.Without.Retransmissions {
		return
	}
	m, r := st.section, st.section.resend
	if r.stream.local == nil {
		return // it has left
	}
	r.history.SetRTT(s.rtt)
	if m.policy != nil && s.rtt > 0 {
		r.history.SetUseful(s.rtt/2 + s.config.PlayoutDelay)
	}
	r.budget.SetMediaRate(now, m.Goal())
	r.numbers = nack.Unpack(r.numbers[:0], n.Nacks)
	for _, seq := range r.numbers {
		kept, verdict := r.history.Lookup(now, seq)
		switch {
		case verdict == nack.Useless:
			s.repairs.TooLate++
			s.repairs.Refused++
		case verdict != nack.Available || !m.mayRepair(now) || !r.budget.Spend(now, r.size(kept), kept.Importance, kept.Times):
			s.repairs.Refused++
		default:
			kept.Resent(now)
			s.resend(r, kept)
		}
	}
	s.requestRates(now, nil) // the media give way
}

// size is what a packet takes on the wire when it is sent again.
func (r *resender) size(kept *nack.Sent) units.Bytes {
	s := r.stream.section.session
	return units.Bytes(len(kept.Packet)) + osn + s.protector.OverheadRTP() + packet.HeaderIPv4UDP
}

// osn is the size of the original sequence number (RFC 4588 §4).
const osn = 2

// resend sends a packet again.
func (s *Session) resend(r *resender, kept *nack.Sent) {
	size, ok := s.pushRepair(r.stream, func(dst, extension []byte) ([]byte, bool) {
		b, err := r.packets.AppendWith(dst, kept.Packet, extension)
		if err != nil {
			panic("endpoints: a packet of our own can't be sent again: " + err.Error())
		}
		return b, true
	})
	if ok {
		s.repairs.Retransmitted++
		s.repairs.RetransmittedBytes += size
	}
}

// pushRepair hands a packet of a stream for repairs to the pacer. build appends it to
// dst, with the header extension it is given, or reports that there is none. It
// returns what the packet takes on the wire.
func (s *Session) pushRepair(st *Stream, build func(dst, extension []byte) ([]byte, bool)) (size units.Bytes, ok bool) {
	introduced := st.introduces(false)
	var extension []byte
	if l := st.layout(introduced); l.Size() > 0 {
		extension = s.extension[:l.Size()]
		l.Write(extension)
	}
	p := s.endpoint.config.Pool.New()
	b, ok := build(p.SetPayload(largest)[:0], extension)
	if !ok {
		s.endpoint.config.Pool.Release(p)
		return 0, false
	}
	copy(p.SetPayload(len(b)), b) // in the packet's own memory already, unless it is larger than any
	p.Size += s.protector.OverheadRTP()
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.Hop = hop(st, introduced, nack.Discardable)
	st.writeExtension(p.Payload, introduced, 0, 0, false)
	st.queued++
	s.pacer.Push(p, pacer.Repair)
	return p.Size, true
}

// largest is the size of packets that a path of Ethernet carries.
const largest = 1500 - int(packet.HeaderIPv4UDP)
