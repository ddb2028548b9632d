// Package flexfec is the RTP payload format for flexible forward error correction
// (RFC 8627). A repair stream has an SSRC of its own in the session of the streams
// that it protects ([Stream]); its packets are the XOR of source packets that they
// name, either by masks ([MaskSender]), which suit frames and several streams at
// once, or by rows and columns of a block ([BlockSender]). A [Receiver] takes all
// of these in any mixture, and retransmissions.
//
// FEC comes before SRTP at the sender and after it at the receiver (RFC 8854 §9):
// packets here are without protection, with all header extensions as they are on
// the wire.
//
// pion/interceptor v0.1.49 has FlexFEC, too, but that of
// draft-ietf-payload-flexible-fec-scheme-03: the protected SSRC stands in the FEC
// header rather than among the contributing sources, the k bits mean the opposite,
// and there are neither blocks nor retransmissions. Its encoder of the later
// format says of itself that it has bugs (it leaves the timestamp out of the sum,
// for one), its timestamps are constant, and its decoder isn't exported. So
// nothing of it is used.
//
// Deviation (RFC 8627 §6.3.1): L and D from SDP for packets in which both are 0
// aren't supported; §4.2.2.2 reserves such packets and has receivers ignore them.
package flexfec

import (
	"encoding/binary"
	"errors"

	"rtpfabric/endpoints/fec/parity"
)

// What can be wrong with a repair packet.
var (
	ErrMalformed = errors.New("flexfec: not a repair packet")
	ErrReserved  = errors.New("flexfec: a variant that is reserved")
	ErrUnusable  = errors.New("flexfec: about packets that aren't remembered")
)

// Sizes of the FEC header (RFC 8627 §4.2.2).
const (
	commonHeader = 8 // what the variants with R=0 have in common
	blockHeader  = 4 // of a stream: SN base, L and D
	csrcSize     = 4
	mask15       = 4 // of a stream: SN base and the shortest mask
	mask46       = 8
	mask110      = 16
)

// The R and F bits.
const (
	bitRetransmit = 0x80
	bitFixed      = 0x40
)

// The k bit of a mask: another one follows.
const (
	k15 = 1 << 15
	k46 = 1 << 31
)

// The spans of the three masks, in sequence numbers.
const (
	span15  = 15
	span46  = 46
	span110 = parity.MaxMask
)

// Overhead returns by how many octets a repair packet is larger than the largest
// source packet that it protects (§6.2), without header extension. It protects so
// many streams, with masks that span so many numbers, or if span is 0, as part of
// a block.
func Overhead(streams, span int) int {
	each := blockHeader
	switch {
	case span > span46:
		each = mask110
	case span > span15:
		each = mask46
	}
	return commonHeader + streams*(csrcSize+each)
}

// appendMask appends SN base and mask of a set.
func appendMask(dst []byte, s *parity.Set) []byte {
	span := s.Mask.Span()
	first := uint16(s.Mask[0] >> 49)
	dst = binary.BigEndian.AppendUint16(dst, s.Base)
	if span <= span15 {
		return binary.BigEndian.AppendUint16(dst, first)
	}
	dst = binary.BigEndian.AppendUint16(dst, k15|first)
	second := uint32(s.Mask[0]>>18) & (k46 - 1)
	if span <= span46 {
		return binary.BigEndian.AppendUint32(dst, second)
	}
	dst = binary.BigEndian.AppendUint32(dst, k46|second)
	return binary.BigEndian.AppendUint64(dst, s.Mask[0]<<46|s.Mask[1]>>18)
}

// readMask reads SN base and mask of a stream, and returns how long they are; 0 if
// they end too early or name nothing.
func readMask(b []byte, s *parity.Set) int {
	if len(b) < mask15 {
		return 0
	}
	s.Base = binary.BigEndian.Uint16(b)
	n := mask15
	first := binary.BigEndian.Uint16(b[2:])
	s.Mask = parity.Mask{uint64(first&(k15-1)) << 49}
	if first&k15 != 0 {
		if len(b) < mask46 {
			return 0
		}
		n = mask46
		second := binary.BigEndian.Uint32(b[4:])
		s.Mask[0] |= uint64(second&(k46-1)) << 18
		if second&k46 != 0 {
			if len(b) < mask110 {
				return 0
			}
			n = mask110
			third := binary.BigEndian.Uint64(b[8:])
			s.Mask[0] |= third >> 46
			s.Mask[1] = third << 18
		}
	}
	if s.Mask.Len() == 0 {
		return 0
	}
	return n
}

// readBlock reads SN base, L and D of a stream, and returns how long they are
// (Figure 14).
func readBlock(b []byte, s *parity.Set) int {
	if len(b) < blockHeader {
		return 0
	}
	s.Base = binary.BigEndian.Uint16(b)
	l, d := int(b[2]), int(b[3])
	switch {
	case l == 0:
		return 0 // reserved
	case d <= 1:
		s.Step, s.Count = 1, l
	default:
		s.Step, s.Count = l, d
	}
	return blockHeader
}
