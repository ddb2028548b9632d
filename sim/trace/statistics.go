package trace

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rtpfabric/sim/units"
)

// Statistics describe one pass of a trace's rate in bins of equal length.
type Statistics struct {
	Bin        time.Duration
	Mean       units.BitRate
	CV         float64 // standard deviation over mean
	Min, P5    units.BitRate
	P95, Max   units.BitRate
	Coherence  time.Duration // first lag at which the autocorrelation is below 1/e; 0 if the rate is constant
	ZeroShare  float64       // of the bins without any capacity
	LongestGap time.Duration // without any capacity, within the pass
	Gaps       int           // number of such stretches
}

// Bins returns the mean rate in bins of equal length over one pass. What is left
// of the pass after the last whole bin is not in it.
func (t *Trace) Bins(bin time.Duration) ([]units.BitRate, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	if bin <= 0 || bin > t.Length || t.Length/bin > MaxOpportunities {
		return nil, fmt.Errorf("bin: %v is out of range: write at most %v, and enough for %d bins", bin, t.Length, MaxOpportunities)
	}
	sums := make([]float64, t.Length/bin) // bits
	var rate units.BitRate
	for i := range t.Steps {
		if r := t.Steps[i].Rate; r != nil {
			rate = *r
		}
		for at, end := t.Steps[i].At, t.end(i); at < end; {
			n := int(at / bin)
			if n >= len(sums) {
				break
			}
			next := min(end, time.Duration(n+1)*bin)
			sums[n] += float64(float64(rate) * (next - at).Seconds())
			at = next
		}
	}
	rates := make([]units.BitRate, len(sums))
	for i, bits := range sums {
		rates[i] = units.BitRate(math.Round(bits / bin.Seconds()))
	}
	return rates, nil
}

// Measure describes one pass of the trace. Use at least a hundred bins.
func (t *Trace) Measure(bin time.Duration) (Statistics, error) {
	rates, err := t.Bins(bin)
	if err != nil {
		return Statistics{}, err
	}
	n := len(rates)
	s := Statistics{Bin: bin}
	var sum float64
	gap := time.Duration(0)
	for _, r := range rates {
		sum += float64(r)
		if r > 0 {
			gap = 0
			continue
		}
		if gap == 0 {
			s.Gaps++
		}
		gap += bin
		s.LongestGap = max(s.LongestGap, gap)
		s.ZeroShare += 1 / float64(n)
	}
	mean := sum / float64(n)
	s.Mean = units.BitRate(math.Round(mean))
	deviations := make([]float64, n)
	var square float64
	for i, r := range rates {
		deviations[i] = float64(r) - mean
		square += float64(deviations[i] * deviations[i])
	}
	if mean > 0 {
		s.CV = math.Sqrt(square/float64(n)) / mean
	}
	s.Coherence = bin * time.Duration(coherence(deviations, square))
	slices.Sort(rates)
	s.Min, s.P5, s.P95, s.Max = rates[0], rates[n/20], rates[n-1-n/20], rates[n-1]
	return s, nil
}

// coherence returns the first lag at which the autocorrelation is below 1/e.
func coherence(deviations []float64, square float64) int {
	for lag := 1; square > 0 && lag < len(deviations); lag++ {
		var sum float64
		for i := range deviations[lag:] {
			sum += float64(deviations[i] * deviations[i+lag])
		}
		if sum < square/math.E {
			return lag
		}
	}
	return 0
}
