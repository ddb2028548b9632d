package gcc

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// streamTimeout is how long feedback may stay away before the filter begins
// anew (goog_cc/delay_based_bwe.cc).
const streamTimeout = 2 * time.Second

// delayBased is the delay-based part: draft §5, DelayBasedBwe of libwebrtc.
type delayBased struct {
	groups   grouper
	filter   filter
	detector detector
	control  aimd

	trend  float64 // as the detector sees it
	heard  simtime.Time
	begun  bool
	before usage // detector's state after the last packet
}

// delayResult is what a report has led to.
type delayResult struct {
	updated   bool // there is a new estimate
	probed    bool // and it is a probe's
	recovered bool // a queue has drained
}

// onPackets takes the packets of one report that have arrived, in order of
// arrival. acked and probed are rates in bit/s; 0 is none.
func (d *delayBased) onPackets(now simtime.Time, packets []ccontrol.PacketResult, acked, probed float64) delayResult {
	var r delayResult
	if len(packets) == 0 {
		return r
	}
	if !d.begun || now.Sub(d.heard) > streamTimeout {
		d.reset()
	}
	d.begun, d.heard = true, now
	for i := range packets {
		d.onPacket(now, &packets[i])
		if d.before == underuse && d.detector.state == normal {
			r.recovered = true
		}
		d.before = d.detector.state
	}
	switch {
	case d.detector.state == overuse:
		r.updated = d.onOveruse(now, acked)
		r.recovered = false
	case probed > 0:
		d.control.set(now, probed)
		r.updated, r.probed = true, true
	default:
		d.control.update(now, d.detector.state, acked)
		r.updated = true
	}
	return r
}

func (d *delayBased) reset() {
	d.groups.reset()
	d.filter.reset()
	d.detector.reset()
	d.before, d.trend = normal, 0
}

func (d *delayBased) onPacket(now simtime.Time, p *ccontrol.PacketResult) {
	n, ok := d.groups.add(now, p)
	if !ok {
		return
	}
	var trend float64
	trend, d.trend = d.filter.update(p.Arrival, n)
	d.detector.update(p.Arrival, trend, d.trend, ms(n.sent))
}

// onOveruse lowers the estimate; false if it was changed too lately. Before it is
// known what gets through, it is halved.
//
// Deviation: libwebrtc means to halve it every 200 ms
// (goog_cc/delay_based_bwe.cc), but its condition always holds, so that every
// report does; here it is what was meant.
func (d *delayBased) onOveruse(now simtime.Time, acked float64) bool {
	c := &d.control
	if acked <= 0 {
		if !c.mayReduce(now, c.rate/2) {
			return false
		}
		c.set(now, c.rate/2)
		return true
	}
	if !c.mayReduce(now, acked) {
		return false
	}
	c.update(now, overuse, acked)
	return true
}
