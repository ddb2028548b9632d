package fec

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Adaptive follows the situation of one stream. It protects more at once and less only
// after a while, so that a quiet second between two bursts doesn't take the protection
// away. Per receiver report: Update; per group of packets: Repairs.
type Adaptive struct {
	hold   time.Duration
	plan   Plan
	last   simtime.Time // when no less than the plan's overhead was wanted
	credit float64      // repair packets that are due
}

// DefaultHold is for how long protection stays after it was needed last.
const DefaultHold = 10 * time.Second

// NewAdaptive returns a policy that protects nothing yet.
func NewAdaptive(hold time.Duration) *Adaptive { return &Adaptive{hold: hold} }

// Update returns the plan for a situation, of which Current is filled in. Protection
// that is held stays within Share: if that falls, so does it at once. Importance and
// what else is about single frames is that of the packets that FEC is for, such as the
// base layer's (RFC 8854 §8).
func (a *Adaptive) Update(now simtime.Time, s Situation) Plan {
	s.Current = a.plan.Overhead
	p := Decide(s)
	if p.Overhead >= a.plan.Overhead {
		a.last = now
	} else if now.Sub(a.last) < a.hold && a.plan.Overhead <= s.Share && s.FEC {
		held := a.plan
		held.RTX, held.Refresh = p.RTX, false
		a.plan = held
		return held
	}
	a.plan = p
	return p
}

// Plan returns the plan that holds.
func (a *Adaptive) Plan() Plan { return a.plan }

// Overhead returns what FEC costs now, as part of the media's rate, which has to give
// way to it.
func (a *Adaptive) Overhead() units.Ratio { return a.plan.Overhead }

// Repairs returns how many repair packets a group of so many packets gets, such as
// those of a frame. What is less than a packet is saved up for later groups, one packet
// at most, so that the overhead is the plan's over time, and never more.
func (a *Adaptive) Repairs(packets int) int {
	if a.plan.Repairs == 0 {
		a.credit = 0
		return 0
	}
	a.credit += float64(float64(a.plan.Repairs)*float64(packets)) / float64(a.plan.Group)
	n := min(int(a.credit+1e-9), packets)
	a.credit = min(max(a.credit-float64(n), 0), 1)
	return n
}
