package playout

import "time"

// bucket is the resolution of the histogram.
const bucket = 5 * time.Millisecond

// histogram is the distribution of relative delays, in which a packet counts less with
// each that follows. Instead of making all others lighter, each one is made heavier
// than the one before.
type histogram struct {
	weights  []float64
	total    float64
	weight   float64 // of the next packet
	packets  int     // so far, up to enough
	growth   float64
	quantile float64
	start    time.Duration
}

// heaviest is when weights are brought back to where they began.
const heaviest = 1e12

func newHistogram(c AdaptiveConfig) histogram {
	return histogram{
		weights: make([]float64, c.Max/bucket+1), weight: 1, growth: 1 / (1 - c.Forget), quantile: c.Quantile, start: c.Start,
	}
}

// add notes a packet. Delays beyond the largest count as that.
func (h *histogram) add(d time.Duration) {
	i := min(max(int(d/bucket), 0), len(h.weights)-1)
	h.packets = min(h.packets+1, enough)
	h.weights[i] += h.weight
	h.total += h.weight
	h.weight = float64(h.weight * h.growth)
	if h.weight < heaviest {
		return
	}
	h.total = 0
	for i := range h.weights {
		h.weights[i] = float64(h.weights[i] / heaviest)
		h.total += h.weights[i]
	}
	h.weight = float64(h.weight / heaviest)
}

// enough is how many packets make a quantile worth more than a guess.
const enough = 10

// target returns the least delay with which the quantile of the packets is in time. At
// first it isn't less than the guess.
func (h *histogram) target() time.Duration {
	share := float64((1 - h.quantile) * h.total)
	i := len(h.weights) - 1
	for late := 0.0; i > 0; i-- {
		late += h.weights[i]
		if late > share {
			break
		}
	}
	d := time.Duration(i+1) * bucket
	if h.packets < enough {
		return max(d, h.start)
	}
	return d
}
