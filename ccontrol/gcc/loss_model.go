package gcc

import (
	"rtpfabric/sim/detmath"
)

// The likelihood model of libwebrtc's LossBasedBweV2
// (goog_cc/loss_based_bwe_v2.cc, CreateConfig).
const (
	leastProbability    = 1e-6
	newtonStep          = 0.75
	biasPerRate         = 0.0002 // HigherBwBiasFactor, per kbit/s
	biasPerLogRate      = 0.02   // HigherLogBwBiasFactor
	biasLossThreshold   = 0.2    // LossThresholdOfHighBandwidthPreference
	biasSmoothing       = 0.002  // BandwidthPreferenceSmoothingFactor
	inherentLeast       = 1e-3
	inherentOffset      = 0.05
	inherentBalance     = 100_000 // bit/s
	firstInherentLoss   = 0.01
	instantBoundBalance = 100_000 // bit/s
	instantBoundOffset  = 0.05
	bytesPerKB          = 1000
)

// channel is a hypothesis about the path: it loses a part of the packets
// whatever the rate, and what exceeds a bandwidth.
type channel struct {
	inherent  float64
	bandwidth float64 // bit/s
}

// lossProbability is that of a byte sent at the given rate.
func (c channel) lossProbability(rate float64) float64 {
	p := c.inherent
	if rate > c.bandwidth {
		p += float64((1-c.inherent)*(rate-c.bandwidth)) / rate
	}
	return min(max(p, leastProbability), 1-leastProbability)
}

// feasible bounds the inherent loss: the more, the less bandwidth there is.
func (c channel) feasible() float64 {
	most := 1.0
	if c.bandwidth > 0 {
		most = min(inherentOffset+inherentBalance/c.bandwidth, 1)
	}
	return min(max(c.inherent, inherentLeast), most)
}

// newton moves the inherent loss one step of Newton's method towards the most
// likely.
func (c *channel) newton(seen []observation) {
	var first, second float64
	for i := range seen {
		o := &seen[i]
		p := c.lossProbability(o.rate)
		lost := o.weight * o.lost / bytesPerKB / p
		received := o.weight * (o.bytes - o.lost) / bytesPerKB / (1 - p)
		first += lost - received
		second -= lost/p + received/(1-p)
	}
	if second >= 0 {
		second = -leastProbability // nothing was observed
	}
	c.inherent -= newtonStep * first / second
	c.inherent = c.feasible()
}

// objective is the logarithm of the likelihood of what was observed, with a
// preference for bandwidth while losses are few.
func (c channel) objective(seen []observation, averageLoss float64) float64 {
	bias := c.bias(averageLoss)
	calm := logs(c.lossProbability(0)) // of whatever didn't exceed the bandwidth
	sum := 0.0
	for i := range seen {
		o := &seen[i]
		l := calm
		if o.rate > c.bandwidth {
			l = logs(c.lossProbability(o.rate))
		}
		likelihood := float64(o.lost*l.lost) + float64((o.bytes-o.lost)*l.received) + float64(o.bytes*bias)
		sum += float64(o.weight*likelihood) / bytesPerKB
	}
	return sum
}

// logPair are the logarithms of the probabilities of loss and arrival.
type logPair struct{ lost, received float64 }

func logs(p float64) logPair { return logPair{detmath.Log(p), detmath.Log(1 - p)} }

// bias prefers more bandwidth below a loss of 20 %, and less above.
func (c channel) bias(averageLoss float64) float64 {
	off := biasLossThreshold - averageLoss
	sign := off / (biasSmoothing + max(off, -off))
	kbps := c.bandwidth / 1000
	return sign * (float64(biasPerRate*kbps) + float64(biasPerLogRate*detmath.Log(1+kbps)))
}
