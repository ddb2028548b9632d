package endpoints

import (
	"github.com/pion/rtp"

	"rtpfabric/endpoints/fec/flexfec"
	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/sim/simtime"
)

// guard protects a section's packets by FEC (RFC 8627, RFC 8854 §5): it adds repair
// packets in a stream of their own, a share of those that it protects.
type guard struct {
	stream *Stream
	masks  *flexfec.MaskSender
	share  float64
	owed   float64 // repair packets that are still to be made
}

// newGuard returns nil if the section isn't protected.
func newGuard(m *Section) (*guard, error) {
	s := m.session
	f := m.config.Formats[0]
	if m.config.Send == nil || f.FEC == 0 || m.fecShare() <= 0 {
		return nil, nil
	}
	st := s.newStream(m, f.Clock, 0)
	if err := st.layOut(forwardRepair); err != nil {
		return nil, err
	}
	return &guard{
		stream: st, share: m.fecShare(),
		masks: flexfec.NewMaskSender(flexfec.NewStream(st.ssrc, f.FEC, st.seq), 1),
	}, nil
}

// fecSpan is how many packets of a stream repair packets are about at most.
const fecSpan = 46

// add notes a packet of the main stream that leaves, and makes repair packets at the
// end of a frame.
func (g *guard) add(now simtime.Time, b []byte, last bool) {
	if g.stream.local == nil {
		return // it has left already, as the section stops
	}
	if err := g.masks.Add(b); err != nil { // the sequence numbers began anew
		g.masks.Drop()
		_ = g.masks.Add(b)
	}
	g.owed += g.share
	if g.owed < 1 || !last && g.masks.Len() < fecSpan {
		return
	}
	n := int(g.owed)
	g.owed -= float64(n)
	g.masks.Protect(n)
	g.send(now)
}

// send hands the repair packets to the pacer.
func (g *guard) send(now simtime.Time) {
	s := g.stream.section.session
	for {
		size, ok := s.pushRepair(g.stream, func(dst, extension []byte) ([]byte, bool) {
			return g.masks.Poll(dst, g.stream.rtpTime(now), extension)
		})
		if !ok {
			return
		}
		s.repairs.FECSent++
		s.repairs.FECBytes += size
	}
}

// repairShare is how many repair packets there are for each packet of the section.
func (m *Section) repairShare() float64 {
	switch {
	case m.guard != nil:
		return m.guard.share
	case m.redundant != nil:
		return m.redundant.share
	}
	return 0
}

// recoverer is the receiver's side of a section.
func (m *Section) recoverer() *flexfec.Receiver {
	if m.fec == nil && m.recovers {
		m.fec = flexfec.NewReceiver(parity.DefaultLimits())
		if ssrc := m.config.RemoteSSRC; ssrc != 0 {
			m.fec.Expect(ssrc)
		}
	}
	return m.fec
}

// heardSource shows a packet of media to the section's FEC, and takes what comes of it.
func (s *Session) heardSource(now simtime.Time, m *Section, b []byte) {
	if r := m.recoverer(); r != nil {
		r.Source(now, b)
		s.pollRecovered(now, m)
	}
}

// handleRepair takes a repair packet.
func (s *Session) handleRepair(now simtime.Time, src *source, m *Section, b []byte) {
	if src.section == nil {
		src.belong(m)
	}
	m.repairHeard = now
	r := m.recoverer()
	if r == nil {
		return
	}
	if err := r.Repair(now, b); err != nil {
		s.counts.Malformed++
		return
	}
	s.pollRecovered(now, m)
}

func (s *Session) pollRecovered(now simtime.Time, m *Section) {
	for {
		var ok bool
		if s.recovered, ok = m.fec.Poll(s.recovered[:0]); !ok {
			return
		}
		s.recover(now, m, s.recovered)
	}
}

// recover takes a packet that FEC has given back.
func (s *Session) recover(now simtime.Time, m *Section, b []byte) {
	if _, u := m.format(b[1] & 0x7f); u != original { // or it would bring others in turn
		s.counts.Malformed++
		return
	}
	if s.accept(now, m, b) {
		s.repairs.FECRecovered++
	}
}

// accept takes a packet that was lost and has come after all, in another stream. It
// doesn't count in the reports on its own (RFC 4588 §6.3, RFC 8627 §6.2). It reports
// false if the packet was there already, or makes no sense.
func (s *Session) accept(now simtime.Time, m *Section, b []byte) bool {
	h := &s.restoredHeader
	*h = rtp.Header{}
	n, err := h.Unmarshal(b)
	if err != nil {
		s.counts.Malformed++
		return false
	}
	media := s.sourceOf(h.SSRC)
	if media == nil || media.section != m || !media.plays() {
		return false
	}
	f, kind := m.format(h.PayloadType)
	if f == nil || kind != original && kind != redundant {
		return false
	}
	ext := media.extended(h.SequenceNumber)
	if !media.seen.fresh(ext) {
		s.repairs.Needless++
		return false
	}
	s.repairs.Restored++
	s.event(Event{Kind: PacketRestored, At: now, Section: m, SSRC: media.ssrc})
	if kind == redundant {
		s.unwrap(now, media, m, ext, b, true)
	} else {
		s.handlePayload(now, media, m, h, ext, b[n:], true)
	}
	return true
}
