package audio

import "encoding/binary"

// stepSizes and stepMoves are the tables of IMA's ADPCM: quantiser steps, each about
// a tenth larger than the one before, and how far a code of given magnitude moves
// among them.
var (
	stepSizes = [...]int{
		7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97,
		107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796,
		876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871,
		5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623,
		27086, 29794, 32767,
	}
	stepMoves = [...]int{-1, -1, -1, -1, 2, 4, 6, 8}
)

// DVI4Header is the size of what precedes the samples of a packet.
const DVI4Header = 4

// DVI4 is the state of an ADPCM coder or decoder. Its zero value is where a stream
// begins.
type DVI4 struct {
	predicted int
	index     int
}

// Encode codes an even number of samples of 16 bits as a packet's payload: the
// state before them in 4 octets, then two samples to an octet, the first in its
// upper half (RFC 3551 §4.5.1). into must have 4 + len(samples)/2 octets. It returns
// how many it wrote.
func (d *DVI4) Encode(into []byte, samples []int16) int {
	binary.BigEndian.PutUint16(into, uint16(int16(d.predicted)))
	into[2], into[3] = byte(d.index), 0
	n := len(samples) / 2
	for i := range n {
		into[DVI4Header+i] = d.code(int(samples[2*i]))<<4 | d.code(int(samples[2*i+1]))
	}
	return DVI4Header + n
}

// DecodeDVI4 appends the samples of a packet to into. A packet has all that is needed,
// so that a loss does no harm to what follows. It reports false if the payload is
// malformed.
func DecodeDVI4(into []int16, payload []byte) ([]int16, bool) {
	if len(payload) < DVI4Header || int(payload[2]) >= len(stepSizes) {
		return into, false
	}
	d := DVI4{predicted: int(int16(binary.BigEndian.Uint16(payload))), index: int(payload[2])}
	for _, b := range payload[DVI4Header:] {
		for _, code := range [2]byte{b >> 4, b & 0x0f} {
			d.step(code)
			into = append(into, int16(d.predicted))
		}
	}
	return into, true
}

// code finds the code of a sample, and goes on to the next.
func (d *DVI4) code(sample int) byte {
	code := d.quantise(sample)
	d.step(code)
	return code
}

// quantise finds the sign and the three bits of the difference from the prediction,
// highest first, as multiples of 1, ½ and ¼ of the step.
func (d *DVI4) quantise(sample int) byte {
	difference, code := sample-d.predicted, byte(0)
	if difference < 0 {
		difference, code = -difference, 8
	}
	part := stepSizes[d.index]
	for bit := byte(4); bit > 0; bit >>= 1 {
		if difference >= part {
			code |= bit
			difference -= part
		}
		part >>= 1
	}
	return code
}

// step moves prediction and step size by a code, at the coder as at the decoder.
// The eighth of the step puts the value in the middle of what the code covers.
func (d *DVI4) step(code byte) {
	size := stepSizes[d.index]
	difference := size >> 3
	for i, bit := range [3]byte{4, 2, 1} {
		if code&bit != 0 {
			difference += size >> i
		}
	}
	if code&8 != 0 {
		difference = -difference
	}
	d.predicted = max(min(d.predicted+difference, 32767), -32768)
	d.index = max(min(d.index+stepMoves[code&7], len(stepSizes)-1), 0)
}
