package audio

import "time"

// longestPacket is how much audio an Opus packet has at most (RFC 6716 §3.2.5).
const longestPacket = 120 * time.Millisecond

// maxHeader is the most that [PutHeader] writes: TOC, count of frames, and length of
// the padding.
const maxHeader = 3

// PacketHeader is how many octets of an Opus payload say something before its frames,
// in packets that this package makes: TOC and the voice flags of the first frame, or
// of packets with several frames TOC, their count, and the length of the padding
// (RFC 6716 §3.2.5).
func PacketHeader(payload []byte) int {
	if len(payload) > 0 && payload[0]&3 == 3 {
		return maxHeader
	}
	return OpusHeader
}

// PutHeader writes the header of an Opus packet of fullband music that fills the
// payload and lasts for d, and its padding. It returns false if Opus has no such
// packets: they last 2.5, 5, 10 or 20 ms, or a multiple of 20 ms up to 120 ms.
func PutHeader(payload []byte, d time.Duration) bool {
	const frame = 20 * time.Millisecond
	if toc, ok := NewTOC(CELT, Fullband, d); ok && len(payload) >= OpusHeader {
		payload[0], payload[1] = byte(toc), 0
		return true
	}
	n := int(d / frame)
	if d%frame != 0 || d > longestPacket || n < 2 || len(payload) < maxHeader {
		return false
	}
	toc, _ := NewTOC(CELT, Fullband, frame)
	padding := (len(payload) - maxHeader) % n // all frames are equally large
	payload[0], payload[1], payload[2] = byte(toc)|3, 0x40|byte(n), byte(padding)
	clear(payload[len(payload)-padding:])
	return true
}

// HasPackets reports whether there are Opus packets of music that last for d.
func HasPackets(d time.Duration) bool {
	var b [maxHeader]byte
	return PutHeader(b[:], d)
}

// PacketDuration returns how long an Opus packet lasts (RFC 6716 §3.1 and §3.2), and
// false if it is malformed.
func PacketDuration(payload []byte) (time.Duration, bool) {
	if len(payload) == 0 {
		return 0, false
	}
	n := 1
	switch payload[0] & 3 {
	case 1, 2:
		n = 2
	case 3:
		if len(payload) < 2 {
			return 0, false
		}
		n = int(payload[1] & 0x3f)
	}
	d := time.Duration(n) * TOC(payload[0]).Frame()
	return d, n > 0 && d <= longestPacket
}
