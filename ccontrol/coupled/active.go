package coupled

import (
	"time"

	"rtpfabric/sim/simtime"
)

// conservative is step (a) of §5.3.2: a flow that sees congestion lowers the rates of all
// in proportion, and then nobody's rate changes for two of its round-trip times.
func (g *group) conservative(now simtime.Time, f *Flow, ccR float64, rtt time.Duration) {
	if now < g.timer {
		return
	}
	delta := ccR - f.FSER
	if delta < 0 {
		g.sCR = g.sCR * ccR / f.FSER
		g.timer = now.Add(2 * max(rtt, 0))
		return
	}
	g.sCR += delta
}

// floor is what the flows need at least.
func (g *group) floor() float64 {
	sum := 0.0
	for _, i := range g.flows {
		sum += i.Min
	}
	return sum
}

// bound keeps S_CR where rates can follow.
//
// Deviation (RFC 8699 §5.3.1): the RFC bounds it by nothing. A controller that keeps to
// a least rate would raise S_CR with every UPDATE once its part is lower; and when all
// have what they desire S_CR would grow as long as controllers ask for more, to a sum
// that no later decrease brings down in time.
func (g *group) bound() {
	lo, hi := 0.0, 0.0
	for _, i := range g.flows {
		lo += i.Min
		hi += max(i.DR, i.Min)
	}
	g.sCR = clamp(g.sCR, lo, hi)
}

// distribute is steps (b) and (c): S_CR goes to the flows by priority, and to none more than
// it desires.
//
// Deviation (RFC 8699 §5.3.1): none gets less than its least rate either. Whoever would is
// given that, and the rest is distributed anew.
func (g *group) distribute() {
	for _, i := range g.flows {
		i.fixed = false
	}
	for again := true; again; {
		again = false
		g.share()
		for _, i := range g.flows {
			if !i.fixed && i.FSER < i.Min {
				i.fixed, again = true, true
			}
		}
	}
}

// share is the RFC's loop. It ends when a pass gives nobody all that it desires, which is
// when TLO-AR is 0 but for rounding. S_P is summed up anew in each pass: what remains of a
// sum after subtraction is mostly error where priorities differ by far.
func (g *group) share() {
	tlo := g.sCR
	for _, i := range g.flows {
		i.FSER = 0
		if i.fixed {
			i.FSER = i.Min
			tlo -= i.Min
		}
	}
	tlo = max(tlo, 0)
	for again := true; again; {
		again = false
		sP := g.prioritiesLeft()
		for _, i := range g.flows {
			if i.fixed || i.FSER >= i.DR {
				continue
			}
			part := tlo * i.P / sP
			if part < i.DR {
				i.FSER = part
				continue
			}
			tlo -= i.DR
			sP -= i.P
			i.FSER, again = i.DR, true
		}
	}
}

// prioritiesLeft is S_P of the flows that don't have what they get yet.
func (g *group) prioritiesLeft() float64 {
	sP := 0.0
	for _, i := range g.flows {
		if !i.fixed && i.FSER < i.DR {
			sP += i.P
		}
	}
	return sP
}
