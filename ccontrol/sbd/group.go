package sbd

import (
	"cmp"
	"slices"
)

// divide is §3.3.1: flows that traverse a bottleneck are divided into groups by one
// statistic after the other. It begins when a flow has 2·M intervals (§3.3.2).
func (d *Detector) divide() {
	d.order = d.order[:0]
	for _, f := range d.flows {
		f.group = -1
		if f.stats.Bottleneck && f.intervals >= 2*d.p.M {
			d.order = append(d.order, f)
		}
	}
	d.byFreq(d.order)
	for _, f := range d.order {
		if f.group < 0 {
			panic("sbd: a flow is in no group")
		}
	}
}

// split sorts flows by a statistic, from highest to lowest, cuts where neighbours
// differ too much, and hands on the parts.
func split(flows []*flow, of func(*Stats) float64, apart func(high, low float64) bool, next func([]*flow)) {
	slices.SortStableFunc(flows, func(a, b *flow) int { return cmp.Compare(of(&b.stats), of(&a.stats)) })
	from := 0
	for i := range flows {
		if last := i == len(flows)-1; last || apart(of(&flows[i].stats), of(&flows[i+1].stats)) {
			next(flows[from : i+1])
			from = i + 1
		}
	}
}

func (d *Detector) byFreq(flows []*flow) { // step 2
	split(flows, func(s *Stats) float64 { return s.FreqEst },
		func(high, low float64) bool { return high-low >= d.p.PF }, d.byVar)
}

func (d *Detector) byVar(flows []*flow) { // step 3
	split(flows, func(s *Stats) float64 { return s.VarEst },
		func(high, low float64) bool { return high-low >= d.p.PMad*high && high > 0 }, d.bySkew)
}

func (d *Detector) bySkew(flows []*flow) { // step 4
	split(flows, func(s *Stats) float64 { return s.SkewEst },
		func(high, low float64) bool { return high-low >= d.p.PS }, d.byLoss)
}

func (d *Detector) byLoss(flows []*flow) { // step 5
	split(flows, func(s *Stats) float64 { return s.PktLoss },
		func(high, low float64) bool { return high > d.p.PL && high-low >= d.p.PD*high }, name)
}

// name gives a group the number of its first flow.
func name(flows []*flow) {
	first := flows[0].id
	for _, f := range flows {
		first = min(first, f.id)
	}
	for _, f := range flows {
		f.group = first
	}
}

// pairing is how often two flows have been in one group lately.
type pairing struct {
	together float64 // share of the decisions, smoothed
	coupled  bool
}

// Two flows are taken to share a bottleneck when they are grouped together 90 % of the
// time (§3.3.2), and no longer when they are apart as much: this project's choice, as
// is the smoothing over 16 decisions. Either takes 13 s without a decision to the contrary.
const (
	settleAt   = 0.9
	unsettleAt = 0.1
	memory     = 16
)

// settle couples flows whose groups are stable. Whoever shares with one of a group shares
// with all of it.
func (d *Detector) settle() {
	for i, f := range d.flows {
		f.settled = i
		for j := range i {
			p, other := &d.pairs[i][j], d.flows[j]
			p.note(f.group >= 0 && f.group == other.group)
			if p.coupled {
				d.join(i, f.settled, other.settled)
			}
		}
	}
}

func (p *pairing) note(together bool) {
	seen := 0.0
	if together {
		seen = 1
	}
	p.together += float64((seen - p.together) / memory)
	switch {
	case p.together >= settleAt:
		p.coupled = true
	case p.together < unsettleAt:
		p.coupled = false
	}
}

// join makes one group of two, of flows up to the given one.
func (d *Detector) join(upTo, a, b int) {
	for _, f := range d.flows[:upTo+1] {
		if f.settled == a || f.settled == b {
			f.settled = min(a, b)
		}
	}
}
