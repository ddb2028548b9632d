package gcc

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
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
	window []arrived // in order of arrival
	head   int       // of the window; what is before has been discarded
	// discarded is the latest departure among what was discarded.
	discarded    simtime.Time
	hasDiscarded bool
	estimate     float64
}

type arrived struct {
	sent, at simtime.Time
	bits     float64
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
	r.window = append(r.window, arrived{sent: p.Sent, at: p.Arrival, bits: float64(8 * p.Size)})
	last := len(r.window) - 1
	for i := last; i > r.head && r.window[i].at < r.window[i-1].at; i-- {
		r.window[i], r.window[i-1] = r.window[i-1], r.window[i]
	}
	if r.window[last].at.Sub(p.Arrival) > maxReordering {
		// The receiver's clock was set back.
		r.window, r.head, r.hasDiscarded = r.window[:0], 0, false
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
		sent := r.window[r.head].sent
		if !r.hasDiscarded || sent > r.discarded {
			r.discarded, r.hasDiscarded = sent, true
		}
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
	received := over(arrivingBits(w), arrivingSpan(w))
	sent, ok := r.sendingRate(w)
	if !ok {
		return received
	}
	return min(sent, received)
}

// arrivingBits leaves out the first packet: a rate is what arrives after
// something else per the time since that.
func arrivingBits(w []arrived) float64 {
	sum := 0.0
	for i := range w[1:] {
		sum += w[i+1].bits
	}
	return sum
}

// arrivingSpan is the time that the window's arrivals took, with its longest gap
// as short as the second longest: a path that stops for a moment doesn't carry
// less.
func arrivingSpan(w []arrived) time.Duration {
	var longest, second time.Duration
	for i := 1; i < len(w); i++ {
		gap := w[i].at.Sub(w[i-1].at)
		switch {
		case gap > longest:
			longest, second = gap, longest
		case gap > second:
			second = gap
		}
	}
	return w[len(w)-1].at.Sub(w[0].at) - longest + second
}

// sendingRate leaves out the last packet sent, and packets that left before
// some that aren't in the window any more; false if too few remain.
func (r *robust) sendingRate(w []arrived) (float64, bool) {
	var first, last simtime.Time
	var sum, lastBits float64
	n := 0
	for i := range w {
		p := &w[i]
		if r.hasDiscarded && p.sent < r.discarded {
			continue
		}
		if n == 0 || p.sent > last {
			last, lastBits = p.sent, p.bits
		}
		if n == 0 || p.sent < first {
			first = p.sent
		}
		sum += p.bits
		n++
	}
	return over(sum-lastBits, last.Sub(first)), n >= requiredPackets
}

// over is a rate in bit/s.
func over(bits float64, span time.Duration) float64 {
	return bits / max(span, leastSpan).Seconds()
}
