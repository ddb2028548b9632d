// Package parity is the arithmetic that FlexFEC (RFC 8627) and ULPFEC (RFC 5109)
// share: the bit string of a packet, the XOR of several, and the search for
// packets that such sums give back. What the sums look like on the wire is the
// business of packages flexfec and ulpfec.
//
// A [Group] collects the packets that a sender wants to protect and adds them up.
// A [Decoder] remembers what a receiver got and solves for what it didn't.
package parity

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// ErrMalformed is the error of what isn't an RTP packet.
var ErrMalformed = errors.New("parity: not an RTP packet")

// HeaderSize is that of the fixed RTP header. Its sequence number and its SSRC
// are no part of the bit string.
const HeaderSize = 12

// String is the XOR of the bit strings of packets (RFC 8627 §6.2, RFC 5109 §8.1).
// The zero value is that of none.
type String struct {
	// First are the first 16 bits of the header. The upper two, the version, mean
	// nothing.
	First uint16
	// Length is the number of octets after the fixed header.
	Length    uint16
	Timestamp uint32
	// Payload is everything after the fixed header: contributing sources, header
	// extension, payload and padding.
	Payload []byte
}

// Reset makes it the string of no packet. The memory is kept.
func (s *String) Reset() { *s = String{Payload: s.Payload[:0]} }

// Add adds a packet. A shorter one counts as if zeros followed, so that the
// payload becomes as long as the longest.
func (s *String) Add(packet []byte) error {
	if len(packet) < HeaderSize || len(packet)-HeaderSize > 0xffff || packet[0]>>6 != 2 {
		return ErrMalformed
	}
	s.grow(len(packet) - HeaderSize)
	s.within(packet)
	return nil
}

// within adds the part of a packet that the payload has room for.
func (s *String) within(packet []byte) {
	s.First ^= binary.BigEndian.Uint16(packet)
	s.Length ^= uint16(len(packet) - HeaderSize)
	s.Timestamp ^= binary.BigEndian.Uint32(packet[4:])
	rest := packet[HeaderSize:]
	n := min(len(rest), len(s.Payload))
	if n > 0 {
		subtle.XORBytes(s.Payload[:n], s.Payload[:n], rest[:n])
	}
}

func (s *String) grow(n int) {
	have := len(s.Payload)
	if n <= have {
		return
	}
	if n > cap(s.Payload) {
		s.Payload = append(make([]byte, 0, max(n, 1500)), s.Payload...)
	}
	s.Payload = s.Payload[:n]
	clear(s.Payload[have:])
}

// copyFrom makes it a copy of another string, in its own memory.
func (s *String) copyFrom(t *String) {
	p := append(s.Payload[:0], t.Payload...)
	*s = *t
	s.Payload = p
}

// appendPacket appends the packet whose string this is.
func (s *String) appendPacket(dst []byte, ssrc uint32, seq uint16) []byte {
	dst = binary.BigEndian.AppendUint16(dst, 2<<14|s.First&0x3fff)
	dst = binary.BigEndian.AppendUint16(dst, seq)
	dst = binary.BigEndian.AppendUint32(dst, s.Timestamp)
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	return append(dst, s.Payload[:s.Length]...)
}

// plausible reports whether the string can be that of a single RTP packet: the
// parts that its header tells of are within its length, and nothing but zeros is
// behind it.
func (s *String) plausible() bool {
	n := int(s.Length)
	if n > len(s.Payload) {
		return false
	}
	for _, b := range s.Payload[n:] {
		if b != 0 {
			return false
		}
	}
	at := 4 * int(s.First>>8&0x0f)
	if s.First&0x1000 != 0 {
		if at+4 > n {
			return false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(s.Payload[at+2:]))
	}
	end := n
	if s.First&0x2000 != 0 {
		if n == 0 || s.Payload[n-1] == 0 {
			return false
		}
		end -= int(s.Payload[n-1])
	}
	return at <= end
}
