package runner

import (
	"rtpfabric/scenarios"
	"rtpfabric/sim/aqm"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/impair"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// impairment adds an impairment to a direction of a link. Its stream of random
// numbers is called after its place among them, counted from 1.
func impairment(i *scenarios.Impairment, to *topologies.Direction) {
	n := len(to.Impairments) + len(to.Reordering) + 1
	if i.Type == "reordering" {
		p, delay := float64(*i.Probability), *i.Delay
		to.Reordering = append(to.Reordering, func(env *topologies.Env, inner fabric.Jitter) fabric.Jitter {
			return &impair.Reordering{P: p, Delay: delay, Random: env.Stream(numbered("reordering", n)), Inner: inner}
		})
		return
	}
	to.Impairments = append(to.Impairments, func(env *topologies.Env) fabric.Impairment {
		random := env.Stream(numbered(i.Type, n))
		switch i.Type {
		case "gilbert-elliott":
			return &impair.GilbertElliott{
				GoodToBad: float64(*i.GoodToBad), BadToGood: float64(*i.BadToGood),
				LossGood: float64(*i.LossGood), LossBad: float64(*i.LossBad), Random: random,
			}
		case "positions":
			var positions []uint64
			for _, p := range i.Packets {
				positions = append(positions, uint64(p))
			}
			return impair.NewPositionLoss(positions)
		case "outage":
			var windows []impair.Window
			for _, w := range i.During {
				windows = append(windows, impair.Window{From: simtime.At(w.From), To: simtime.At(w.To)})
			}
			return impair.NewOutage(windows)
		case "size-loss":
			return &impair.SizeLoss{P: float64(*i.Probability), Fragment: *i.Fragment, Random: random}
		case "corruption":
			return &impair.Corruption{P: float64(*i.Probability), Random: random}
		case "duplication":
			return &impair.Duplication{P: float64(*i.Probability), Random: random}
		case "policer":
			return aqm.NewPolicer(aqm.PolicerConfig{Rate: *i.Rate, Burst: *i.Burst})
		}
		return &fabric.IndependentLoss{P: float64(*i.Probability), Random: random} // loss
	})
}
