package middlebox

import (
	"encoding/binary"

	"rtpfabric/sim/packet"
)

// Where the header of a segment has what a NAT changes (RFC 9293 §3.1).
const (
	segmentSource      = 0
	segmentDestination = 2
	segmentChecksum    = 16
)

// rewriteSegment puts the ports of a packet that came with other addresses into the header of its segment, and adjusts the checksum
// (RFC 3022 §4.2). Datagrams of UDP have no header besides the packet's fields.
func rewriteSegment(p *packet.Packet, src, dst packet.Addr) {
	if p.Protocol != packet.TCP || len(p.Payload) < segmentChecksum+2 {
		return
	}
	field := p.Payload[segmentChecksum:]
	sum := uint32(^binary.BigEndian.Uint16(field))
	for _, change := range [][2]packet.Addr{{src, p.Src}, {dst, p.Dst}} { // RFC 1624, equation 3
		was, is := change[0], change[1]
		for _, word := range [][2]uint16{{uint16(was.IP >> 16), uint16(is.IP >> 16)}, {uint16(was.IP), uint16(is.IP)}, {was.Port, is.Port}} {
			sum += uint32(^word[0]) + uint32(word[1])
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(field, ^uint16(sum))
	binary.BigEndian.PutUint16(p.Payload[segmentSource:], p.Src.Port)
	binary.BigEndian.PutUint16(p.Payload[segmentDestination:], p.Dst.Port)
}
