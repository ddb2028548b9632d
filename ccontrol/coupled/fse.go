// Package coupled is coupled congestion control for RTP media (RFC 8699): flows of one
// sender that share a bottleneck exchange their rates, so that together they behave
// like fewer flows, and have rates by their priorities. The names are the RFC's.
//
// [FSE] is the flow state exchange of §5.2 with the algorithms of §5.3.1, §5.3.2 and
// Appendix C. [Controller] is a flow: it stands around a controller and calls UPDATE.
// [Exchange] holds the flows of one sender and says which of them share a bottleneck.
package coupled

import (
	"math"
	"slices"
	"time"

	"rtpfabric/sim/simtime"
)

// Algorithm is how the FSE computes rates. All of its flows have the same (§5.3).
type Algorithm uint8

// The algorithms.
const (
	Active       Algorithm = iota // example algorithm 1, §5.3.1
	Conservative                  // example algorithm 2, §5.3.2
	Passive                       // Appendix C
)

// FGI identifies a flow group: flows that are limited by the same bottleneck.
type FGI uint32

// FSE is the flow state exchange. Rates are in bit/s. It belongs to one goroutine.
type FSE struct {
	algorithm Algorithm
	groups    []*group
	free      []*group
}

// group is a flow group (FG) and its static variables.
type group struct {
	fgi   FGI
	flows []*Flow
	sCR   float64      // S_CR, the sum of the calculated rates
	tlo   float64      // TLO of the passive algorithm
	timer simtime.Time // of the conservative algorithm
}

// Flow is what the FSE stores of a flow (§5.2).
type Flow struct {
	// P is the priority; -1 when a flow of the passive algorithm has stopped.
	P float64
	// FSER is the rate used by the flow, FSE_R.
	FSER float64
	// DR is the desired rate.
	DR float64
	// Min is a rate that the flow doesn't go below.
	Min float64
	// Max is the most that the flow can ever desire: new_DR of the passive algorithm.
	Max float64
	// assign hands the flow its new rate: "send FSE_R(i) to the flow i". It must not
	// call the FSE.
	assign func(now simtime.Time, fser float64)
	group  *group
	fixed  bool // at Min, while rates are distributed
}

// New returns an FSE without flows.
func New(a Algorithm) *FSE { return &FSE{algorithm: a} }

// Bounds of what the FSE believes. A flow that may send nothing would never get a rate
// again from step (a) of the conservative algorithm, which divides by FSE_R.
const (
	leastRate     = 1
	mostRate      = 1e12
	leastPriority = 1e-3
	mostPriority  = 1e6
)

// clamp bounds x; what isn't a number becomes lo.
func clamp(x, lo, hi float64) float64 {
	if !(x >= lo) {
		return lo
	}
	return min(x, hi)
}

// Register is step (1): a flow starts with its controller's initial rate, which S_CR grows
// by. A flow that is registered already stays as it is.
func (e *FSE) Register(f *Flow, fgi FGI, rate float64, assign func(simtime.Time, float64)) {
	if f.group != nil {
		if f.P >= 0 {
			return
		}
		e.remove(f) // it had stopped, and nobody has noticed yet
	}
	f.P = clamp(f.P, leastPriority, mostPriority)
	f.Min = clamp(f.Min, leastRate, mostRate)
	f.Max = clamp(f.Max, f.Min, mostRate)
	f.FSER = clamp(rate, f.Min, f.Max)
	f.DR = f.Max
	if e.algorithm == Passive {
		f.DR = f.FSER
	}
	f.assign = assign
	g := e.group(fgi)
	g.sCR += f.FSER
	g.add(f)
}

// Deregister is step (2): a flow stops or pauses. S_CR stays as it is, so that the others
// take over what it had. The passive algorithm forgets the flow with the next UPDATE of
// its group.
func (e *FSE) Deregister(f *Flow) {
	g := f.group
	if g == nil {
		return
	}
	if e.algorithm != Passive {
		e.remove(f)
		return
	}
	f.DR, f.P = 0, -1
	if !slices.ContainsFunc(g.flows, (*Flow).Registered) { // there won't be an UPDATE
		for len(g.flows) > 0 {
			e.remove(g.flows[0])
		}
	}
}

// Registered reports whether a flow takes part.
func (f *Flow) Registered() bool { return f.group != nil && f.P >= 0 }

// Sum returns S_CR of the flow's group; NaN if the flow isn't registered.
func (f *Flow) Sum() float64 {
	if !f.Registered() {
		return math.NaN()
	}
	return f.group.sCR
}

// Group returns the flow's FGI; false if it isn't registered.
func (f *Flow) Group() (FGI, bool) {
	if !f.Registered() {
		return 0, false
	}
	return f.group.fgi, true
}

// Move puts a flow into another group, to which it takes its rate along.
//
// Deviation (RFC 8699 §5.3.1): the RFC has flows come and go, not move. What S_CR was
// beyond the rates of the flows stays with those that stay.
func (e *FSE) Move(f *Flow, fgi FGI) {
	old := f.group
	if !f.Registered() || old.fgi == fgi {
		return
	}
	old.remove(f)
	old.sCR = max(old.sCR-f.FSER, old.floor())
	e.retire(old)
	g := e.group(fgi)
	g.sCR += f.FSER
	g.add(f)
}

// Update is step (3): the controller of f has calculated the rate ccR. It returns the rate
// that the flow shall use. rtt is the flow's round-trip time.
func (e *FSE) Update(now simtime.Time, f *Flow, ccR float64, rtt time.Duration) float64 {
	if !f.Registered() {
		return ccR
	}
	g := f.group
	if !(ccR >= 0) {
		ccR = f.FSER // it isn't a number
	}
	ccR = clamp(ccR, leastRate, mostRate)
	if e.algorithm == Passive {
		return e.passive(f, ccR)
	}
	if e.algorithm == Conservative && len(g.flows) > 1 {
		g.conservative(now, f, ccR, rtt)
	} else {
		g.sCR += ccR - f.FSER // step (a) of §5.3.1
	}
	g.bound()
	g.distribute()
	for _, i := range g.flows { // step (d)
		i.assign(now, i.FSER)
	}
	return f.FSER
}

// group returns the group with the given identifier, a new one if there is none.
func (e *FSE) group(fgi FGI) *group {
	for _, g := range e.groups {
		if g.fgi == fgi {
			return g
		}
	}
	var g *group
	if n := len(e.free); n > 0 {
		g, e.free = e.free[n-1], e.free[:n-1]
	} else {
		g = &group{}
	}
	*g = group{fgi: fgi, flows: g.flows[:0]}
	e.groups = append(e.groups, g)
	return g
}

// remove takes a flow out of the FSE.
func (e *FSE) remove(f *Flow) {
	g := f.group
	g.remove(f)
	e.retire(g)
}

// retire forgets a group that nobody is in.
func (e *FSE) retire(g *group) {
	if len(g.flows) == 0 {
		e.groups = without(e.groups, g)
		e.free = append(e.free, g)
	}
}

func (g *group) add(f *Flow) {
	f.group = g
	g.flows = append(g.flows, f)
}

func (g *group) remove(f *Flow) {
	f.group = nil
	g.flows = without(g.flows, f)
}

func without[T comparable](list []T, what T) []T {
	i := slices.Index(list, what)
	return slices.Delete(list, i, i+1)
}
