package parity

import "math/bits"

// MaxMask is the most packets that a [Mask] spans, those of RFC 8627 §4.2.2.1.
const MaxMask = 110

// Mask says which packets of a span are protected. Bit 0 is the most significant
// one of the first word, as on the wire.
type Mask [2]uint64

// Set adds bit i, which is less than 128.
func (m *Mask) Set(i int) { m[i>>6] |= 1 << (63 - i&63) }

// Has reports whether it has bit i.
func (m *Mask) Has(i int) bool { return uint(i) < 128 && m[i>>6]>>(63-i&63)&1 != 0 }

// Len returns how many bits it has.
func (m *Mask) Len() int { return bits.OnesCount64(m[0]) + bits.OnesCount64(m[1]) }

// Span returns the number of the last bit plus one.
func (m *Mask) Span() int {
	if m[1] != 0 {
		return 128 - bits.TrailingZeros64(m[1])
	}
	return 64 - bits.TrailingZeros64(m[0]) // of 0 there are 64
}

// Set is the packets of one stream that a repair packet protects: those of a mask,
// or if Count is positive, so many that are Step apart.
type Set struct {
	SSRC        uint32
	Base        uint16 // the first sequence number that the set speaks of
	Step, Count int
	Mask        Mask
}

// Len returns how many packets there are.
func (s *Set) Len() int {
	if s.Count > 0 {
		return s.Count
	}
	return s.Mask.Len()
}

// Span returns the distance from Base to behind the last packet.
func (s *Set) Span() int {
	if s.Count > 0 {
		return (s.Count-1)*s.Step + 1
	}
	return s.Mask.Span()
}

// Has reports whether the packet with the number Base + i is one of them.
func (s *Set) Has(i int) bool {
	if s.Count > 0 {
		return i%s.Step == 0 && i/s.Step < s.Count
	}
	return s.Mask.Has(i)
}

// next returns the first i of at least the given one that the set has; or Span,
// if there is none.
func (s *Set) next(i int) int {
	if s.Count > 0 {
		return (i + s.Step - 1) / s.Step * s.Step
	}
	for n := s.Span(); i < n; i++ {
		if s.Mask.Has(i) {
			return i
		}
	}
	return i
}
