package scream

import (
	"time"

	"rtpfabric/sim/simtime"
)

const (
	fractionSamples = 20
	// samplePeriod is how often the queuing delay is sampled for trend and target (RFC 8298
	// §4.1.2). It is counted by arrivals, so that it doesn't depend on how often reports come.
	samplePeriod = 50 * time.Millisecond
)

// trend is what update_variables of RFC 8298 §4.1.2 keeps.
type trend struct {
	weight  float64 // QDELAY_WEIGHT
	average float64 // qdelay_fraction_avg
	history [fractionSamples]float64
	next    int
	trend   float64 // qdelay_trend
	memory  float64 // qdelay_trend_mem
}

func (t *trend) sample(fraction float64) {
	t.average = float64((1-t.weight)*t.average) + float64(t.weight*fraction)
	t.history[t.next] = fraction
	t.next = (t.next + 1) % fractionSamples
	t.trend = clamp(t.coefficient()*t.average, 0, 1)
	t.memory = max(0.99*t.memory, t.trend)
}

// coefficient is a_t, the autocorrelation at lag 1. It is 0 where all samples are equal but for
// rounding.
func (t *trend) coefficient() float64 {
	var sum, lag0, lag1 float64
	for _, x := range t.history {
		sum += x
	}
	mean := sum / fractionSamples
	for i := range fractionSamples {
		x := t.history[(t.next+i)%fractionSamples] - mean
		lag0 += float64(x * x)
		if i > 0 {
			lag1 += float64(x * (t.history[(t.next+i-1)%fractionSamples] - mean))
		}
	}
	if lag0 < 1e-12 {
		return 0
	}
	return lag1 / lag0
}

// sampler tells when a sample is due.
type sampler struct {
	last    simtime.Time // by the receiver's clock
	started bool
}

func (s *sampler) due(at simtime.Time, period time.Duration) bool {
	if s.started && at.Sub(s.last) < period {
		return false
	}
	s.started, s.last = true, at
	return true
}
