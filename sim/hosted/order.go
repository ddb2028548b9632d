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
	request // to a TURN server
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
// length; what goes to TURN servers by kind and length, indications behind checks, and requests behind all, as the last one ends what
// others need. What goes through a channel of TURN's has the rank that it has without.
type rank [4]int

func rankOf(b []byte) rank {
	if isChannelData(b) {
		b = b[4:]
	}
	switch c := classOf(b); c {
	case control:
		return rank{int(c), int(b[1]), int(b[0]), len(b)}
	case stun:
		switch kind := int(binary.BigEndian.Uint16(b)); {
		case kind&^classes == binding:
			return rank{int(c)}
		case kind&classes == 0:
			return rank{int(request), kind, len(b)}
		default:
			return rank{int(c), kind, len(b)}
		}
	default:
		return rank{int(c)}
	}
}

// STUN's method Binding, and the bits that tell requests, which have none, from indications and responses (RFC 8489 §5).
const (
	binding = 0x0001
	classes = 0x0110
)

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
