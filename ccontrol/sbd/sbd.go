// Package sbd is shared bottleneck detection (RFC 8382, SBD=01): flows whose one-way
// delays have distributions of the same shape share a bottleneck. All of it runs at the
// sender (§3.1.1), on feedback about every packet. The names are the RFC's.
//
// [flow] computes the summary statistics of §3.2 with the enhancements of §4, [Detector]
// groups flows by them (§3.3).
package sbd

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Parameters are those of §2.1.
type Parameters struct {
	// T is the base interval.
	T time.Duration
	// N intervals make freq_est and pkt_loss, M of them the other statistics, of which
	// the last F count fully.
	N, M, F int
	// Thresholds of finding bottlenecks: of skewness, its hysteresis, and of loss.
	CS, CH, PL float64
	// Thresholds of telling groups apart: of oscillation, variability (relative),
	// skewness and loss (relative).
	PF, PMad, PS, PD float64
	// PV is how far beyond the mean an excursion is significant, times var_est.
	PV float64
}

// Recommended returns the values of §2.2. For p_l it has none: 0.1 is this project's choice,
// far above what loss there is where delay tells enough.
func Recommended() Parameters {
	return Parameters{
		T: 350 * time.Millisecond, N: 50, M: 30, F: 20,
		CS: 0.1, CH: 0.3, PL: 0.1,
		PF: 0.1, PMad: 0.1, PS: 0.15, PD: 0.1,
		PV: 0.7,
	}
}

// Detector tells which flows share a bottleneck. It belongs to one goroutine.
type Detector struct {
	p     Parameters
	flows []*flow
	end   simtime.Time // of the present interval
	begun bool
	order []*flow     // scratch
	pairs [][]pairing // of flow i with those before it
}

// New returns a detector without flows.
func New(p Parameters) *Detector { return &Detector{p: p} }

// Add adds a flow and returns its number; the first has 0.
func (d *Detector) Add() int {
	id := len(d.flows)
	d.flows = append(d.flows, newFlow(&d.p, id))
	d.pairs = append(d.pairs, make([]pairing, id))
	return id
}

// OnReport takes the delays and losses of a flow's packets.
func (d *Detector) OnReport(id int, r *ccontrol.Report) {
	f := d.flows[id]
	for i := range r.Packets {
		f.onPacket(&r.Packets[i])
	}
}

// Advance ends the present interval when it is over, and then groups the flows anew. It
// reports whether it did. Reports that come late belong to the interval in which they come;
// an interval without reports is skipped.
func (d *Detector) Advance(now simtime.Time) bool {
	if !d.begun {
		d.begun, d.end = true, now.Add(d.p.T)
		return false
	}
	if now < d.end {
		return false
	}
	d.end = d.end.Add(d.p.T)
	if d.end <= now {
		d.end = now.Add(d.p.T)
	}
	for _, f := range d.flows {
		f.endInterval()
	}
	d.divide()
	d.settle()
	return true
}

// Group returns the number of the group that a flow is in: that of the first flow in it.
// Flows that no bottleneck is known of are alone in theirs.
func (d *Detector) Group(id int) int { return d.flows[id].settled }

// Stats are the summary statistics of a flow.
type Stats struct {
	// SkewEst is from -1 to 1, VarEst in milliseconds, FreqEst and PktLoss from 0 to 1.
	SkewEst, VarEst, FreqEst, PktLoss float64
	// Bottleneck is PB: the flow was found to traverse one.
	Bottleneck bool
	// Group is the number of the first flow that looked alike in the last interval; -1
	// without a bottleneck, and before the statistics can be relied upon.
	Group int
}

// Stats returns a flow's statistics as they were at the end of the last interval.
func (d *Detector) Stats(id int) Stats {
	s := d.flows[id].stats
	s.Group = d.flows[id].group
	return s
}
