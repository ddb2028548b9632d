package wire

import (
	"encoding/binary"
	"math/bits"

	"rtpfabric/sim/units"
)

// Bounds of a limit's fields (RFC 5104 §4.2.1.1).
const (
	mantissaBits = 17
	maxMantissa  = 1<<mantissaBits - 1
	// MaxOverhead is the greatest overhead that a limit can have.
	MaxOverhead units.Bytes = 1<<9 - 1
	// MaxMxTBR is the greatest bit rate here. The format goes on to 1.2*10^24
	// bit/s; such values are read as this one.
	MaxMxTBR units.BitRate = maxMantissa << (63 - mantissaBits)

	limitSize = 8
)

// Limit is an FCI entry of TMMBR and TMMBN: a tuple of a bit rate and an
// overhead (RFC 5104 §4.2.1.1, §4.2.2.1).
type Limit struct {
	// SSRC is the media sender in a TMMBR, the owner of the tuple in a TMMBN.
	SSRC uint32
	// MxTBR is the maximum total media bit rate, that is with Overhead in every
	// packet. It is not negative. On the wire it has 17 significant bits.
	MxTBR units.BitRate
	// Overhead is the measured overhead per packet, 0 to MaxOverhead.
	Overhead units.Bytes
}

// RoundMxTBR returns the greatest bit rate not above r that can be written, so
// that a limit is never exceeded.
func RoundMxTBR(r units.BitRate) units.BitRate {
	exp, mantissa := split(r)
	return units.BitRate(mantissa) << exp
}

// split rounds a bit rate down to mantissa * 2^exp, with the least exponent.
func split(r units.BitRate) (exp uint, mantissa uint32) {
	r = max(r, 0)
	if n := bits.Len64(uint64(r)); n > mantissaBits {
		exp = uint(n - mantissaBits)
	}
	return exp, uint32(r >> exp)
}

func join(exp uint, mantissa uint32) units.BitRate {
	if bits.Len32(mantissa)+int(exp) > 63 {
		return MaxMxTBR
	}
	return units.BitRate(mantissa) << exp
}

// putLimits writes limits into an FCI of their size.
func putLimits(fci []byte, limits []Limit) error {
	for i, l := range limits {
		if l.MxTBR < 0 || l.Overhead < 0 || l.Overhead > MaxOverhead {
			return ErrRange
		}
		exp, mantissa := split(l.MxTBR)
		binary.BigEndian.PutUint32(fci[limitSize*i:], l.SSRC)
		binary.BigEndian.PutUint32(fci[limitSize*i+4:], uint32(exp)<<26|mantissa<<9|uint32(l.Overhead))
	}
	return nil
}

// appendLimits reads an FCI of whole limits.
func appendLimits(limits []Limit, fci []byte) ([]Limit, error) {
	if len(fci)%limitSize != 0 {
		return limits, ErrLength
	}
	for ; len(fci) > 0; fci = fci[limitSize:] {
		word := binary.BigEndian.Uint32(fci[4:])
		limits = append(limits, Limit{
			SSRC:     binary.BigEndian.Uint32(fci),
			MxTBR:    join(uint(word>>26), word>>9&maxMantissa),
			Overhead: units.Bytes(word) & MaxOverhead,
		})
	}
	return limits, nil
}

func limitSSRCs(limits []Limit) []uint32 {
	out := make([]uint32, len(limits))
	for i, l := range limits {
		out[i] = l.SSRC
	}
	return out
}
