package tfrc

import "math"

// throughput is the equation of §3.1 in octets per second, with t_RTO = 4·R and b = 1:
// what TCP sends in segments of s octets over a round-trip time of r seconds at a loss
// event rate p above 0.
func throughput(s, r, p float64) float64 { return s / (r * f(p)) }

// f is f(p) of §8.1.
func f(p float64) float64 {
	rare := math.Sqrt(2 * p / 3)
	timeouts := 12 * math.Sqrt(3*p/8) * p * (1 + float64(32*p*p))
	return rare + timeouts
}

// inverse returns the loss event rate at which the equation gives x octets per second,
// at most 1. The equation falls as p grows, so that halving finds it; §6.3.1 is content
// with 5 %.
func inverse(s, r, x float64) float64 {
	low, high := 1e-8, 1.0
	for range 60 {
		middle := math.Sqrt(low * high) // orders of magnitude count
		if throughput(s, r, middle) > x {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
