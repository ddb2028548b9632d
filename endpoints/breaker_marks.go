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

// countMarks counts the packets of a stream that RFC 8888's feedback in an RTCP packet
// says were marked CE, once each. For no stream, it notes that they have been counted.
func (j *judges) countMarks(b []byte, of *Stream) (marks int) {
	for ; len(b) > 0; b = b[packetLength(b):] {
		p := b[:packetLength(b)]
		if len(p) < 8 || rtcp.PacketType(p[1]) != rtcp.TypeTransportSpecificFeedback || p[0]&0x1f != rtcp.FormatCCFB {
			continue
		}
		for p = p[8:]; len(p) >= 8+4; { // the timestamp is last
			ssrc, first, n := binary.BigEndian.Uint32(p), binary.BigEndian.Uint16(p[4:]), int(binary.BigEndian.Uint16(p[6:]))
			if p = p[8:]; len(p) < (2*n+3)&^3+4 {
				break
			}
			st := j.session.ours(ssrc)
			if st != nil && (of == nil || of == st) {
				marks += st.section.judged.count(p[:2*n], first, of == nil)
			}
			p = p[(2*n+3)&^3:]
		}
	}
	return marks
}

// count counts the marks of packets that weren't counted before (RFC 8888 §3.1), or notes
// that they have been.
func (m *judged) count(results []byte, first uint16, note bool) (marks int) {
	for i := 0; i < len(results)/2; i++ {
		seq := first + uint16(i)
		if m.marked && int16(seq-m.marks) < 0 {
			continue
		}
		if note {
			m.marks, m.marked = seq+1, true
		}
		if result := binary.BigEndian.Uint16(results[2*i:]); result&0x8000 != 0 && packet.ECN(result>>13&3) == packet.CE {
			marks++
		}
	}
	return marks
}

// toldCE is how many marks a reporter had told when they were counted last.
type toldCE struct {
	by uint32
	ce uint16
}

// countSince counts the marks that counters in an RTCP packet tell of a stream beyond
// those that the same reporter had told with an earlier SR or RR. A feedback packet and a
// summary in one packet have the same counters.
func (m *judged) countSince(by uint32, b []byte, of uint32) int {
	c, ok := countersIn(b, by, of)
	if !ok {
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

// countersIn returns what an RTCP packet has of a reporter's counters of a stream.
func countersIn(b []byte, by, of uint32) (c ecn.Counters, ok bool) {
	for ; len(b) > 0; b = b[packetLength(b):] {
		p := b[:packetLength(b)]
		if len(p) < 8 || binary.BigEndian.Uint32(p[4:]) != by {
			continue
		}
		switch t := rtcp.PacketType(p[1]); {
		case t == rtcp.TypeTransportSpecificFeedback && p[0]&0x1f == wire.FormatECN:
			var m wire.ECNFeedback
			if err := m.Unmarshal(p); err == nil && m.MediaSSRC == of {
				return m.Counters, true
			}
		case t == rtcp.TypeExtendedReport:
			if c, ok = xr.FindECN(p, of); ok {
				return c, true
			}
		}
	}
	return c, false
}
