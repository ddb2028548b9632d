package wire

import (
	"fmt"

	"github.com/pion/rtcp"
)

// RPSI is the reference picture selection indication (RFC 4585 §6.3.3): a
// decoder names a picture that it has, for the encoder to predict from, or
// acknowledges one. Acknowledgements MUST NOT be used in multiparty sessions
// (§6.3.3.1).
type RPSI struct {
	SenderSSRC uint32
	MediaSSRC  uint32
	// PayloadType says of which codec BitString is, 0 to 127.
	PayloadType uint8
	// BitString is the codec's own message, from the most significant bit on. It
	// has Bits bits; those after them in the last octet are zero.
	BitString []byte
	Bits      int
}

const (
	rpsiFixed   = 2 // PB and payload type
	maxRPSIBits = 8 * 4096
)

// NewVP8RPSI returns an RPSI about a frame of VP8. Its bit string is the
// PictureID alone (RFC 7741 §5.1), which has 7 or, if long, 15 bits without the
// M bit (§4.2); more significant bits are dropped.
func NewVP8RPSI(sender, media uint32, pt uint8, pictureID uint16, long bool) *RPSI {
	m := &RPSI{SenderSSRC: sender, MediaSSRC: media, PayloadType: pt}
	if id := pictureID << 1; long {
		m.BitString, m.Bits = []byte{uint8(id >> 8), uint8(id)}, 15
	} else {
		m.BitString, m.Bits = []byte{uint8(id)}, 7
	}
	return m
}

// VP8PictureID returns the PictureID of a VP8 frame and whether it has 15 bits;
// ok is false if the bit string isn't one.
func (m RPSI) VP8PictureID() (pictureID uint16, long, ok bool) {
	switch {
	case m.Bits == 7 && len(m.BitString) == 1:
		return uint16(m.BitString[0] >> 1), false, true
	case m.Bits == 15 && len(m.BitString) == 2:
		return uint16(m.BitString[0])<<7 | uint16(m.BitString[1]>>1), true, true
	}
	return 0, false, false
}

// Marshal encodes the message.
func (m RPSI) Marshal() ([]byte, error) {
	if m.PayloadType > 127 || m.Bits < 0 || m.Bits > maxRPSIBits || len(m.BitString) != (m.Bits+7)/8 {
		return nil, ErrRange
	}
	size := m.MarshalSize() - feedbackSize
	b := newFeedback(rtcp.TypePayloadSpecificFeedback, FormatRPSI, m.SenderSSRC, m.MediaSSRC, size)
	fci := b[feedbackSize:]
	fci[0] = uint8(8*(size-rpsiFixed) - m.Bits)
	fci[1] = m.PayloadType
	copy(fci[rpsiFixed:], m.BitString)
	clearTail(fci[rpsiFixed:], m.Bits)
	return b, nil
}

// Unmarshal decodes the message into memory of its own, reusing BitString's.
func (m *RPSI) Unmarshal(b []byte) error {
	sender, media, fci, err := feedback(b, rtcp.TypePayloadSpecificFeedback, FormatRPSI)
	if err != nil {
		return err
	}
	if len(fci) == 0 {
		return ErrTooShort
	}
	pb := int(fci[0])
	n := 8*(len(fci)-rpsiFixed) - pb
	if pb > 31 || n < 0 {
		return ErrPadding // PB fills one word (§6.3.3.2)
	}
	m.SenderSSRC, m.MediaSSRC = sender, media
	m.PayloadType = fci[1] & 0x7f
	m.Bits = n
	m.BitString = append(m.BitString[:0], fci[rpsiFixed:rpsiFixed+(n+7)/8]...)
	clearTail(m.BitString, n)
	return nil
}

// clearTail zeroes the bits after the first n of the octet that holds the last
// of them.
func clearTail(b []byte, n int) {
	if n%8 != 0 {
		b[n/8] &= 0xff << (8 - n%8)
	}
}

// MarshalSize returns the size in octets.
func (m RPSI) MarshalSize() int { return feedbackSize + (rpsiFixed+(m.Bits+7)/8+3)/4*4 }

// DestinationSSRC returns the media source.
func (m RPSI) DestinationSSRC() []uint32 { return []uint32{m.MediaSSRC} }

func (m RPSI) String() string {
	return fmt.Sprintf("RPSI from %08x to %08x, payload type %d: %x, %d bits",
		m.SenderSSRC, m.MediaSSRC, m.PayloadType, m.BitString, m.Bits)
}
