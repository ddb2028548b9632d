package audio_test

import (
	"math"
	"testing"

	"rtpfabric/endpoints/audio"
)

// ITU-T G.711 tables 5 and 6: periodic codes that make a sine of 1 kHz of 0 dBm0. A
// sine that reaches the last decision values, 8159 and 4096, has 3.17 dBm0 for µ-law
// and 3.14 dBm0 for A-law; a square wave of that height has 3.01 dB more.
func TestReferenceTone(t *testing.T) {
	for _, c := range []struct {
		name   string
		codes  [8]byte
		decode func(byte) int16
		encode func(int16) byte
		full   float64
		want   float64
	}{
		{"µ-law", [8]byte{0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e}, audio.DecodeMuLaw, audio.EncodeMuLaw, 4 * 8159, -6.18},
		{"A-law", [8]byte{0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4}, audio.DecodeALaw, audio.EncodeALaw, 8 * 4096, -6.15},
	} {
		power := 0.0
		for _, code := range c.codes {
			x := c.decode(code)
			power += float64(x) * float64(x) / 8
			if got := c.encode(x); got != code {
				t.Errorf("%s: %#x stands for %d, whose code is %#x", c.name, code, x, got)
			}
		}
		if got := 10*math.Log10(power) - 20*math.Log10(c.full); math.Abs(got-c.want) > 0.05 {
			t.Errorf("%s: the tone of 0 dBm0 has %.3f dBov, want %.2f", c.name, got, c.want)
		}
		// A sine, from its two values: tan(π/8).
		if got := float64(c.decode(c.codes[0])) / float64(c.decode(c.codes[1])); math.Abs(got-math.Tan(math.Pi/8)) > 0.015 {
			t.Errorf("%s: ratio of the tone's values %.3f", c.name, got)
		}
	}
}

// ITU-T G.711 tables 1a to 2b: the ends of the scales.
func TestG711Codes(t *testing.T) {
	for _, c := range []struct {
		sample int16
		mu, a  byte
	}{
		{0, 0xff, 0xd5},
		{-1, 0x7f, 0x55},
		{32767, 0x80, 0xaa},
		{-32768, 0x00, 0x2a},
		{8, 0xfe, 0xd5},
	} {
		if got := audio.EncodeMuLaw(c.sample); got != c.mu {
			t.Errorf("µ-law of %d is %#x, want %#x", c.sample, got, c.mu)
		}
		if got := audio.EncodeALaw(c.sample); got != c.a {
			t.Errorf("A-law of %d is %#x, want %#x", c.sample, got, c.a)
		}
	}
	for code, want := range map[byte]int16{0xff: 0, 0x7f: 0, 0x80: 32124, 0x00: -32124, 0xfe: 8, 0x7e: -8, 0xf0: 120, 0xef: 132} {
		if got := audio.DecodeMuLaw(code); got != want {
			t.Errorf("µ-law %#x is %d, want %d", code, got, want)
		}
	}
	for code, want := range map[byte]int16{0xd5: 8, 0x55: -8, 0xaa: 32256, 0x2a: -32256, 0xd4: 24, 0xc5: 264, 0xf5: 528} {
		if got := audio.DecodeALaw(code); got != want {
			t.Errorf("A-law %#x is %d, want %d", code, got, want)
		}
		if got := audio.EncodeALaw(want); got != code {
			t.Errorf("A-law of %d is %#x, want %#x", want, got, code)
		}
	}
}

// Every sample gets the code of a value at most half a step away, and larger samples
// don't get smaller values.
func TestG711Error(t *testing.T) {
	for _, c := range []struct {
		name   string
		decode func(byte) int16
		encode func(int16) byte
		bias   int // of the segments, so that they begin at powers of two
		clip   int // larger magnitudes are clipped
	}{
		{"µ-law", audio.DecodeMuLaw, audio.EncodeMuLaw, 132, 32635},
		{"A-law", audio.DecodeALaw, audio.EncodeALaw, 256, 32767},
	} {
		last := math.MinInt
		for x := math.MinInt16; x <= math.MaxInt16; x++ {
			y := int(c.decode(c.encode(int16(x))))
			if y < last {
				t.Fatalf("%s: %d becomes %d, less than the sample before", c.name, x, y)
			}
			last = y
			if x > c.clip || x < -c.clip {
				continue
			}
			// A segment has 16 steps and begins where the one before has ended.
			if limit := (max(x, -x) + c.bias) / 32; max(y-x, x-y) > limit {
				t.Fatalf("%s: %d becomes %d", c.name, x, y)
			}
		}
		for code := range 256 {
			if got := c.encode(c.decode(byte(code))); got != byte(code) && code != 0x7f {
				t.Errorf("%s: %#x becomes %#x", c.name, code, got)
			}
		}
	}
}
