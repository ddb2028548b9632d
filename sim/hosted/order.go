package hosted

import (
	"encoding/binary"
	"slices"

	"rtpfabric/sim/packet"
)

// class is what shares a UDP flow in WebRTC.
type class uint8

const (
	stun class = iota
	other
	media
	control
)

// classOf tells by the first octets (RFC 7983 §7, RFC 5761 §4).
func classOf(b []byte) class {
	switch {
	case len(b) < 2:
		return other
	case b[0] < 4:
		return stun
	case b[0] < 128 || b[0] > 191:
		return other
	case packet.IsRTCP(b):
		return control
	}
	return media
}

// rank is what messages that guests send in one instant are sorted by, with whatever goroutine was first: by class; RTCP by type and
// length; requests to TURN servers by what they are, behind checks. What goes through a channel of TURN's has the rank that it has
// without.
type rank [4]int

func rankOf(b []byte) rank {
	if isChannelData(b) {
		b = b[4:]
	}
	switch c := classOf(b); c {
	case control:
		return rank{int(c), int(b[1]), int(b[0]), len(b)}
	case stun:
		if kind := int(binary.BigEndian.Uint16(b)); kind&^0x0110 != binding {
			return rank{int(c), kind, len(b)}
		}
		return rank{int(c)}
	default:
		return rank{int(c)}
	}
}

// binding is STUN's method Binding (RFC 8489 §5).
const binding = 0x0001

func compareRanks(a, b rank) int { return slices.Compare(a[:], b[:]) }

// isChannelData reports whether a message is one of TURN's ChannelData (RFC 8656 §12.4), which may be padded.
func isChannelData(b []byte) bool {
	return len(b) >= 4 && b[0]>>4 == 4 && 4+int(binary.BigEndian.Uint16(b[2:])) <= len(b)
}

// isTURN reports whether what a guest has written to a stream is one message for a TURN server (RFC 8656 §2.1).
func isTURN(b []byte) bool {
	const head, cookie = 20, 0x2112A442
	if isChannelData(b) {
		return (4+int(binary.BigEndian.Uint16(b[2:]))+3)&^3 == len(b)
	}
	return len(b) >= head && b[0] < 4 && binary.BigEndian.Uint32(b[4:]) == cookie && head+int(binary.BigEndian.Uint16(b[2:])) == len(b)
}
