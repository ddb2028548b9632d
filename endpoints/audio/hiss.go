package audio

import "math"

// Hiss is white noise of a level: what comfort noise without coefficients sounds like
// (RFC 3389 §3).
type Hiss struct {
	Level uint8 // 0 to 127 for 0 to -127 dBov
	state uint32
}

// Fill makes samples.
func (h *Hiss) Fill(samples []int16) {
	if h.state == 0 {
		h.state = 0x9e3779b9
	}
	// Uniform noise in [-1, 1) has a power of 1/3.
	amplitude := overload * math.Sqrt(3*power(-float64(h.Level)))
	for i := range samples {
		samples[i] = clip(amplitude * xorshift(&h.state))
	}
}

// xorshift returns the next number of a sequence, in [-1, 1).
func xorshift(state *uint32) float64 {
	*state ^= *state << 13
	*state ^= *state >> 17
	*state ^= *state << 5
	return float64(int32(*state)) * 0x1p-31
}

// clip returns the sample nearest to a value.
func clip(x float64) int16 {
	return int16(max(min(math.RoundToEven(x), math.MaxInt16), math.MinInt16))
}
