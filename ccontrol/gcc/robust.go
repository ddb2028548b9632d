package gcc

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// throughput estimates the rate that gets through: R_hat of draft §5.5, the
// acknowledged bitrate of libwebrtc.
type throughput interface {
	// add takes the packets of one report that have arrived, in order of arrival.
	add(packets []ccontrol.PacketResult)
	// rate returns the estimate in bit/s; 0 if there is none yet.
	rate() float64
	// alrEnded says that packets from the given time on aren't limited by the
	// application any more.
	alrEnded(at simtime.Time)
}

// The window of libwebrtc's RobustThroughputEstimatorSettings
// (goog_cc/acknowledged_bitrate_estimator_interface.h).
const (
	windowPackets    = 20
	maxWindowPackets = 500
	requiredPackets  = 10
	minWindow        = time.Second
	maxWindow        = 5 * time.Second
	maxReordering    = time.Second // goog_cc/robust_throughput_estimator.cc
	leastSpan        = time.Millisecond
)

// robust is libwebrtc's estimator: the packets of the last second, at the rate
// of their departure or of their arrival, whichever is less, with the longest
// pause between arrivals left out (goog_cc/robust_throughput_estimator.cc).
type robust struct {
	window []arrived   // in order of arrival
	head   int         // of the window; what is before has been discarded
	bytes  units.Bytes // in the window
	// discarded is the latest departure among what was discarded.
	discarded    simtime.Time
	hasDiscarded bool
	estimate     float64
}

type arrived struct {
	sent, at simtime.Time
	size     units.Bytes
}

func (*robust) alrEnded(simtime.Time) {}

func (r *robust) rate() float64 { return r.estimate }

func (r *robust) add(packets []ccontrol.PacketResult) {
	if len(packets) == 0 {
		return
	}
	for i := range packets {
		r.insert(&packets[i])
	}
	r.discard()
	r.estimate = r.measure()
}

// insert keeps the window in order of arrival.
func (r *robust) insert(p *ccontrol.PacketResult) {
	r.compact()
	r.window = append(r.window, arrived{sent: p.Sent, at: p.Arrival, size: p.Size})
	r.bytes += p.Size
	last := len(r.window) - 1
	for i := last; i > r.head && r.window[i].at < r.window[i-1].at; i-- {
		r.window[i], r.window[i-1] = r.window[i-1], r.window[i]
	}
	if r.window[last].at.Sub(p.Arrival) > maxReordering {
		// The receiver's clock was set back.
		r.window, r.head, r.bytes, r.hasDiscarded = r.window[:0], 0, 0, false
	}
}

// compact moves the window to the beginning of its memory when that is full.
func (r *robust) compact() {
	if r.head == 0 || len(r.window) < cap(r.window) {
		return
	}
	r.window = r.window[:copy(r.window, r.window[r.head:])]
	r.head = 0
}

func (r *robust) discard() {
	for r.head < len(r.window) && r.tooLong() {
		first := &r.window[r.head]
		if !r.hasDiscarded || first.sent > r.discarded {
			r.discarded, r.hasDiscarded = first.sent, true
		}
		r.bytes -= first.size
		r.head++
	}
}

func (r *robust) tooLong() bool {
	n := len(r.window) - r.head
	span := r.window[len(r.window)-1].at.Sub(r.window[r.head].at)
	return n > maxWindowPackets || span > maxWindow || n > windowPackets && span > minWindow
}

func (r *robust) measure() float64 {
	w := r.window[r.head:]
	if len(w) < requiredPackets {
		return 0
	}
	// A rate is what arrives after something else per the time since that.
	received := over(r.bytes-w[0].size, arrivingSpan(w))
	sent, ok := r.sendingRate(w)
	if !ok {
		return received
	}
	return min(sent, received)
}

// arrivingSpan is the time that the window's arrivals took, with its longest gap
// as short as the second longest: a path that stops for a moment doesn't carry
// less.
func arrivingSpan(w []arrived) time.Duration {
	var longest, second time.Duration
	before := w[0].at
	for i := range w {
		if gap := w[i].at.Sub(before); gap > second {
			longest, second = max(gap, longest), min(gap, longest)
		}
		before = w[i].at
	}
	return before.Sub(w[0].at) - longest + second
}

// sendingRate leaves out the last packet sent, and packets that left before
// some that aren't in the window any more; false if too few remain.
func (r *robust) sendingRate(w []arrived) (float64, bool) {
	oldest := simtime.Time(math.MinInt64)
	if r.hasDiscarded {
		oldest = r.discarded
	}
	first, last := simtime.Never, simtime.Time(math.MinInt64)
	var lastSize units.Bytes
	bytes, n := r.bytes, len(w)
	for i := range w {
		p := &w[i]
		if p.sent < oldest {
			bytes -= p.size
			n--
			continue
		}
		if p.sent > last {
			last, lastSize = p.sent, p.size
		}
		first = min(first, p.sent)
	}
	if n < requiredPackets {
		return 0, false
	}
	return over(bytes-lastSize, last.Sub(first)), true
}

// over is a rate in bit/s.
func over(bytes units.Bytes, span time.Duration) float64 {
	return float64(8*bytes) / max(span, leastSpan).Seconds()
}
