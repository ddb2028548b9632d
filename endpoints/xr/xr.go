// Package xr is RTCP's extended reports (RFC 3611): it records how the packets of
// a source come, makes report blocks of that, and reads those of others. The
// blocks are pion's types.
//
// A [Trace] gives loss, duplicate, receipt time and statistics blocks, [Bursts] or
// [Markov] the burst metrics of a VoIP metrics block; [RoundTrip] and [Responder]
// are the two ends of the measurement by which who sends no media learns the
// round-trip time.
package xr

import (
	"encoding/binary"
	"errors"

	"github.com/pion/rtcp"
)

// What can be wrong with an XR packet or a block.
var (
	ErrNotXR  = errors.New("xr: not an extended report")
	ErrLength = errors.New("xr: length field and contents differ")
	ErrBlock  = errors.New("xr: a block that can't be")
)

const (
	packetHeader = 8 // with the SSRC
	blockHeader  = 4
	traceHeader  = 12 // of a block about a range of sequence numbers
)

// Size returns the octets of a packet with these blocks. pion's MarshalSize
// leaves out the header.
func Size(x *rtcp.ExtendedReport) int { return x.MarshalSize() + 4 }

// Unmarshal reads an XR packet without padding. Block after block is read by its
// length field: of those that make no sense, or that the receiver has to ignore,
// only the number is told, and unknown ones come as pion's UnknownReportBlock
// (RFC 3611 §3, §4).
func Unmarshal(b []byte) (x *rtcp.ExtendedReport, skipped int, err error) {
	switch {
	case len(b) < packetHeader || b[0]>>6 != 2 || rtcp.PacketType(b[1]) != rtcp.TypeExtendedReport:
		return nil, 0, ErrNotXR
	case 4*(int(binary.BigEndian.Uint16(b[2:]))+1) != len(b):
		return nil, 0, ErrLength
	}
	x = &rtcp.ExtendedReport{SenderSSRC: binary.BigEndian.Uint32(b[4:])}
	for rest := b[packetHeader:]; len(rest) > 0; {
		n := 4 * (int(binary.BigEndian.Uint16(rest[2:])) + 1)
		if n > len(rest) {
			return x, skipped + 1, ErrLength
		}
		if block, ok := readBlock(b[:packetHeader], rest[:n]); ok {
			x.Reports = append(x.Reports, block)
		} else {
			skipped++
		}
		rest = rest[n:]
	}
	return x, skipped, nil
}

// readBlock reads a block by itself, in a packet of its own.
func readBlock(header, b []byte) (rtcp.ReportBlock, bool) {
	if !plausible(b) {
		return nil, false
	}
	var x rtcp.ExtendedReport
	alone := append(append(make([]byte, 0, packetHeader+len(b)), header...), b...)
	if err := x.Unmarshal(alone); err != nil || len(x.Reports) != 1 {
		return nil, false
	}
	switch block := x.Reports[0].(type) {
	case *rtcp.StatisticsSummaryReportBlock:
		return block, validSummary(block)
	case *rtcp.VoIPMetricsReportBlock:
		ignoreImpossible(block)
	}
	return x.Reports[0], true
}

// plausible reports whether a block has a length that its type can have.
func plausible(b []byte) bool {
	switch n := len(b); rtcp.BlockTypeType(b[0]) {
	case rtcp.LossRLEReportBlockType, rtcp.DuplicateRLEReportBlockType, rtcp.PacketReceiptTimesReportBlockType:
		return n >= traceHeader
	case rtcp.ReceiverReferenceTimeReportBlockType:
		return n == blockHeader+8
	case rtcp.DLRRReportBlockType:
		return (n-blockHeader)%dlrrSize == 0
	case rtcp.StatisticsSummaryReportBlockType:
		return n == 40
	case rtcp.VoIPMetricsReportBlockType:
		return n == 36
	case ECNSummaryReportBlockType: // others MUST be discarded (RFC 6679 §5.2)
		return (n-ECNSummarySize)%ECNSourceSize == 0
	}
	return true
}
