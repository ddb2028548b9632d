// Package ulpfec is generic forward error correction (RFC 5109) in packets with
// redundant data (RFC 2198), as stacks from before FlexFEC protect video: media and
// repair packets share an SSRC and sequence numbers. A [Sender] wraps media packets
// and makes repair packets for groups of them, a [Receiver] unwraps and recovers.
//
// Of the uneven levels of protection there is level 0 alone, "onelevelonly" of
// RFC 5109 §13: it protects packets in full length. Of further levels in a repair
// packet nothing is used; a packet that is longer than what level 0 protects isn't
// recovered in part.
//
// Deviation (RFC 5109 §14.2): a repair packet is a packet of its own, with the
// repair data as its primary block, rather than a redundant block beside media.
// So those stacks do it, for the 10 bits of a block's length can't express the size
// of a video packet. A Receiver takes both.
//
// Deviation (RFC 5109 §10.3, §14.2): the marker of media packets stays, see
// [red.Wrap], and so is recovered: video can't do without.
//
// Repair packets use up sequence numbers. To who counts losses or asks for packets
// they are packets like others; to who plays media they leave gaps.
package ulpfec

import (
	"encoding/binary"

	"rtpfabric/endpoints/fec/parity"
	"rtpfabric/endpoints/fec/red"
)

// Sizes of the headers (§7.3, §7.4).
const (
	fecHeader  = 10
	shortLevel = 4
	longLevel  = 8
)

// The spans of the masks, in sequence numbers.
const (
	shortSpan = 16
	longSpan  = 48
)

// bitLong is the L bit: the mask is long.
const bitLong = 0x40

// MaxOverhead is by how many octets a repair packet is larger than the largest
// media packet that it protects, before this is wrapped, at most.
const MaxOverhead = 1 + fecHeader + longLevel

// appendFEC appends the FEC header, the header of level 0 and its payload.
func appendFEC(dst []byte, sum *parity.String, set *parity.Set) []byte {
	span := set.Mask.Span()
	long := byte(0)
	if span > shortSpan {
		long = bitLong
	}
	dst = append(dst, long|byte(sum.First>>8)&0x3f, byte(sum.First))
	dst = binary.BigEndian.AppendUint16(dst, set.Base)
	dst = binary.BigEndian.AppendUint32(dst, sum.Timestamp)
	dst = binary.BigEndian.AppendUint16(dst, sum.Length)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(sum.Payload)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(set.Mask[0]>>48))
	if long != 0 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(set.Mask[0]>>16))
	}
	return append(dst, sum.Payload...)
}

// readFEC is the inverse of appendFEC. The payload is a part of b; what is behind
// level 0 is left out. It reports false if b ends too early or protects nothing.
func readFEC(b []byte, sum *parity.String, set *parity.Set) bool {
	if len(b) < fecHeader+shortLevel {
		return false
	}
	*sum = parity.String{
		First:     binary.BigEndian.Uint16(b) & 0x3fff, // the E bit is ignored
		Timestamp: binary.BigEndian.Uint32(b[4:]),
		Length:    binary.BigEndian.Uint16(b[8:]),
	}
	set.Base = binary.BigEndian.Uint16(b[2:])
	n := int(binary.BigEndian.Uint16(b[10:]))
	set.Mask = parity.Mask{uint64(binary.BigEndian.Uint16(b[12:])) << 48}
	rest := b[fecHeader+shortLevel:]
	if b[0]&bitLong != 0 {
		if len(rest) < longLevel-shortLevel {
			return false
		}
		set.Mask[0] |= uint64(binary.BigEndian.Uint32(rest)) << 16
		rest = rest[longLevel-shortLevel:]
	}
	if n > len(rest) || set.Mask.Len() == 0 {
		return false
	}
	sum.Payload = rest[:n]
	return true
}

// primary returns the primary block of a packet.
func primary(packet []byte) (red.Block, error) {
	var room [red.MaxBlocks]red.Block
	_, block, err := red.Split(room[:0], packet)
	return block, err
}
