// Package rtx is the retransmission payload format (RFC 4588): a [Sender] makes
// retransmission packets out of original ones, a [Receiver] makes them original
// again, and a [Budget] says how much may be sent again.
//
// The streams are multiplexed by SSRC, as RFC 8834 §6.1 requires. Where they are
// in sessions of their own, both have the same SSRC (RFC 4588 §4); that is an
// association of an SSRC with itself.
package rtx

import (
	"encoding/binary"
	"errors"
)

// What can be wrong with a packet.
var (
	ErrMalformed    = errors.New("rtx: not an RTP packet")
	ErrTooShort     = errors.New("rtx: no room for the original sequence number")
	ErrPaddingOnly  = errors.New("rtx: a packet of padding alone")
	ErrPayloadType  = errors.New("rtx: a payload type without association")
	ErrUnassociated = errors.New("rtx: no stream is known that it belongs to")
)

// osnSize is the size of the retransmission payload header (§4).
const osnSize = 2

// PayloadTypes associates payload types of an original stream with those of its
// retransmission, by "apt" (§8.1). The zero value has none.
type PayloadTypes struct {
	original, rtx [128]uint8 // plus one; 0 stands for none
}

// Associate adds a pair. Both are 0 to 127. It reports false if either of them
// is in a pair already: each original payload type has one of its own (§4).
func (t *PayloadTypes) Associate(original, rtx uint8) bool {
	if original > 127 || rtx > 127 || t.rtx[original] != 0 || t.original[rtx] != 0 {
		return false
	}
	t.rtx[original], t.original[rtx] = rtx+1, original+1
	return true
}

// RTX returns the payload type of retransmissions of an original one.
func (t *PayloadTypes) RTX(original uint8) (pt uint8, ok bool) {
	pt = t.rtx[original&0x7f]
	return pt - 1, pt != 0 && original <= 127
}

// Original returns the payload type that is retransmitted with pt.
func (t *PayloadTypes) Original(rtx uint8) (pt uint8, ok bool) {
	pt = t.original[rtx&0x7f]
	return pt - 1, pt != 0 && rtx <= 127
}

// Offsets into the fixed header (RFC 3550 §5.1).
const (
	fixedHeader = 12
	seqOffset   = 2
	ssrcOffset  = 8
)

// layout is where the parts of an RTP packet are.
type layout struct {
	csrcs   int // their end, where the header extension begins
	payload int // its beginning
	end     int // its end, where padding begins
}

// parse finds the parts of an RTP packet (RFC 3550 §5.1 and §5.3.1).
func parse(b []byte) (layout, error) {
	if len(b) < fixedHeader || b[0]>>6 != 2 {
		return layout{}, ErrMalformed
	}
	l := layout{csrcs: fixedHeader + 4*int(b[0]&0x0f), end: len(b)}
	l.payload = l.csrcs
	if b[0]&0x10 != 0 {
		if len(b) < l.csrcs+4 {
			return layout{}, ErrMalformed
		}
		l.payload += 4 + 4*int(binary.BigEndian.Uint16(b[l.csrcs+2:]))
	}
	if b[0]&0x20 != 0 {
		n := int(b[len(b)-1])
		if n == 0 {
			return layout{}, ErrMalformed
		}
		l.end -= n
	}
	if l.payload > l.end {
		return layout{}, ErrMalformed
	}
	return l, nil
}

func payloadType(b []byte) uint8 { return b[1] & 0x7f }

func setPayloadType(b []byte, pt uint8) { b[1] = b[1]&0x80 | pt }

func sequenceNumber(b []byte) uint16 { return binary.BigEndian.Uint16(b[seqOffset:]) }

func setSequenceNumber(b []byte, seq uint16) { binary.BigEndian.PutUint16(b[seqOffset:], seq) }

func ssrcOf(b []byte) uint32 { return binary.BigEndian.Uint32(b[ssrcOffset:]) }

func setSSRC(b []byte, ssrc uint32) { binary.BigEndian.PutUint32(b[ssrcOffset:], ssrc) }
