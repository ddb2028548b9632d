package capture

import (
	"encoding/binary"

	"rtpfabric/sim/packet"
)

// Tags of Wireshark's exported PDUs (epan/exported_pdu.h).
const (
	tagEnd        = 0
	tagDissector  = 12
	tagIPv4Source = 20
	tagIPv4Dest   = 21
	tagPortType   = 24
	tagSourcePort = 25
	tagDestPort   = 26

	portTypeUDP = 3
)

// appendUpperPDU appends the packet's payload with a header that says which
// dissector it is for.
func appendUpperPDU(b []byte, p *packet.Packet, encrypted bool) []byte {
	b = appendTag(b, tagDissector, []byte(dissector(p.Payload, encrypted)))
	b = appendTag(b, tagIPv4Source, word(uint32(p.Src.IP)))
	b = appendTag(b, tagIPv4Dest, word(uint32(p.Dst.IP)))
	b = appendTag(b, tagPortType, word(portTypeUDP))
	b = appendTag(b, tagSourcePort, word(uint32(p.Src.Port)))
	b = appendTag(b, tagDestPort, word(uint32(p.Dst.Port)))
	b = append(b, 0, tagEnd, 0, 0)
	return append(b, p.Payload...)
}

// appendTag appends type, length and value, padded to four octets.
func appendTag(b []byte, tag uint16, value []byte) []byte {
	padded := (len(value) + 3) &^ 3
	b = binary.BigEndian.AppendUint16(b, tag)
	b = binary.BigEndian.AppendUint16(b, uint16(padded))
	b = append(b, value...)
	return append(b, make([]byte, padded-len(value))...)
}

func word(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// dissector tells RTP from RTCP (RFC 5761 §4) and both from STUN, DTLS and the
// rest (RFC 7983 §7). SRTP has
// no dissector of its own: its header is RTP's. That for SRTCP takes the E flag
// from the wrong place when nobody tells it the length of the tag, and then
// finds malformed packets in what is encrypted, so SRTCP is plain data.
func dissector(b []byte, encrypted bool) string {
	switch {
	case len(b) >= 2 && (b[0] < 4 || b[0] >= 64 && b[0] <= 79): // the latter are channels of TURN
		return "stun-udp"
	case len(b) >= 2 && b[0] >= 20 && b[0] <= 63:
		return "dtls"
	case len(b) < 2 || b[0]>>6 != 2:
		return "udp"
	case !packet.IsRTCP(b):
		return "rtp"
	case encrypted:
		return "data"
	}
	return "rtcp"
}

// appendIPv4 appends an IPv4 packet with a UDP datagram, whose checksum is 0,
// which means that there is none, or with the header of a TCP segment, whose body
// isn't captured.
func appendIPv4(b []byte, p *packet.Packet) []byte {
	start := len(b)
	b = append(b, 0x45, p.DSCP<<2|byte(p.ECN))
	b = binary.BigEndian.AppendUint16(b, uint16(p.Size))
	b = binary.BigEndian.AppendUint16(b, uint16(p.ID))
	b = append(b, 0x40, 0, 64, p.Protocol.Number(), 0, 0) // don't fragment, TTL, protocol, checksum
	b = binary.BigEndian.AppendUint32(b, uint32(p.Src.IP))
	b = binary.BigEndian.AppendUint32(b, uint32(p.Dst.IP))
	binary.BigEndian.PutUint16(b[start+10:], checksum(b[start:]))
	if p.Protocol == packet.UDP {
		b = binary.BigEndian.AppendUint16(b, p.Src.Port)
		b = binary.BigEndian.AppendUint16(b, p.Dst.Port)
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(p.Payload)))
		b = append(b, 0, 0)
	}
	return append(b, p.Payload...)
}

// checksum is that of the IPv4 header (RFC 791 §3.1).
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
