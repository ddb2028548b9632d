package impair

import (
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// GilbertElliott is the model of Gilbert (1960) and Elliott (1963): a Markov
// chain of a good and a bad state, which moves with every packet, and a
// probability of loss in each. It begins in the good state. With LossGood 0 it
// is Gilbert's model, with LossBad 1 as well the simple one of two parameters.
//
// In the long run the bad state holds the share
// GoodToBad/(GoodToBad+BadToGood) of packets, for 1/BadToGood packets at a time.
type GilbertElliott struct {
	GoodToBad, BadToGood float64 // p and r, 0 to 1
	LossGood, LossBad    float64 // 1−k and 1−h, 0 to 1
	Random               *rng.Stream

	bad bool
}

// Impair moves the chain, and then draws for the state it is in.
func (g *GilbertElliott) Impair(simtime.Time, *packet.Packet) fabric.Fate {
	move := g.Random.Float64()
	if g.bad {
		g.bad = move >= g.BadToGood
	} else {
		g.bad = move < g.GoodToBad
	}
	p := g.LossGood
	if g.bad {
		p = g.LossBad
	}
	if g.Random.Bool(p) {
		return fabric.Lose
	}
	return fabric.Pass
}

// MeanLoss returns the share of packets lost in the long run.
func (g *GilbertElliott) MeanLoss() float64 {
	bad := g.GoodToBad / (g.GoodToBad + g.BadToGood)
	return float64(bad*g.LossBad) + float64((1-bad)*g.LossGood)
}
