package endpoints

import (
	"encoding/binary"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/wire"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/packet"
)

// Circuit breakers count CE marks as losses, if they are told in the company of an SR or
// RR (RFC 8083 §5): by RFC 8888, which tells of packets one by one, or by the counters of
// ECN feedback packets and ECN summaries (RFC 6679), the only extended reports that
// matter to them (§6).

// heardCounters are what a reporter's counters of a stream show.
type heardCounters struct {
	by, of uint32
	ecn.Counters
}

// readMarks keeps what an RTCP packet says of marks.
func (h *hearing) readMarks(p []byte, t rtcp.PacketType, by uint32) {
	switch {
	case t == rtcp.TypeTransportSpecificFeedback && p[0]&0x1f == rtcp.FormatCCFB:
		h.feedback = append(h.feedback, p)
	case t == rtcp.TypeTransportSpecificFeedback && p[0]&0x1f == wire.FormatECN:
		var m wire.ECNFeedback
		if m.Unmarshal(p) == nil {
			h.counters = append(h.counters, heardCounters{by, m.MediaSSRC, m.Counters})
		}
	case t == rtcp.TypeExtendedReport:
		h.sources = xr.AppendECN(h.sources[:0], p)
		for _, s := range h.sources {
			h.counters = append(h.counters, heardCounters{by, s.SSRC, s.Counters})
		}
	}
}

// countersOf returns the first counters of a stream that a reporter has told; nil if it has
// told none.
func (h *hearing) countersOf(by, of uint32) *ecn.Counters {
	for i := range h.counters {
		if c := &h.counters[i]; c.by == by && c.of == of {
			return &c.Counters
		}
	}
	return nil
}

// countMarks counts the packets of each stream that RFC 8888's feedback says were marked CE,
// once each.
func (j *judges) countMarks(h *hearing) {
	for _, m := range j.session.sections {
		m.judged.news = 0
	}
	for _, p := range h.feedback {
		for p = p[8:]; len(p) >= 8+4; { // the timestamp is last
			ssrc, first, n := binary.BigEndian.Uint32(p), binary.BigEndian.Uint16(p[4:]), int(binary.BigEndian.Uint16(p[6:]))
			if p = p[8:]; len(p) < (2*n+3)&^3+4 {
				break
			}
			if st := j.session.ours(ssrc); st != nil && st.judged() {
				st.section.judged.count(p[:2*n], first)
			}
			p = p[(2*n+3)&^3:]
		}
	}
}

// count counts the marks of packets that weren't counted before (RFC 8888 §3.1).
func (m *judged) count(results []byte, first uint16) {
	for i := 0; i < len(results)/2; i++ {
		seq := first + uint16(i)
		if m.marked && int16(seq-m.marks) < 0 {
			continue
		}
		m.marks, m.marked = seq+1, true
		if result := binary.BigEndian.Uint16(results[2*i:]); result&0x8000 != 0 && packet.ECN(result>>13&3) == packet.CE {
			m.news++
		}
	}
}

// toldCE is how many marks a reporter had told when they were counted last.
type toldCE struct {
	by uint32
	ce uint16
}

// countSince counts the marks that counters in an RTCP packet tell beyond those that the same
// reporter had told with an earlier SR or RR. A feedback packet and a summary in one packet
// have the same counters.
func (m *judged) countSince(by uint32, c *ecn.Counters) int {
	if c == nil {
		return 0
	}
	var last *toldCE
	for i := range m.told {
		if m.told[i].by == by {
			last = &m.told[i]
		}
	}
	if last == nil {
		if len(m.told) == maxReported {
			return 0
		}
		m.told = append(m.told, toldCE{by: by}) // counters begin with 0 (RFC 6679 §5.1)
		last = &m.told[len(m.told)-1]
	}
	news := int(int16(c.CE - last.ce))
	if news < 0 { // overtaken by a later one
		return 0
	}
	last.ce = c.CE
	return news
}
