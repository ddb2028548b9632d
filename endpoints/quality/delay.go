package quality

import (
	"math"
	"time"

	"rtpfabric/sim/detmath"
)

const (
	// defaultEchoLoss is TELR of G.107 Table 2, listenerEchoLoss WEPL.
	defaultEchoLoss  = 65.0
	listenerEchoLoss = 110.0
)

// DelayImpairment returns Id: what delay spoils, by the echo of one's own voice, by
// the echo of the other's, and by being too long for a conversation (G.107 §7.4).
func (c Call) DelayImpairment() float64 {
	ms := max(float64(c.Delay)/float64(time.Millisecond), 0)
	telr := c.EchoLoss
	if telr <= 0 {
		telr = defaultEchoLoss
	}
	return talkerEcho(ms, telr) + listenerEcho(ms) + longDelay(ms)
}

// talkerEcho is Idte for a one-way delay of the echo path in milliseconds. The
// sidetone is the default one, which needs no correction.
//
// Deviation (G.107 §7.4): it isn't less than 0, which the formula gives for a very
// faint echo of a few milliseconds.
func talkerEcho(ms, telr float64) float64 {
	if ms < 1 {
		return 0
	}
	terv := telr - float64(40*log10((1+ms/10)/(1+ms/150))) + float64(6*detmath.Exp(float64(-0.3*ms*ms)))
	re := 80 + float64(2.5*(terv-14))
	return max(float64(meet(basicRatio-re, 100, -1)*(1-detmath.Exp(-ms))), 0)
}

// listenerEcho is Idle; an echo that has gone round takes twice the delay.
func listenerEcho(ms float64) float64 {
	rle := float64(10.5 * (listenerEchoLoss + 7) * pow(2*ms+1, -0.25))
	return meet(basicRatio-rle, 169, 0)
}

// meet is a hyperbola that is near 0 for negative x and near x for positive.
func meet(x, bend, offset float64) float64 {
	return x/2 + math.Sqrt(float64(x*x)/4+bend) + offset
}

// longDelay is Idd, without any echo.
func longDelay(ms float64) float64 {
	if ms <= 100 {
		return 0
	}
	x := log10(ms/100) / log10(2)
	root := func(x float64) float64 { return pow(1+pow(x, 6), 1.0/6) }
	return float64(25 * (root(x) - float64(3*root(x/3)) + 2))
}
