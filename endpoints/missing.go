package endpoints

import (
	"time"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// handleRetransmission restores a packet and hands it on as if it had come. It
// doesn't count in the original stream's reports (RFC 4588 §6.3).
func (s *Session) handleRetransmission(now simtime.Time, src *source, m *Section, b []byte) {
	if src.section == nil {
		src.belong(m)
	}
	if media := s.mediaOf(m); media != nil {
		s.restorer.Associate(src.ssrc, media.ssrc)
	}
	var err error
	s.restored, err = s.restorer.Restore(s.restored[:0], b)
	if err != nil {
		return // counted by the restorer
	}
	s.reduced.answered(now, s.rtt)
	if s.accept(now, m, s.restored) {
		s.heardSource(now, m, s.restored)
	}
}

// mediaOf returns the only source of media in a section; nil if there is none, or
// several.
func (s *Session) mediaOf(m *Section) *source {
	var found *source
	for _, src := range m.sources {
		if src.plays() && !src.ended {
			if found != nil {
				return nil
			}
			found = src
		}
	}
	return found
}

// look notes a packet for the requests of its stream.
func (r *source) look(now simtime.Time, ext uint64, m media, ts uint32, needed simtime.Time, repaired bool) {
	if m.first {
		r.frame, r.importance = ts, m.importance()
	}
	r.needed = needed
	if r.missing == nil {
		return
	}
	lost := nack.Base
	if !m.first && ts == r.frame {
		lost = r.importance
	}
	if rtt := r.session.rttTo(r.ssrc); rtt > 0 {
		r.missing.SetRTT(rtt)
	}
	r.missing.Arrived(now, nack.Arrival{
		Seq: ext, Needed: needed, Lost: lost, Repaired: repaired,
		Adjoins: m.first && r.buffer != nil && r.buffer.Adjoins(m.picture),
	})
}

// appendNACKs adds the generic NACKs about a section's streams. They come from the
// SSRC of that section (RFC 8108 §5.4.1).
func (w *compound) appendNACKs(now simtime.Time, m *Section) {
	s := w.s
	for _, src := range s.sources {
		if src.section != m || src.missing == nil || !src.missing.Pending() {
			continue
		}
		room := (mtu - len(w.b) - nackHeader) / nackPair
		if room <= 0 {
			return
		}
		s.numbers = src.missing.Append(now, s.numbers[:0], room)
		kept := s.numbers[:0]
		for _, seq := range s.numbers {
			if s.restorer.MayRequest(now, src.ssrc, uint16(seq), max(2*s.rttTo(src.ssrc), time.Second)) {
				kept = append(kept, seq)
			}
		}
		if len(kept) == 0 {
			continue
		}
		s.nack.SenderSSRC, s.nack.MediaSSRC = m.SSRC(), src.ssrc
		s.nack.Nacks = nack.Pack(s.nack.Nacks[:0], kept)
		w.add(&s.nack)
		s.repairs.NACKsSent++
		if m.config.Formats[0].RTX != 0 {
			s.repairs.expectant++
		}
		s.repairs.Requested += uint64(len(kept))
	}
}

const nackHeader, nackPair = 12, 4

// wantMessages asks RTCP's timing rules for an early packet if a section has
// something to say.
func (s *Session) wantMessages(now simtime.Time, m *Section) {
	if s.config.Carried {
		s.askCarrier(now, m)
		return
	}
	if m.main.local != nil && s.hasMessages(m) {
		s.deadlines.calm = false
		s.timing.WantFeedbackFrom(now, m.main.local)
	}
}

// hasMessages reports whether a section has feedback messages that may go early.
func (s *Session) hasMessages(m *Section) bool {
	for _, src := range m.sources {
		if !src.ended && (src.missing != nil && src.missing.Pending() || src.refresh.due || src.pausing.due || src.losses != nil && src.losses.due) {
			return true
		}
	}
	return m.limits.Pending() || m.wish != nil && m.wish.wants() || len(m.trade.heard) > 0 || m.reportWanted || m.paused.due || m.absent.due
}

// messages adds what a stream has to say besides reports.
func (w *compound) messages(now simtime.Time, st *Stream, regular bool) {
	m := st.section
	if regular || w.s.config.RTCP.AVPF {
		w.appendOwn(now, st, regular)
	}
	if st != m.main || !w.s.config.RTCP.AVPF {
		return
	}
	w.appendNACKs(now, m)
	w.appendLosses(now, m, regular)
	w.appendRefreshes(now, m)
	w.appendLimits(now, m, regular)
	w.appendPauses(now, m, regular)
	w.appendTradeOffs(m, regular)
}
