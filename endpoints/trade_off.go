package endpoints

import (
	"github.com/pion/rtcp"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
)

// trade is what a section knows of temporal-spatial trade-offs (RFC 5104 §4.3.2,
// §4.3.3): what this end asks of the peer, and what it owes the peer's requests.
type trade struct {
	// Request of this end, repeated until it is answered.
	wanted bool
	index  uint8
	seq    uint8
	// Requests that were heard since the last notification, and the index that
	// is in use.
	heard []wire.TradeOff
	used  uint8
}

// TradeOff asks the peer for a frame rate at the cost of spatial quality: 0 for the
// best pictures, 31 for the most. It goes with the next regular RTCP packets.
func (m *Section) TradeOff(index uint8) {
	m.trade.wanted, m.trade.index = true, min(index, wire.MaxTradeOff)
	m.trade.seq++
}

// handleTSTR follows a request, the last one of several, and notes that it has to be
// answered, also if it is a repetition.
func (s *Session) handleTSTR(now simtime.Time, r *wire.TSTR) {
	for _, entry := range r.TradeOffs {
		st := s.ours(entry.SSRC)
		if st == nil || st != st.section.main || st.section.config.Send == nil {
			continue
		}
		m := st.section
		m.trade.used = wire.MaxTradeOff // of encoders that have no choice
		if t, ok := m.config.Send.Encoder.(encoder.Trader); ok {
			m.trade.used = entry.Index
			t.TradeOff(entry.Index)
		}
		if len(m.trade.heard) < maxRequesters {
			m.trade.heard = append(m.trade.heard, wire.TradeOff{SSRC: r.SenderSSRC, Seq: entry.Seq})
		}
		s.wantMessages(now, m)
	}
}

// handleTSTN ends the request that it answers.
func (s *Session) handleTSTN(n *wire.TSTN) {
	for _, m := range s.sections {
		for _, entry := range n.TradeOffs {
			if entry.SSRC == m.SSRC() && entry.Seq == m.trade.seq {
				m.trade.wanted = false
			}
		}
	}
}

// appendTradeOffs adds TSTN, and TSTR, which isn't urgent, to regular packets.
func (w *compound) appendTradeOffs(m *Section, regular bool) {
	t := &m.trade
	if len(t.heard) > 0 {
		for i := range t.heard {
			t.heard[i].Index = t.used
		}
		w.add(&wire.TSTN{SenderSSRC: m.SSRC(), TradeOffs: t.heard})
		t.heard = t.heard[:0]
	}
	if !regular || !t.wanted {
		return
	}
	if src := w.s.mediaOf(m); src != nil {
		w.add(&wire.TSTR{SenderSSRC: m.SSRC(), TradeOffs: []wire.TradeOff{{SSRC: src.ssrc, Seq: t.seq, Index: t.index}}})
	}
}

// handleSRRequest lets the next packet of a stream be an SR, as soon as the timing
// rules allow (RFC 6051 §3.2).
func (s *Session) handleSRRequest(now simtime.Time, r *rtcp.RapidResynchronizationRequest) {
	if st := s.ours(r.MediaSSRC); st != nil && st.local != nil && st == st.section.main && !s.config.Without.Reports {
		st.section.reportWanted = true
		s.wantMessages(now, st.section)
	}
}
