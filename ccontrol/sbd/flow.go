package sbd

import (
	"math"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// flow measures. Delays are in milliseconds, relative to the first one, so that clocks'
// offsets cost no precision.
type flow struct {
	p  *Parameters
	id int

	base    float64
	based   bool
	nextSeq uint64 // packets below it have been counted

	// Of the present interval.
	now interval
	sum float64 // of OWD

	// Of the last ones, the newest first; as many as intervals says.
	past      []interval
	intervals int
	meanDelay float64 // mean_delay; of the intervals before this one
	lastMean  float64 // E_T(OWD) of the interval before
	measured  bool    // there are both
	side      int     // on which E_T(OWD) last was significantly off the mean

	stats   Stats
	group   int
	settled int
}

// interval is what is kept of a base interval.
type interval struct {
	n        int     // num_T(OWD) that skewBase and varBase count
	skewBase int     // skew_base_T
	varBase  float64 // var_base_T
	valid    bool    // the latter isn't NaN
	mean     float64 // E_T(OWD)
	hasMean  bool
	crossing bool
	lost     int
	total    int
}

func newFlow(p *Parameters, id int) *flow {
	return &flow{p: p, id: id, past: make([]interval, p.N), group: -1, settled: id}
}

// onPacket takes a result. One that was reported lost and has arrived is a loss fewer.
func (f *flow) onPacket(p *ccontrol.PacketResult) {
	switch late := p.Seq < f.nextSeq; {
	case !late:
		f.nextSeq = p.Seq + 1
		f.now.total++
		if !p.Received {
			f.now.lost++
			return
		}
	case p.Received:
		f.now.lost--
	}
	if p.Received {
		f.onDelay(p.Arrival, p.Sent)
	}
}

// onDelay takes a delay: §3.2.2 and §3.2.3, by the mean of the intervals before.
func (f *flow) onDelay(arrival, sent simtime.Time) {
	owd := float64(arrival.Sub(sent)) / 1e6
	if !f.based {
		f.base, f.based = owd, true
	}
	owd -= f.base
	f.sum += owd
	f.now.n++
	if !f.measured {
		return
	}
	if owd < f.meanDelay {
		f.now.skewBase++
	} else if owd > f.meanDelay {
		f.now.skewBase--
	}
	f.now.varBase += math.Abs(owd - f.lastMean)
}

// endInterval computes the statistics. An interval in which nothing came has no mean, and
// tells only of losses.
func (f *flow) endInterval() {
	t := f.now
	if t.n > 0 {
		t.mean, t.hasMean = f.sum/float64(t.n), true
	}
	if !f.measured {
		t.n = 0 // there was nothing to compare with
	}
	f.now, f.sum = interval{}, 0
	copy(f.past[1:], f.past)
	f.past[0] = t
	f.intervals = min(f.intervals+1, 2*f.p.M)
	f.stats.SkewEst, f.stats.PktLoss = f.skewEst(), f.pktLoss()
	f.stats.Bottleneck = f.bottleneck()
	f.past[0].valid = f.stats.Bottleneck // §4.2
	f.stats.VarEst = f.varEst()
	f.past[0].crossing = f.stats.Bottleneck && t.hasMean && f.crosses(t.mean)
	f.stats.FreqEst = f.freqEst()
	if t.hasMean {
		f.lastMean = t.mean
	}
	f.updateMean()
}

// bottleneck is step 1 of §3.3.1.
func (f *flow) bottleneck() bool {
	s := &f.stats
	return f.measured && (s.SkewEst < f.p.CS || s.SkewEst < f.p.CH && s.Bottleneck || s.PktLoss > f.p.PL)
}

// weight of the interval i before the last one, in the moving averages of §4.1.
func (p *Parameters) weight(i int) int { return min(p.M-p.F+1, p.M-i) }

// skewEst is §4.1.1.
func (f *flow) skewEst() float64 {
	sum, n := 0, 0
	for i := range f.p.M {
		w := f.p.weight(i)
		sum += w * f.past[i].skewBase
		n += w * f.past[i].n
	}
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// varEst is §4.1.2, of the intervals in which there was a bottleneck (§4.2).
//
// Deviation (RFC 8382 §4.2): num_MT(OWD) counts those intervals only as well, as §4.1.2
// suggests; by the letter of §4.2 the estimate of a flow that comes to a bottleneck would
// grow for M intervals.
func (f *flow) varEst() float64 {
	sum, n := 0.0, 0
	for i := range f.p.M {
		if !f.past[i].valid {
			continue
		}
		w := f.p.weight(i)
		sum += float64(float64(w) * f.past[i].varBase)
		n += w * f.past[i].n
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// crosses reports a significant mean crossing (§3.2.4): to the other side of the mean than
// the last time that the mean of an interval was far enough from it.
func (f *flow) crosses(mean float64) bool {
	if !f.measured {
		return false
	}
	side, off := 1, mean-f.meanDelay
	if off < 0 {
		side, off = -1, -off
	}
	if off <= f.p.PV*f.stats.VarEst {
		return false
	}
	was := f.side
	f.side = side
	return was == -side
}

func (f *flow) freqEst() float64 {
	n := 0
	for i := range f.past {
		if f.past[i].crossing {
			n++
		}
	}
	return float64(n) / float64(f.p.N)
}

// pktLoss is §3.2.5.
func (f *flow) pktLoss() float64 {
	lost, total := 0, 0
	for i := range f.past {
		lost += f.past[i].lost
		total += f.past[i].total
	}
	if total == 0 {
		return 0
	}
	return min(max(float64(lost)/float64(total), 0), 1)
}

// updateMean is mean_delay of §3.2.1, for the next interval; of those that have a mean.
func (f *flow) updateMean() {
	sum, n := 0.0, 0
	for i := range f.p.M {
		if f.past[i].hasMean {
			sum += f.past[i].mean
			n++
		}
	}
	if f.measured = n > 0; f.measured {
		f.meanDelay = sum / float64(n)
	}
}
