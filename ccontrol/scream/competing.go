package scream

import "math"

const (
	normHistory = 200 // samples for the variance
	normRecent  = 50  // samples for the average
)

// targetDelay is qdelay_target and its adaption to flows that fill queues until
// packets are lost (RFC 8298 §4.1.2.3, rfc8298bis §4.5.4). Times are in seconds.
//
// The RFC's list of variables gives the history 100 elements, its pseudocode takes 200; so
// does this. It is sampled every 50 ms, as qdelay_fraction_hist is; the RFC doesn't say.
type targetDelay struct {
	lo, hi  float64 // QDELAY_TARGET_LO and _HI
	adapt   bool
	target  float64
	history [normHistory]float64
	next    int
}

// sample is adjust_qdelay_target.
func (t *targetDelay) sample(qdelay, lossEventRate float64) {
	t.history[t.next] = qdelay / t.lo
	t.next = (t.next + 1) % normHistory
	if !t.adapt {
		return
	}
	variance, average := t.variance(), t.average()
	limit := float64((average + math.Sqrt(variance)) * t.lo) // new_target
	switch {
	case lossEventRate > 0.002:
		t.target = 1.5 * limit
	case variance < 0.2:
		t.target = limit
	case limit < t.lo:
		t.target = max(t.target*0.5, limit)
	default:
		t.target *= 0.9
	}
	t.target = clamp(t.target, t.lo, t.hi)
}

func (t *targetDelay) variance() float64 {
	var sum, squares float64
	for _, x := range t.history {
		sum += x
	}
	mean := sum / normHistory
	for _, x := range t.history {
		d := x - mean
		squares += float64(d * d)
	}
	return squares / normHistory
}

func (t *targetDelay) average() float64 {
	var sum float64
	for i := range normRecent {
		sum += t.history[(t.next+normHistory-1-i)%normHistory]
	}
	return sum / normRecent
}
