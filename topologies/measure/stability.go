package measure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// oscillations counts how often a rate swings between a high and a low
// watermark within 500 ms, in either direction (RFC 8868 §3, item 9). As in
// the RFC's example the watermarks are a factor of four apart; they lie around
// the median.
func oscillations(rate []float64) int {
	if len(rate) == 0 {
		return 0
	}
	sorted := slices.Clone(rate)
	slices.Sort(sorted)
	median := stat.Quantile(0.5, stat.Empirical, sorted, nil)
	low, high := median/2, median*2
	const window = 3 // bins of 200 ms: two bins at most 500 ms apart
	count, last, at := 0, 0, 0
	for i, v := range rate {
		state := 0
		switch {
		case v >= high:
			state = 1
		case v <= low:
			state = -1
		default:
			continue
		}
		if state == -last && i-at < window {
			count++
		}
		last, at = state, i
	}
	return count
}

// stableBand is how close to its later mean a rate has to stay to count as
// stable, and stableBins the window of one second over which it is averaged.
const (
	stableBand = 0.15
	stableBins = 5
)

// convergence puts, for each stretch of constant capacity, how long the link's
// throughput took to reach a stable rate (RFC 8868 §3, item 8): the time until
// its mean over a second stays within 15 % of its mean over the second half of
// the stretch. A stretch without a stable rate has none.
func (s *summary) convergence(l *linkMeter) {
	capacity, rate := l.capacity.series.Values, l.throughput.Values
	for from := 0; from < len(capacity); {
		to := from + 1
		for to < len(capacity) && capacity[to] == capacity[from] {
			to++
		}
		if to-from >= 2*stableBins {
			if n, ok := settle(rate[from:to]); ok {
				name := fmt.Sprintf("convergence-time after %v", Step*timeOf(from))
				s.put(l.link.Name, name, "total", ms(Step*timeOf(n)), "ms")
			}
		}
		from = to
	}
}

// settle returns the first bin from which the mean over a second stays in the
// band.
func settle(rate []float64) (int, bool) {
	goal := stat.Mean(rate[len(rate)/2:], nil)
	settled := len(rate)
	for i := len(rate) - stableBins; i >= 0; i-- {
		if math.Abs(stat.Mean(rate[i:i+stableBins], nil)-goal) > stableBand*goal {
			break
		}
		settled = i
	}
	return settled, settled+stableBins < len(rate)
}
