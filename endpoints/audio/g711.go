package audio

import "math/bits"

const (
	// muBias moves the segments of µ-law to powers of two, muClip is the largest
	// magnitude that has a code, both on the scale of 16 bits.
	muBias = 132
	muClip = 32635
)

// EncodeMuLaw codes a sample of 16 bits as µ-law (ITU-T G.711 table 2): a sign, a
// segment and a place in it, all inverted.
func EncodeMuLaw(sample int16) byte {
	x, sign := int(sample), byte(0)
	if x < 0 {
		x, sign = -x, 0x80
	}
	x = min(x, muClip) + muBias
	segment := bits.Len(uint(x)) - 8 // x is at least 132, of 8 bits
	step := x >> (segment + 3) & 0x0f
	return ^(sign | byte(segment<<4|step))
}

// DecodeMuLaw returns the value that a µ-law code stands for, in 16 bits.
func DecodeMuLaw(code byte) int16 {
	code = ^code
	segment := int(code >> 4 & 7)
	x := (int(code&0x0f)<<3+muBias)<<segment - muBias
	if code&0x80 != 0 {
		x = -x
	}
	return int16(x)
}

// aInvert are the bits of A-law codes that are inverted on the line.
const aInvert = 0x55

// EncodeALaw codes a sample of 16 bits as A-law (ITU-T G.711 table 1). Of those 13
// count.
func EncodeALaw(sample int16) byte {
	x, sign := int(sample)>>3, byte(0x80)
	if x < 0 {
		x, sign = -x-1, 0
	}
	// Segments 0 and 1 have the same steps.
	segment := max(bits.Len(uint(x))-5, 0)
	step := x >> max(segment, 1) & 0x0f
	return (sign | byte(segment<<4|step)) ^ aInvert
}

// DecodeALaw returns the value that an A-law code stands for, in 16 bits.
func DecodeALaw(code byte) int16 {
	code ^= aInvert
	segment, x := int(code>>4&7), int(code&0x0f)<<4+8
	if segment > 0 {
		x = (x + 0x100) << (segment - 1)
	}
	if code&0x80 == 0 {
		x = -x
	}
	return int16(x)
}
