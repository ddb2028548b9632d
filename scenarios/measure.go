package scenarios

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// measurement is what a metric is computed from: a record, the entity that its
// data is filed under, and a window, rounded to whole bins.
type measurement struct {
	record *record.Record
	entity string
	// entities are those of a metric of several flows.
	entities []string
	// breaker is the name of one that watches, or empty.
	breaker string
	window  Interval
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

// least is the least value of a series.
func least(series string) func(measurement) float64 {
	return func(m measurement) float64 {
		low := math.NaN()
		for _, v := range m.values(series) {
			if !math.IsNaN(v) && !(v >= low) {
				low = v
			}
		}
		return low
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

// frequency is the sum of a series of numbers divided by the time it covers.
func frequency(series string) func(measurement) float64 {
	return func(m measurement) float64 {
		s := m.record.Find(m.entity, series)
		if s == nil || s.Step <= 0 {
			return math.NaN()
		}
		return mean(series)(m) / s.Step.Seconds()
	}
}

// residual is the share of packets sent that were lost and didn't come after all
// (RFC 8868 §3, item 6).
func residual(m measurement) float64 {
	sent, lost, restored := total(record.SentPackets)(m), total(record.LostPackets)(m), total(record.Restored)(m)
	if !(sent > 0) {
		return math.NaN()
	}
	if math.IsNaN(restored) {
		restored = 0 // there is no repair
	}
	return max(lost-restored, 0) / sent
}

// several computes something from the mean rates at the receivers of several
// flows.
func several(f func(rates []float64) float64) func(measurement) float64 {
	return func(m measurement) float64 {
		var rates []float64
		for _, e := range m.entities {
			m.entity = e
			r := mean(record.ReceiveRate)(m)
			if math.IsNaN(r) {
				return r
			}
			rates = append(rates, r)
		}
		if len(rates) == 0 {
			return math.NaN()
		}
		return f(rates)
	}
}

// pooled is the sum of one series over the sum of another, over several entities.
func pooled(above, below string) func(measurement) float64 {
	return func(m measurement) float64 {
		var a, b float64
		for _, e := range m.entities {
			m.entity = e
			if x := total(above)(m); !math.IsNaN(x) {
				a += x
			}
			if x := total(below)(m); !math.IsNaN(x) {
				b += x
			}
		}
		if b <= 0 {
			return math.NaN()
		}
		return a / b
	}
}

// jain is the index of Jain, Chiu and Hawe (1984): (Σx)² / (n·Σx²).
func jain(x []float64) float64 {
	total, squares := 0.0, 0.0
	for _, v := range x {
		total += v
		squares += float64(v * v)
	}
	return float64(total*total) / float64(float64(len(x))*squares)
}

func spread(x []float64) float64 { return slices.Max(x) / slices.Min(x) }

func firstToOthers(x []float64) float64 {
	return x[0] * float64(len(x)-1) / sum(x[1:])
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
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
