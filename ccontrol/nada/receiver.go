package nada

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/detmath"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// mode is rmode of §4.2.
type mode uint8

const (
	rampUp  mode = 0 // accelerated ramp-up
	gradual mode = 1
)

// feedback is what the receiver tells the sender (§5.3).
type feedback struct {
	rmode mode
	xCurr float64 // ms
	rRecv float64 // bit/s
}

// minFilter is the number of delay samples that the minimum is taken over
// (§5.1.1).
const minFilter = 15

// receiver computes the aggregate congestion signal (§4.2, §5.1).
type receiver struct {
	p parameters

	nextSeq uint64 // packets below it have been counted
	first   simtime.Time
	last    simtime.Time // arrival that losses are dated with
	started bool

	base   baseDelay
	recent [minFilter]float64 // d_fwd - d_base of the last samples, ms
	n      int                // of samples so far

	window []sample // of the last LOGWIN, oldest first
	pLoss  float64
	pMark  float64
	losses lossIntervals
	dQueue float64
}

// sample is a packet in the observation window.
type sample struct {
	at     simtime.Time // arrival; of a lost packet, of the last one before it
	size   float64      // bits; 0 for a lost packet
	lost   bool
	marked bool
	delay  float64 // filtered queuing delay, ms
}

// onPacket takes packets in send order. One that was counted as lost and
// arrives later stays lost: reordering is loss (§5.1.2).
func (r *receiver) onPacket(p ccontrol.PacketResult) {
	if p.Seq < r.nextSeq {
		return
	}
	r.nextSeq = p.Seq + 1
	if !p.Received {
		r.losses.lost()
		r.window = append(r.window, sample{at: r.last, lost: true})
		return
	}
	if !r.started {
		r.started, r.first, r.last = true, p.Arrival, p.Arrival
	}
	r.losses.received()
	r.last = max(r.last, p.Arrival)
	dFwd := ms(p.Arrival.Sub(p.Sent))
	r.recent[r.n%minFilter] = dFwd
	r.n++
	dBase := r.base.update(p.Arrival, dFwd)
	least := math.Inf(1)
	for _, d := range r.recent[:min(r.n, minFilter)] {
		least = min(least, d)
	}
	r.dQueue = max(0, least-dBase)
	r.window = append(r.window, sample{
		at:     p.Arrival,
		size:   float64(8 * p.Size),
		marked: p.ECN == packet.CE,
		delay:  r.dQueue,
	})
}

// report makes the feedback at the given time of the receiver's clock.
func (r *receiver) report(now simtime.Time) feedback {
	r.trim(now)
	var bits, lost, marked float64
	quiet := true
	for i := range r.window {
		s := &r.window[i]
		bits += s.size
		if s.lost {
			lost++
		}
		if s.marked {
			marked++
		}
		if s.lost || s.delay >= r.p.qeps {
			quiet = false
		}
	}
	if total := float64(len(r.window)); total > 0 {
		// Equation (10). The RFC doesn't say how often; it is done per report.
		r.pLoss = float64(r.p.alpha*(lost/total)) + float64((1-r.p.alpha)*r.pLoss)
		r.pMark = float64(r.p.alpha*(marked/total)) + float64((1-r.p.alpha)*r.pMark)
	}
	f := feedback{rmode: gradual, xCurr: r.aggregate(), rRecv: r.rate(now, bits)}
	if quiet {
		f.rmode = rampUp
	}
	return f
}

// rate divides what arrived in the window by its length (§5.1.3). In the first
// LOGWIN of a flow the window is as long as the flow, but at least DELTA.
func (r *receiver) rate(now simtime.Time, bits float64) float64 {
	span := r.p.logwin
	if r.started {
		span = min(span, max(now.Sub(r.first), time.Duration(r.p.delta*float64(time.Millisecond))))
	}
	return bits / span.Seconds()
}

// aggregate is equation (2), in milliseconds, bounded by XMAX.
//
// Deviation (RFC 8698 §4.2): the RFC bounds x_curr only by the 15 bits that
// carry it, 3.2 s. As the penalty of loss is quadratic and falls with p_loss
// over seconds, the term of x_diff in equation (7) would then multiply the rate
// by hundreds after each congested spell. The reference implementation that §7
// names clips at 500 ms, and so does this.
func (r *receiver) aggregate() float64 {
	mark := r.pMark / r.p.pmrref
	loss := r.pLoss / r.p.plrref
	x := r.warp() + float64(r.p.dmark*float64(mark*mark)) + float64(r.p.dloss*float64(loss*loss))
	return min(x, r.p.xmax)
}

// warp is equation (1), with the linear transition of §4.2 once the last loss
// has expired.
func (r *receiver) warp() float64 {
	interval, ok := r.losses.average()
	if !ok || r.dQueue < r.p.qth {
		return r.dQueue
	}
	warped := float64(r.p.qth * detmath.Exp(-r.p.lambda*float64((r.dQueue-r.p.qth)/r.p.qth)))
	since, expire := r.losses.since, float64(r.p.multiloss*interval)
	switch {
	case since <= expire:
		return warped
	case since >= expire+interval:
		return r.dQueue
	}
	w := (since - expire) / interval
	return float64(w*r.dQueue) + float64((1-w)*warped)
}

// trim forgets what is older than LOGWIN.
func (r *receiver) trim(now simtime.Time) {
	start := now.Add(-r.p.logwin)
	i := 0
	for i < len(r.window) && r.window[i].at <= start {
		i++
	}
	r.window = append(r.window[:0], r.window[i:]...)
}
