package wire

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pion/rtcp"
)

// TypeRGRS is the packet type of RGRS.
const TypeRGRS rtcp.PacketType = 212

const maxSources = 31

// RGRS tells the reporting sources of the reporting group that the sender of
// the packet belongs to (RFC 8861 §3.2.2). Reporting sources themselves don't
// send it. It has 1 to 31 of them; more go round robin through consecutive
// packets.
type RGRS struct {
	SenderSSRC       uint32
	ReportingSources []uint32
}

// Marshal encodes the packet.
func (p RGRS) Marshal() ([]byte, error) {
	n := len(p.ReportingSources)
	if n == 0 || n > maxSources {
		return nil, ErrCount
	}
	if slices.Contains(p.ReportingSources, p.SenderSSRC) {
		return nil, ErrRange // a reporting source MUST NOT send it (§3.2.2)
	}
	b := make([]byte, p.MarshalSize())
	b[0] = 2<<6 | uint8(n)
	b[1] = uint8(TypeRGRS)
	binary.BigEndian.PutUint16(b[2:], uint16(n+1))
	binary.BigEndian.PutUint32(b[4:], p.SenderSSRC)
	for i, ssrc := range p.ReportingSources {
		binary.BigEndian.PutUint32(b[8+4*i:], ssrc)
	}
	return b, nil
}

// Unmarshal decodes a packet without padding, reusing the memory of
// ReportingSources.
func (p *RGRS) Unmarshal(b []byte) error {
	var h rtcp.Header
	switch err := h.Unmarshal(b); {
	case err != nil:
		return err
	case h.Type != TypeRGRS:
		return ErrType
	case h.Padding:
		return ErrPadding
	case h.Count == 0:
		return ErrCount
	case len(b) != 4*(int(h.Length)+1) || len(b) != 8+4*int(h.Count):
		return ErrLength
	}
	p.SenderSSRC = binary.BigEndian.Uint32(b[4:])
	p.ReportingSources = p.ReportingSources[:0]
	for b = b[8:]; len(b) > 0; b = b[4:] {
		p.ReportingSources = append(p.ReportingSources, binary.BigEndian.Uint32(b))
	}
	if slices.Contains(p.ReportingSources, p.SenderSSRC) {
		return ErrRange
	}
	return nil
}

// MarshalSize returns the size in octets.
func (p RGRS) MarshalSize() int { return 8 + 4*len(p.ReportingSources) }

// DestinationSSRC returns the reporting sources.
func (p RGRS) DestinationSSRC() []uint32 {
	return append([]uint32(nil), p.ReportingSources...)
}

func (p RGRS) String() string {
	return fmt.Sprintf("RGRS from %08x: %08x", p.SenderSSRC, p.ReportingSources)
}
