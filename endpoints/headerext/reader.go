package headerext

import "encoding/binary"

const (
	fixedHeader  = 12
	extensionBit = 0x10
)

// Block returns the header extension of an RTP packet, head included, as a part
// of the packet; nil if it has none. It reports false for what is too short to
// be an RTP packet with such an extension.
func Block(packet []byte) (block []byte, ok bool) {
	if len(packet) < fixedHeader {
		return nil, false
	}
	start := fixedHeader + 4*int(packet[0]&0x0f)
	if packet[0]&extensionBit == 0 {
		return nil, len(packet) >= start
	}
	if len(packet) < start+blockHead {
		return nil, false
	}
	end := start + blockHead + 4*int(binary.BigEndian.Uint16(packet[start+2:]))
	if len(packet) < end {
		return nil, false
	}
	return packet[start:end:end], true
}

// Reader goes through the elements of a block.
type Reader struct {
	form      Form
	appBits   uint8
	elements  []byte
	next      int
	malformed bool
}

// NewReader returns the reader of a block. It reports false for a block that
// isn't of the general form: RFC 3550 leaves its content to the profile.
func NewReader(block []byte) (Reader, bool) {
	if len(block) < blockHead {
		return Reader{}, false
	}
	r := Reader{elements: block[blockHead:]}
	switch profile := binary.BigEndian.Uint16(block); {
	case profile == oneByteProfile:
	case profile&^appBits == twoByteProfile:
		r.form, r.appBits = TwoByte, uint8(profile&appBits)
	default:
		return Reader{}, false
	}
	return r, true
}

// Form returns the form of the block.
func (r *Reader) Form() Form { return r.form }

// AppBits returns the four bits that a two-byte block has for the application
// (RFC 8285 §4.3). They mean nothing unless id 256 is signalled.
func (r *Reader) AppBits() uint8 { return r.appBits }

// Next returns the next element, or false at the end. The data is a part of the
// block, of length 0 to 255.
func (r *Reader) Next() (id uint8, data []byte, ok bool) {
	for r.next < len(r.elements) {
		first := r.elements[r.next]
		if first == 0 { // padding, in both forms
			r.next++
			continue
		}
		id, length := first, 0
		start := r.next + r.form.head()
		if r.form == OneByte {
			id, length = first>>4, int(first&0x0f)+1
			if id == 0 || id == reservedID {
				// Whatever follows isn't to be looked at (RFC 8285 §4.1.2
				// for id 0 with a length, §4.2 for id 15).
				r.next = len(r.elements)
				return 0, nil, false
			}
		} else if start <= len(r.elements) {
			length = int(r.elements[r.next+1])
		}
		end := start + length
		if end > len(r.elements) {
			r.malformed = true
			r.next = len(r.elements)
			return 0, nil, false
		}
		r.next = end
		return id, r.elements[start:end:end], true
	}
	return 0, nil, false
}

// Malformed reports whether the last element was longer than the block. The
// elements before it are good.
func (r *Reader) Malformed() bool { return r.malformed }
