package xr

import (
	"encoding/binary"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/ecn"
)

// ECNSummaryReportBlockType is the block type of RFC 6679 §5.2, which pion doesn't know.
const ECNSummaryReportBlockType rtcp.BlockTypeType = 13

// Sizes of an ECN summary block: ECNSummarySize octets, and ECNSourceSize for each source.
const (
	ECNSummarySize = blockHeader
	ECNSourceSize  = 4 + ecn.CountersSize
)

// ECNSource is what a summary says of a source.
type ECNSource struct {
	SSRC     uint32
	Counters ecn.Counters
}

// ECNSummary returns a summary of the sources; without any it says that the receiver can
// report ECN information (RFC 6679 §5.2). It belongs into the packet of a report with
// blocks about the same sources, from which their highest sequence numbers are known.
func ECNSummary(sources []ECNSource) *rtcp.UnknownReportBlock {
	b := &rtcp.UnknownReportBlock{
		XRHeader: rtcp.XRHeader{BlockType: ECNSummaryReportBlockType},
		Bytes:    make([]byte, 0, ECNSourceSize*len(sources)),
	}
	for _, s := range sources {
		b.Bytes = binary.BigEndian.AppendUint32(b.Bytes, s.SSRC)
		b.Bytes = s.Counters.Append(b.Bytes)
	}
	return b
}

// ReadECNSummary appends the sources of a summary block that was read; false if it is
// another one.
func ReadECNSummary(sources []ECNSource, b *rtcp.UnknownReportBlock) ([]ECNSource, bool) {
	if b.BlockType != ECNSummaryReportBlockType || len(b.Bytes)%ECNSourceSize != 0 {
		return sources, false
	}
	for p := b.Bytes; len(p) > 0; p = p[ECNSourceSize:] {
		sources = append(sources, ECNSource{binary.BigEndian.Uint32(p), ecn.ReadCounters(p[4:])})
	}
	return sources, true
}

// AppendECN appends the sources of all summary blocks in the octets of an XR packet, without
// making anything of its other blocks.
func AppendECN(sources []ECNSource, packet []byte) []ECNSource {
	for b := packet[min(packetHeader, len(packet)):]; len(b) >= blockHeader; {
		n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if n > len(b) {
			break
		}
		if b[0] == uint8(ECNSummaryReportBlockType) && plausible(b[:n]) {
			for p := b[ECNSummarySize:n]; len(p) > 0; p = p[ECNSourceSize:] {
				sources = append(sources, ECNSource{binary.BigEndian.Uint32(p), ecn.ReadCounters(p[4:])})
			}
		}
		b = b[n:]
	}
	return sources
}
