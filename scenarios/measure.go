package scenarios

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// measurement is what a metric is computed from: a record, the entity that its
// data is filed under, and a window, rounded to whole bins.
type measurement struct {
	record *record.Record
	entity string
	window Interval
}

// values returns the bins of a series in the window.
func (m measurement) values(name string) []float64 {
	s := m.record.Find(m.entity, name)
	if s == nil || s.Step <= 0 {
		return nil
	}
	bin := func(t time.Duration) int {
		return min(int((t+s.Step/2)/s.Step), len(s.Values))
	}
	return s.Values[bin(m.window.From):bin(m.window.To)]
}

// mean is the mean of a series over the bins that have a value.
func mean(series string) func(measurement) float64 {
	return func(m measurement) float64 {
		sum, n := 0.0, 0
		for _, v := range m.values(series) {
			if !math.IsNaN(v) {
				sum += v
				n++
			}
		}
		return sum / float64(n) // NaN if n is 0
	}
}

// total is the sum of a series over the bins that have a value.
func total(series string) func(measurement) float64 {
	return func(m measurement) float64 {
		sum, n := 0.0, 0
		for _, v := range m.values(series) {
			if !math.IsNaN(v) {
				sum += v
				n++
			}
		}
		if n == 0 {
			return math.NaN()
		}
		return sum
	}
}

// quotient is the sum of one series over the sum of another, over the bins in
// which both have a value.
func quotient(above, below string) func(measurement) float64 {
	return func(m measurement) float64 {
		a, b := m.values(above), m.values(below)
		if sa, sb := m.record.Find(m.entity, above), m.record.Find(m.entity, below); sa == nil || sb == nil || sa.Step != sb.Step {
			return math.NaN()
		}
		var sumA, sumB float64
		for i := range min(len(a), len(b)) {
			if !math.IsNaN(a[i]) && !math.IsNaN(b[i]) {
				sumA += a[i]
				sumB += b[i]
			}
		}
		if sumB <= 0 {
			return math.NaN()
		}
		return sumA / sumB
	}
}

// sample is a statistic of a distribution, see [statistic].
func sample(distribution string, percentile int) func(measurement) float64 {
	return func(m measurement) float64 {
		d := m.record.Distribution(m.entity, distribution)
		if d == nil {
			return math.NaN()
		}
		w := d.Window(simtime.At(m.window.From), simtime.At(m.window.To))
		if percentile == 0 {
			return w.Mean()
		}
		return w.Quantile(float64(percentile) / 100)
	}
}

// statistic names a percentile; 0 is the mean and 100 the maximum.
func statistic(percentile int) (suffix, what string) {
	switch percentile {
	case 0:
		return "mean", "mean"
	case 50:
		return "p50", "median"
	case 100:
		return "max", "maximum"
	}
	return fmt.Sprintf("p%02d", percentile), fmt.Sprintf("%d %% quantile", percentile)
}
