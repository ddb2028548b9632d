package trace

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Variation is one component of a capacity's changes: a log-normal factor with
// mean 1 whose logarithm is a first-order autoregressive process.
type Variation struct {
	// CV is the coefficient of variation, standard deviation over mean; 0 is no
	// variation, at most 3.
	CV float64
	// Coherence is the time in which the autocorrelation of the logarithm falls
	// to 1/e.
	Coherence time.Duration
}

func (v Variation) check(name string) error {
	if !(v.CV >= 0 && v.CV <= 3) {
		return fmt.Errorf("%s: cv: %v is out of range: write 0 to 3", name, v.CV)
	}
	if v.CV > 0 && (v.Coherence <= 0 || v.Coherence > MaxLength) {
		return fmt.Errorf("%s: coherence: %v is out of range: write more than 0 and at most %v", name, v.Coherence, MaxLength)
	}
	return nil
}

// logWalk is a running variation.
type logWalk struct {
	sigma  float64 // standard deviation of the logarithm
	keep   float64 // correlation of one step with the next
	noise  float64 // standard deviation of what is new in a step
	x      float64 // the logarithm, before the mean's correction
	random *rng.Stream
}

// walk starts a variation in its stationary distribution.
func (v Variation) walk(interval time.Duration, r *rng.Stream) *logWalk {
	if v.CV == 0 {
		return &logWalk{}
	}
	w := &logWalk{random: r}
	w.sigma = math.Sqrt(detmath.Log(1 + float64(v.CV*v.CV)))
	w.keep = detmath.Exp(-float64(interval) / float64(v.Coherence))
	w.noise = float64(w.sigma * math.Sqrt(1-float64(w.keep*w.keep)))
	w.x = float64(w.sigma * r.Normal())
	return w
}

// next returns the factor of a step.
func (w *logWalk) next() float64 {
	if w.random == nil {
		return 1
	}
	factor := detmath.Exp(w.x - float64(w.sigma*w.sigma)/2)
	w.x = float64(w.keep*w.x) + float64(w.noise*w.random.Normal())
	return factor
}

// Walk is a bounded random walk of the rate in the logarithm, which returns to
// its mean.
type Walk struct {
	// Mean is the mean rate before the bounds cut.
	Mean units.BitRate
	// Min and Max bound the rate; a step beyond stays at the bound.
	Min, Max units.BitRate
	Variation
	// Interval is the length of a step; 0 means 100 ms.
	Interval time.Duration
}

// Generate draws a repeating trace of the given length, rounded up to whole
// steps.
func (w Walk) Generate(length time.Duration, r *rng.Stream) (Trace, error) {
	g := Radio{
		Interval: w.Interval, Mean: w.Mean, Min: w.Min, Max: w.Max, Slow: w.Variation,
	}
	return g.Generate(length, r)
}
