package audio

import (
	"math"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/detmath"
)

// pitch is the period of the synthetic voice in samples: 100 Hz at 8 kHz, so that
// frames of 10 ms hold whole periods and their power is exact.
const pitch = 80

// overload is the amplitude of the square wave that is 0 dBov, on the scale of 16
// bits: ±8031 on the scale of µ-law (RFC 3389 §3.1, RFC 6464 §3).
const overload = 4 * 8031

// voice is one period of the synthetic voice, of power 1: a few harmonics around
// where vowels have their formants.
var voice = func() (v [pitch]float64) {
	total := 0.0
	for i := range v {
		for _, h := range []struct{ number, weight float64 }{{1, 0.6}, {2, 0.8}, {5, 1}, {6, 0.7}, {15, 0.4}, {25, 0.2}} {
			v[i] += float64(h.weight * bow(float64(h.number*float64(i))/pitch))
		}
		total += float64(v[i] * v[i])
	}
	scale := 1 / math.Sqrt(total/pitch)
	for i := range v {
		v[i] = float64(v[i] * scale)
	}
	return v
}()

// bow looks like a sine of period 1 but is made of parabolas, which are the same on
// every machine.
func bow(x float64) float64 {
	x -= math.Floor(x)
	if x < 0.5 {
		return float64(16 * x * (0.5 - x))
	}
	x -= 0.5
	return float64(-16 * x * (0.5 - x))
}

// waveform makes samples of a given power.
type waveform struct {
	at    int    // place within the period
	hiss  uint32 // state of the noise: xorshift
	phase uint32 // of a tone that takes the place of the voice, in 2⁻³² turns
	step  uint32 // by which that goes on with each sample; 0 is no tone
}

// next returns a sample of power 1 of the voice, or of the tone.
func (w *waveform) next() float64 {
	if w.step != 0 {
		w.phase += w.step
		return float64(math.Sqrt2 * detmath.Sine(float64(w.phase)*0x1p-32))
	}
	v := voice[w.at]
	if w.at++; w.at == pitch {
		w.at = 0
	}
	return v
}

// fill makes samples of speech and noise of the given powers.
func (w *waveform) fill(samples []int16, speech, noise float64) {
	// Uniform noise in [-1, 1) has a power of 1/3.
	s, n := overload*math.Sqrt(speech), overload*math.Sqrt(3*noise)
	for i := range samples {
		u := xorshift(&w.hiss)
		samples[i] = clip(float64(s*w.next()) + float64(n*u))
	}
}

// Measure returns the level of samples of 16 bits as RFC 6464 §3 has it: 0 to 127
// for 0 to -127 dBov, of their root mean square.
func Measure(samples []int16) uint8 {
	total := int64(0)
	for _, s := range samples {
		total += int64(s) * int64(s)
	}
	return headerext.LevelOf(math.Sqrt(float64(total)/float64(len(samples))) / overload)
}
