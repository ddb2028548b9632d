package wire

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// AppendCCFB appends congestion control feedback (RFC 8888 §3.1) to a packet, as pion marshals it, of which each
// packet that it is about would have memory of its own.
func AppendCCFB(b []byte, r *rtcp.CCFeedbackReport) []byte {
	to, at := binary.BigEndian, len(b)
	b = append(b, 2<<6|rtcp.FormatCCFB, uint8(rtcp.TypeTransportSpecificFeedback), 0, 0)
	b = to.AppendUint32(b, r.SenderSSRC)
	for i := range r.ReportBlocks {
		block := &r.ReportBlocks[i]
		b = to.AppendUint32(b, block.MediaSSRC)
		b = to.AppendUint16(b, block.BeginSequence)
		b = to.AppendUint16(b, uint16(len(block.MetricBlocks)))
		for _, m := range block.MetricBlocks {
			word := uint16(m.ECN&3)<<13 | m.ArrivalTimeOffset&0x1fff
			if m.Received {
				word |= 0x8000
			}
			b = to.AppendUint16(b, word)
		}
		if len(block.MetricBlocks)%2 != 0 {
			b = append(b, 0, 0)
		}
	}
	b = to.AppendUint32(b, r.ReportTimestamp)
	to.PutUint16(b[at+2:], uint16((len(b)-at)/4-1))
	return b
}
