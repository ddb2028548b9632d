package encoder

import (
	"math"
	"time"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// SyntheticTrace describes a trace that no encoder made. Zero values stand for
// defaults.
type SyntheticTrace struct {
	// FPS is the frame rate: 30. Length is that of the video: 3 minutes, of the 2
	// to 4 that RFC 8593 §6.1 recommends.
	FPS    float64
	Length time.Duration
	// Min and Max are the lowest and the highest rate, 200 kbit/s and 2 Mbit/s, and
	// Step is what lies between two: 200 kbit/s.
	Min, Max, Step units.BitRate
	// KeySize is the size of the first frame as a multiple of the mean: 4.
	KeySize float64
	// Activity is the standard deviation of the logarithm of frame sizes that comes
	// from what the video shows, the same at all rates, and Noise that of each
	// frame by itself: 0.2 and 0.1.
	Activity, Noise float64
}

// skipped is SkipFrames: its "typical value" (RFC 8593 §6.2.1). The frames after the
// key frame among them make up for its size.
const skipped = 20

func (s SyntheticTrace) withDefaults() SyntheticTrace {
	for _, d := range []struct {
		value    *float64
		fallback float64
	}{{&s.FPS, 30}, {&s.KeySize, 4}, {&s.Activity, 0.2}, {&s.Noise, 0.1}} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	for _, d := range []struct {
		value    *units.BitRate
		fallback units.BitRate
	}{{&s.Min, 200 * units.Kbps}, {&s.Max, 2 * units.Mbps}, {&s.Step, 200 * units.Kbps}} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	if s.Length <= 0 {
		s.Length = 3 * time.Minute
	}
	return s
}

// Synthesize makes a trace: a walk of what the video shows, which all rates follow, with
// noise of their own. At each rate the mean after the start is exactly the rate, but for
// rounding.
func Synthesize(s SyntheticTrace, random *rng.Stream) (*Trace, error) {
	s = s.withDefaults()
	t := &Trace{FPS: s.FPS, Skip: skipped}
	n := int(float64(s.FPS * s.Length.Seconds()))
	content := walk(n, s.Activity, random)
	for rate := s.Min; rate <= s.Max; rate += s.Step {
		width, height := resolutionAt(rate)
		r := Rung{Rate: rate, Width: width, Height: height, Sizes: make([]units.Bytes, n)}
		r.fill(s, content, random)
		t.Rungs = append(t.Rungs, r)
	}
	return t, t.Check()
}

// walk returns a sequence of normal numbers that are correlated over about a second.
func walk(n int, deviation float64, random *rng.Stream) []float64 {
	const persistence = 0.97
	innovation := math.Sqrt(1 - persistence*persistence)
	x, out := random.Normal(), make([]float64, n)
	for i := range out {
		out[i] = float64(deviation * x)
		x = float64(persistence*x) + float64(innovation*random.Normal())
	}
	return out
}

// fill draws the sizes and scales them.
func (r *Rung) fill(s SyntheticTrace, content []float64, random *rng.Stream) {
	shapes, total := make([]float64, len(content)), 0.0
	for i, c := range content {
		shapes[i] = detmath.Exp(c + float64(s.Noise*random.Normal()))
		if i >= skipped {
			total += shapes[i]
		}
	}
	mean := float64(r.Rate) / 8 / s.FPS
	scale := mean / (total / float64(max(len(content)-skipped, 1)))
	rest := max((skipped-s.KeySize)/(skipped-1), 0.05)
	carry := 0.0
	for i, shape := range shapes {
		exact := float64(shape*scale) + carry
		switch {
		case i == 0:
			exact = float64(s.KeySize * mean)
		case i < skipped:
			exact = float64(rest * mean)
		}
		size := max(math.Floor(exact), 1)
		if i >= skipped {
			carry = exact - size
		}
		r.Sizes[i] = min(units.Bytes(size), largest)
	}
}

// resolutionAt returns a usual resolution for a rate.
func resolutionAt(rate units.BitRate) (width, height int) {
	switch {
	case rate < 400*units.Kbps:
		return 640, 360
	case rate < 1200*units.Kbps:
		return 960, 540
	case rate < 3*units.Mbps:
		return 1280, 720
	default:
		return 1920, 1080
	}
}
