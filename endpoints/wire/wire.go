// Package wire holds the RTCP messages and SDES items that pion/rtcp lacks, as
// types in its style: TMMBR and TMMBN (RFC 5104 §4.2), TSTR and TSTN
// (RFC 5104 §4.3.2, §4.3.3), RPSI (RFC 4585 §6.3.3), RTCP-SR-REQ (RFC 6051
// §3.2), ECN feedback (RFC 6679 §5.1) and RGRS (RFC 8861 §3.2.2); and the rates
// of REMB, which it has.
//
// What they read may be anything: malformed bytes are an error. [Unmarshal] reads
// one packet, [Compound] all of a compound one: what is unknown or malformed in it
// takes nothing else along.
package wire

import (
	"encoding/binary"
	"errors"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/xr"
)

// Feedback message types.
const (
	FormatTMMBR = 3 // RTPFB, RFC 5104 §4.2.1
	FormatTMMBN = 4 // RTPFB, RFC 5104 §4.2.2
	FormatECN   = 8 // RTPFB, RFC 6679 §5.1
	FormatPause = 9 // RTPFB, RFC 7728 §7
	FormatRPSI  = 3 // PSFB, RFC 4585 §6.3.3
	FormatTSTR  = 5 // PSFB, RFC 5104 §4.3.2
	FormatTSTN  = 6 // PSFB, RFC 5104 §4.3.3

	formatAFB = 15 // PSFB, application layer feedback, RFC 4585 §6.4
)

// What can be wrong with a message.
var (
	ErrTooShort = errors.New("wire: packet too short")
	ErrLength   = errors.New("wire: length field and contents differ")
	ErrType     = errors.New("wire: another packet type or format")
	ErrPadding  = errors.New("wire: wrong padding")
	ErrCount    = errors.New("wire: too few or too many entries")
	ErrRange    = errors.New("wire: a value doesn't fit its field")
)

// Sizes in octets.
const (
	headerSize   = 4
	feedbackSize = 12   // header, SSRC of packet sender, SSRC of media source
	maxEntries   = 8180 // of eight octets, so that a datagram holds them
)

// Unmarshal reads one RTCP packet: b is neither less nor more. A type or
// format that is unknown gives a *rtcp.RawPacket, which shares b's memory, as
// other packets may.
//
// Padding (RFC 3550 §6.4.1) is taken off first, as pion takes it for contents.
func Unmarshal(b []byte) (rtcp.Packet, error) {
	var h rtcp.Header
	if err := h.Unmarshal(b); err != nil {
		return nil, err
	}
	if 4*(int(h.Length)+1) != len(b) {
		return nil, ErrLength
	}
	b, err := unpad(h, b)
	if err != nil {
		return nil, err
	}
	if p := own(h); p != nil {
		if err := p.Unmarshal(b); err != nil {
			return nil, err
		}
		return p, nil
	}
	if h.Type == rtcp.TypeExtendedReport {
		// pion gives up all blocks for a bad one.
		x, _, err := xr.Unmarshal(b)
		if err != nil {
			return nil, err
		}
		return x, nil
	}
	if isForeignAFB(h, b) {
		raw := rtcp.RawPacket(b)
		return &raw, nil
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return nil, err
	}
	return packets[0], nil
}

// Compound appends the packets of a compound or reduced-size packet to dst. Each
// stands where its predecessor's length field says, whatever that contains: those
// that are malformed are left out and counted, those of unknown types come as
// *rtcp.RawPacket (RFC 8834 §4.1: "unknown RTCP packet types are ignored"). An
// error says that the lengths don't fit together, or that there is padding in
// another than the last packet, so that none of it can be trusted
// (RFC 3550 §A.2); nothing is appended then.
func Compound(dst []rtcp.Packet, b []byte) (packets []rtcp.Packet, malformed int, err error) {
	if len(b) == 0 {
		return dst, 0, ErrTooShort
	}
	for rest := b; len(rest) > 0; {
		n, err := packetSize(rest)
		if err != nil {
			return dst, 0, err
		}
		rest = rest[n:]
	}
	packets = dst
	for len(b) > 0 {
		n, _ := packetSize(b)
		if p, err := Unmarshal(b[:n]); err == nil {
			packets = append(packets, p)
		} else {
			malformed++
		}
		b = b[n:]
	}
	return packets, malformed, nil
}

// packetSize returns the size of the first packet of a compound one.
func packetSize(b []byte) (int, error) {
	var h rtcp.Header
	if err := h.Unmarshal(b); err != nil {
		return 0, err
	}
	n := 4 * (int(h.Length) + 1)
	switch {
	case n > len(b):
		return 0, ErrLength
	case n < len(b) && h.Padding && !fillsUp(h):
		return 0, ErrPadding
	}
	return n, nil
}

// fillsUp reports whether a packet of that type uses the padding bit for fewer
// than four octets of its own, in whichever place it stands: APP and
// transport-wide feedback do, which pion knows.
func fillsUp(h rtcp.Header) bool {
	return h.Type == rtcp.TypeTransportSpecificFeedback && h.Count == rtcp.FormatTCC ||
		h.Type == rtcp.TypeApplicationDefined
}

func own(h rtcp.Header) rtcp.Packet {
	switch h.Type {
	case rtcp.TypeTransportSpecificFeedback:
		switch h.Count {
		case FormatTMMBR:
			return new(TMMBR)
		case FormatPause:
			return new(Pause)
		case FormatTMMBN:
			return new(TMMBN)
		case FormatECN:
			return new(ECNFeedback)
		}
	case rtcp.TypePayloadSpecificFeedback:
		switch h.Count {
		case FormatRPSI:
			return new(RPSI)
		case FormatTSTR:
			return new(TSTR)
		case FormatTSTN:
			return new(TSTN)
		}
	case TypeRGRS:
		return new(RGRS)
	default:
	}
	return nil
}

// isForeignAFB tells application layer feedback that isn't REMB, for which
// pion takes all of it.
func isForeignAFB(h rtcp.Header, b []byte) bool {
	return h.Type == rtcp.TypePayloadSpecificFeedback && h.Count == formatAFB &&
		(len(b) < feedbackSize+4 || string(b[feedbackSize:feedbackSize+4]) != "REMB")
}

// unpad returns the packet without padding, in memory of its own if there was
// some.
func unpad(h rtcp.Header, b []byte) ([]byte, error) {
	if !h.Padding || fillsUp(h) {
		return b, nil
	}
	n := int(b[len(b)-1])
	if n == 0 || n%4 != 0 || n > len(b)-headerSize {
		return nil, ErrPadding
	}
	b = append([]byte(nil), b[:len(b)-n]...)
	b[0] &^= 1 << 5
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	return b, nil
}

// newFeedback returns a feedback message (RFC 4585 §6.1) with size octets of
// FCI, which are zero.
func newFeedback(pt rtcp.PacketType, format uint8, sender, media uint32, size int) []byte {
	b := make([]byte, feedbackSize+size)
	b[0] = 2<<6 | format
	b[1] = uint8(pt)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	binary.BigEndian.PutUint32(b[4:], sender)
	binary.BigEndian.PutUint32(b[8:], media)
	return b
}

// feedback returns the SSRCs and FCI of a feedback message of the given type
// and format that has no padding.
func feedback(b []byte, pt rtcp.PacketType, format uint8) (sender, media uint32, fci []byte, err error) {
	var h rtcp.Header
	switch err := h.Unmarshal(b); {
	case err != nil:
		return 0, 0, nil, err
	case h.Type != pt || h.Count != format:
		return 0, 0, nil, ErrType
	case len(b) < feedbackSize:
		return 0, 0, nil, ErrTooShort
	case 4*(int(h.Length)+1) != len(b):
		return 0, 0, nil, ErrLength
	case h.Padding:
		return 0, 0, nil, ErrPadding
	}
	return binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), b[feedbackSize:], nil
}
