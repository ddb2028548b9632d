package nada

import "rtpfabric/sim/simtime"

// lossIntervals estimates the average loss interval in packets as RFC 5348
// §5.4 does: a weighted mean of the last eight, and of the open one if that
// makes it larger.
type lossIntervals struct {
	closed [8]float64 // most recent first
	n      int
	open   float64 // packets since the last loss event began
	any    bool
	start  simtime.Time // send time of the loss that began the event
}

// event is how long losses belong to one loss event. RFC 5348 takes the RTT,
// which the receiver's half doesn't know; the feedback interval stands in.
const event = 100e6

var weights = [8]float64{1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2}

func (l *lossIntervals) received() { l.open++ }

func (l *lossIntervals) lost(sent simtime.Time) {
	l.open++
	if l.any && sent < l.start+event {
		return
	}
	if l.any {
		copy(l.closed[1:], l.closed[:7])
		l.closed[0] = l.open
		l.n = min(l.n+1, len(l.closed))
	} else {
		// The first interval: everything before the first loss.
		l.closed[0], l.n = l.open, 1
	}
	l.any, l.start, l.open = true, sent, 0
}

// state returns the number of packets since the last loss event, the average
// interval, and whether there was any loss at all.
func (l *lossIntervals) state() (since, interval float64, any bool) {
	if !l.any {
		return 0, 0, false
	}
	mean := weighted(l.closed[:l.n])
	withOpen := append([]float64{l.open}, l.closed[:min(l.n, 7)]...)
	return l.open, max(mean, weighted(withOpen)), true
}

func weighted(intervals []float64) float64 {
	var sum, total float64
	for i, v := range intervals {
		sum += float64(v * weights[i])
		total += weights[i]
	}
	return sum / total
}
