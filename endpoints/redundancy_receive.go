package endpoints

import (
	"github.com/pion/rtp"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/fec/red"
	"rtpfabric/endpoints/fec/ulpfec"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// handleRedundant takes a packet with redundant data (RFC 2198). What audio repeats is
// looked at even if the packet's own frame has come before, by way of a later one.
func (s *Session) handleRedundant(now simtime.Time, src *source, m *Section, h *rtp.Header, ext uint64, b []byte, fresh bool) {
	switch {
	case m.config.Kind == Audio:
		s.takeRepeats(now, src, m, h.SequenceNumber, ext, b, fresh)
	case fresh:
		s.unwrap(now, src, m, ext, b, false)
	}
}

// takeRepeats takes the frame of a packet of audio, and those before it that are
// missing.
func (s *Session) takeRepeats(now simtime.Time, src *source, m *Section, seq uint16, ext uint64, b []byte, fresh bool) {
	if src.repeated == nil {
		src.repeated = red.NewReceiver()
	}
	if err := src.repeated.Receive(b); err != nil {
		s.counts.Malformed++
		return
	}
	src.repeats = max(src.repeats, src.repeated.Level())
	src.join(now, m) // or the first packet couldn't bring back what was before it
	src.audio.SetRepeats(src.repeats)
	h := &s.restoredHeader
	for {
		var recovered, ok bool
		if s.recovered, recovered, ok = src.repeated.Poll(s.recovered[:0]); !ok {
			return
		}
		if recovered {
			s.recover(now, m, s.recovered)
			continue
		}
		*h = rtp.Header{}
		n, err := h.Unmarshal(s.recovered)
		if err != nil || h.SequenceNumber != seq || !fresh {
			continue
		}
		if f, u := m.format(h.PayloadType); f == nil || u != original {
			s.counts.Malformed++
			continue
		}
		s.handlePayload(now, src, m, h, ext, s.recovered[n:], false)
	}
}

// unwrap takes a packet of video with redundant data: media, or repair data
// (RFC 5109), with what comes of it. repaired says that it was lost and sent again.
func (s *Session) unwrap(now simtime.Time, src *source, m *Section, ext uint64, b []byte, repaired bool) {
	f := &m.config.Formats[0]
	if f.ULPFEC == 0 {
		s.counts.Malformed++
		return
	}
	if m.unwrapper == nil {
		m.unwrapper = ulpfec.NewReceiver(f.ULPFEC, parity.DefaultLimits())
	}
	if m.unwrapper.Receive(now, b) != nil {
		s.counts.Malformed++
	}
	media := false
	h := &s.restoredHeader
	for {
		var recovered, ok bool
		if s.recovered, recovered, ok = m.unwrapper.Poll(s.recovered[:0]); !ok {
			break
		}
		if recovered {
			s.recover(now, m, s.recovered)
			continue
		}
		*h = rtp.Header{}
		n, err := h.Unmarshal(s.recovered)
		if err != nil {
			continue
		}
		if f, u := m.format(h.PayloadType); f == nil || u != original {
			s.counts.Malformed++
			continue
		}
		media = true
		s.handlePayload(now, src, m, h, ext, s.recovered[n:], repaired)
	}
	if !media {
		m.repairHeard = now
	}
	if !media {
		src.passed(now, m, ext, repaired)
	}
}

// passed notes a packet without media: its number isn't missing.
func (r *source) passed(now simtime.Time, m *Section, ext uint64, repaired bool) {
	if r.handsOn {
		r.section.config.Transit.Omit(now, r.section, r.ssrc, ext)
	}
	if r.missing == nil {
		return
	}
	r.missing.Arrived(now, nack.Arrival{Seq: ext, Needed: r.needed, Lost: r.importance, Repaired: repaired})
	r.session.wantMessages(now, m)
}
