package endpoints

import (
	"slices"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/wire"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/simtime"
)

// What a sender makes of ECN feedback packets and summaries (RFC 6679 §7.3.3, §7.4): news
// for the controller, and evidence about the path.

// begin starts an RTCP packet.
func (m *marks) begin(s *Session) {
	if m.hears {
		m.counted, m.blocks, m.any = m.counted[:0], m.blocks[:0], false
		s.reception = s.reception[:0]
	}
}

// reported notes a report block.
func (m *marks) reported(by uint32, st *Stream, highest uint32) {
	if m.hears {
		m.blocks = append(m.blocks, reportedStream{by, st, highest})
	}
}

// heardECN takes an ECN feedback packet.
func (s *Session) heardECN(f *wire.ECNFeedback) {
	m := &s.marks
	if !m.hears {
		s.counts.UnknownRTCP++
		return
	}
	m.any = true
	if st := s.ours(f.MediaSSRC); st != nil {
		m.note(counted{by: f.SenderSSRC, stream: st, highest: f.Highest, counters: f.Counters, early: true, known: true})
	}
}

// heardSummary takes a block of an extended report; false if it is unknown here.
func (s *Session) heardSummary(by uint32, b *rtcp.UnknownReportBlock) (ok bool) {
	m := &s.marks
	if !m.hears {
		return false
	}
	if m.summary, ok = xr.ReadECNSummary(m.summary[:0], b); !ok {
		return false
	}
	m.any = true
	for _, src := range m.summary {
		if st := s.ours(src.SSRC); st != nil {
			m.note(counted{by: by, stream: st, counters: src.Counters})
		}
	}
	return true
}

// note keeps counters. A feedback packet and a summary in one RTCP packet say the same.
func (m *marks) note(c counted) {
	for i := range m.counted {
		if o := &m.counted[i]; o.by == c.by && o.stream == c.stream {
			o.early = o.early && c.early
			return
		}
	}
	m.counted = append(m.counted, c)
}

// settleMarks makes of an RTCP packet that has been read one report to the controller. A
// summary counts only beside the block that says up to which packet it is (RFC 6679
// §5.2). Where receivers count marks, their counts of losses stand for the blocks', as a
// feedback packet may have told some of these already.
func (s *Session) settleMarks(now simtime.Time) {
	m := &s.marks
	if !m.hears {
		return
	}
	if m.path != nil {
		m.path.SetAlone(!s.multiparty())
		s.missMarks()
	}
	news := m.news[:0]
	for i := range m.counted {
		c := &m.counted[i]
		for _, b := range m.blocks {
			if !c.known && b.by == c.by && b.stream == c.stream {
				c.highest, c.known = b.highest, true
			}
		}
		if !c.known {
			continue
		}
		if r, ok := s.compareMarks(now, c); ok {
			news = append(news, r)
		}
	}
	for i := range s.reception {
		if r := &s.reception[i]; !s.countsMarks(r.Stream, r.By) {
			news = append(news, *r)
		}
	}
	s.reception, m.news = news, s.reception
	if m.path != nil {
		s.pollECN(now)
	}
	s.report(now)
}

// missMarks tells the path of reports that say nothing of ECN.
func (s *Session) missMarks() {
	if s.marks.any {
		return
	}
	for _, b := range s.marks.blocks {
		if capable, _, ok := b.stream.ecn.sent.UpTo(b.highest); ok {
			s.marks.path.OnUnreported(capable)
		}
	}
}

// countsMarks reports whether a reporter has told the counters of a stream.
func (s *Session) countsMarks(ssrc, by uint32) bool {
	st := s.ours(ssrc)
	return st != nil && slices.ContainsFunc(st.ecn.told, func(t toldMarks) bool { return t.by == by })
}

// compareMarks makes of counters what is news since the reporter's last ones, for the
// path and for the controller; false if they are older, or of a reporter beyond what is
// kept.
func (s *Session) compareMarks(now simtime.Time, c *counted) (r ccontrol.Reception, ok bool) {
	st := c.stream
	last := st.ecn.toldBy(c.by)
	if last == nil {
		return r, false
	}
	news := c.counters.Since(last.counters)
	first := last.at == simtime.Never
	expected := int(int32(c.highest - last.highest))
	if first {
		expected = int(int32(c.highest-st.firstSeq) + 1)
	}
	if expected < 0 || news.Received() < 0 {
		return r, false
	}
	r = ccontrol.Reception{
		Stream: st.ssrc, By: c.by, Expected: expected, Lost: news.Lost, Early: c.early,
		Marked: min(max(news.CE, 0), expected+max(-news.Lost, 0)+max(news.Duplicates, 0)),
	}
	if !first {
		r.Since = now.Sub(last.at)
	}
	if expected > 0 {
		r.FractionLost = uint8(min(max(256*news.Lost/expected, 0), 255))
	}
	for i := range s.reception { // the block beside the counters
		if b := &s.reception[i]; b.Stream == r.Stream && b.By == r.By {
			r.FractionLost, r.Jitter, r.RTT = b.FractionLost, b.Jitter, b.RTT
		}
	}
	last.at, last.highest, last.counters = now, c.highest, c.counters
	last.marked += uint64(r.Marked)
	if news.Received() > 0 {
		st.known, st.section.reached = true, true
	}
	if capable, plain, known := st.ecn.sent.UpTo(c.highest); known {
		if s.marks.path != nil {
			s.marks.path.OnReport(ecn.Delta{News: news, SentCapable: int(capable - last.capable), SentPlain: int(plain - last.plain)})
		}
		last.capable, last.plain = capable, plain
	}
	return r, true
}

// toldBy returns what a reporter last said, which is nothing of a new one; nil for
// reporters beyond what is kept.
func (m *markings) toldBy(ssrc uint32) *toldMarks {
	for i := range m.told {
		if m.told[i].by == ssrc {
			return &m.told[i]
		}
	}
	if len(m.told) == maxReported {
		return nil
	}
	m.told = append(m.told, toldMarks{by: ssrc, at: simtime.Never})
	return &m.told[len(m.told)-1]
}
