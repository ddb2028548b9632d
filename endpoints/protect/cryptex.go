package protect

import (
	"encoding/binary"

	"rtpfabric/endpoints/headerext"
)

// Cryptex says what of header extensions and contributing sources is encrypted
// (RFC 9335).
type Cryptex uint8

// The choices.
const (
	// CryptexOff sends them in the clear and refuses encrypted ones.
	CryptexOff Cryptex = iota
	// CryptexOn encrypts them all and takes either.
	CryptexOn
	// CryptexRequired encrypts them all and refuses those in the clear.
	CryptexRequired
)

// The values of "defined by profile" in the clear, and those that say Cryptex
// instead (RFC 9335 §5), for the one-byte and the two-byte form.
const (
	oneByte, cryptexOneByte = 0xbede, 0xc0de
	twoByte, cryptexTwoByte = 0x1000, 0xc2de
)

const extensionBit, csrcCount = 0x10, 0x0f

// refuses reports whether a packet that came is encrypted though it may not be,
// or in the clear though it may not be (RFC 9335 §5.2).
func (c Cryptex) refuses(b []byte) bool {
	encrypted := isCryptex(b)
	switch c {
	case CryptexOff:
		return encrypted
	case CryptexRequired:
		return !encrypted && b[0]&(extensionBit|csrcCount) != 0
	case CryptexOn:
	}
	return false
}

// isCryptex reports whether a packet says that its header extension is
// encrypted as a whole (RFC 9335 §5.2).
func isCryptex(b []byte) bool {
	block, ok := headerext.Block(b)
	if !ok || block == nil {
		return false
	}
	profile := binary.BigEndian.Uint16(block)
	return profile == cryptexOneByte || profile == cryptexTwoByte
}

// markCryptex does what Cryptex does to a packet but for the encryption: the
// extension says Cryptex, and a packet that has contributing sources but no
// extension gets an empty one, 4 octets (RFC 9335 §5.1). It reports false for an
// extension that Cryptex can't have.
func markCryptex(b []byte) (marked []byte, ok bool) {
	if b[0]&extensionBit == 0 {
		if b[0]&csrcCount == 0 {
			return b, true
		}
		at := rtpHeader + 4*int(b[0]&csrcCount)
		if at > len(b) {
			return nil, false
		}
		b = append(b, zeroTag[:4]...)
		copy(b[at+4:], b[at:])
		binary.BigEndian.PutUint32(b[at:], oneByte<<16)
		b[0] |= extensionBit
	}
	block, ok := headerext.Block(b)
	if !ok {
		return nil, false
	}
	switch binary.BigEndian.Uint16(block) {
	case oneByte:
		binary.BigEndian.PutUint16(block, cryptexOneByte)
	case twoByte:
		binary.BigEndian.PutUint16(block, cryptexTwoByte)
	default:
		return nil, false
	}
	return b, true
}

// unmarkCryptex takes back what markCryptex did, but for an empty extension: a
// receiver can't tell who put it there. It reports whether there was a mark.
func unmarkCryptex(b []byte) bool {
	block, ok := headerext.Block(b)
	if !ok || block == nil {
		return false
	}
	switch binary.BigEndian.Uint16(block) {
	case cryptexOneByte:
		binary.BigEndian.PutUint16(block, oneByte)
	case cryptexTwoByte:
		binary.BigEndian.PutUint16(block, twoByte)
	default:
		return false
	}
	return true
}
