// Package red is the RTP payload format for redundant audio data (RFC 2198). A
// [Sender] puts the frames of earlier packets into the packets of later ones, a
// [Receiver] takes them out again and tells which of them are new. [Wrap] and
// [Split] are the format itself, which ULPFEC uses for video, too
// (package ulpfec).
//
// A packet in that format has one header a block, then the blocks in the same
// order. The last block is the primary one, whose time is that of the packet; the
// others are redundant, older, and have their distance in time and their length in
// their headers.
package red

import (
	"encoding/binary"
	"errors"
)

// What can be wrong with a packet.
var (
	ErrMalformed = errors.New("red: not an RTP packet with redundant data")
	ErrLength    = errors.New("red: the blocks are longer than the packet")
)

// Limits of the format (RFC 2198 §3).
const (
	// MaxOffset is how much older than the packet a redundant block can be, in
	// ticks of the RTP clock: 341 ms at 48 kHz, 2 s at 8 kHz.
	MaxOffset = 1<<14 - 1
	// MaxLength is that of a redundant block, in octets.
	MaxLength = 1<<10 - 1
	// MaxBlocks is how many redundant blocks a packet is read with. The format
	// knows no limit.
	MaxBlocks = 16
)

// Sizes of block headers, and of the fixed RTP header.
const (
	primaryHeader   = 1
	redundantHeader = 4
	fixedHeader     = 12
)

// follows is the F bit: another block header follows.
const follows = 0x80

// Block is a piece of a packet.
type Block struct {
	PayloadType uint8
	// Offset is how much older than the packet it is, in ticks of the RTP clock;
	// 0 to MaxOffset. That of the primary block is 0.
	Offset uint16
	Data   []byte // a part of the packet's memory
}

// layout returns where the payload of an RTP packet begins and ends.
func layout(b []byte) (start, end int, ok bool) {
	if len(b) < fixedHeader || b[0]>>6 != 2 {
		return 0, 0, false
	}
	start, end = fixedHeader+4*int(b[0]&0x0f), len(b)
	if b[0]&0x10 != 0 {
		if end < start+4 {
			return 0, 0, false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	}
	if b[0]&0x20 != 0 {
		if b[end-1] == 0 {
			return 0, 0, false
		}
		end -= int(b[end-1])
	}
	return start, end, start <= end
}

// Split appends the redundant blocks of a packet to dst, in its order, and returns
// the primary block. They are parts of the packet's memory.
func Split(dst []Block, packet []byte) (redundant []Block, primary Block, err error) {
	at, end, ok := layout(packet)
	if !ok {
		return dst, Block{}, ErrMalformed
	}
	b := packet[at:end]
	first := len(dst)
	total := 0
	for len(b) > 0 && b[0]&follows != 0 {
		if len(b) < redundantHeader || len(dst)-first == MaxBlocks {
			return dst[:first], Block{}, ErrMalformed
		}
		word := binary.BigEndian.Uint32(b)
		dst = append(dst, Block{PayloadType: b[0] & 0x7f, Offset: uint16(word >> 10 & MaxOffset)})
		total += int(word & MaxLength)
		b = b[redundantHeader:]
	}
	if len(b) == 0 {
		return dst[:first], Block{}, ErrMalformed
	}
	primary.PayloadType = b[0]
	b = b[primaryHeader:]
	if total > len(b) {
		return dst[:first], Block{}, ErrLength
	}
	for i := range dst[first:] {
		n := int(binary.BigEndian.Uint16(packet[at+redundantHeader*i+2:]) & MaxLength)
		dst[first+i].Data = b[:n]
		b = b[n:]
	}
	primary.Data = b
	return dst, primary, nil
}

// Wrap appends a packet with the payload type pt to dst, which has the payload of
// another one as its primary block, and no redundant ones. The rest of the header
// is the same, but for padding, which is left out.
//
// Deviation (RFC 2198 §4): the marker is the primary block's, as every stack has
// it; the format has no place for it but the RTP header.
func Wrap(dst, packet []byte, pt uint8) ([]byte, error) {
	return wrap(dst, packet, pt, nil)
}

// wrap is Wrap with redundant blocks, oldest first.
func wrap(dst, packet []byte, pt uint8, redundant []Block) ([]byte, error) {
	start, end, ok := layout(packet)
	if !ok {
		return dst, ErrMalformed
	}
	at := len(dst)
	dst = append(dst, packet[:start]...)
	dst[at] &^= 0x20
	dst[at+1] = dst[at+1]&0x80 | pt&0x7f
	for i := range redundant {
		r := &redundant[i]
		word := follows<<24 | uint32(r.PayloadType&0x7f)<<24 | uint32(r.Offset)<<10 | uint32(len(r.Data))
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	dst = append(dst, packet[1]&0x7f)
	for i := range redundant {
		dst = append(dst, redundant[i].Data...)
	}
	return append(dst, packet[start:end]...), nil
}

// AppendPrimary appends the packet whose payload is the primary block: what
// RFC 5109 §14.2 calls a virtual RTP packet. Its header is the same but for the
// payload type, and for padding, which is left out.
func AppendPrimary(dst, packet []byte, primary Block) []byte {
	start, _, ok := layout(packet)
	if !ok {
		return dst
	}
	at := len(dst)
	dst = append(dst, packet[:start]...)
	dst[at] &^= 0x20
	dst[at+1] = dst[at+1]&0x80 | primary.PayloadType&0x7f
	return append(dst, primary.Data...)
}
