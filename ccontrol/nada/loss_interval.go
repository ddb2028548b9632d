package nada

// lossIntervals estimates the average loss interval in packets: the weighted
// mean of the last eight, with the weights of RFC 5348 §5.4. An interval runs
// from one gap in the sequence numbers to the next; what came before the first
// loss isn't one.
//
// Deviation (RFC 8698 §4.2, RFC 5348 §5.4): the interval that is still open
// doesn't count. With it loss_int is at least a sixth of the packets since the
// last loss, so that loss_exp = 7·loss_int would always be ahead of them and no
// loss would ever expire.
type lossIntervals struct {
	closed [8]float64 // most recent first
	n      int
	since  float64 // packets since the last gap began
	losses bool    // whether there was any
	inGap  bool    // the last packet was lost
}

var weights = [8]float64{1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2}

func (l *lossIntervals) received() {
	l.since++
	l.inGap = false
}

func (l *lossIntervals) lost() {
	l.since++
	if l.inGap {
		return
	}
	if l.losses {
		copy(l.closed[1:], l.closed[:len(l.closed)-1])
		l.closed[0] = l.since
		l.n = min(l.n+1, len(l.closed))
	}
	l.losses, l.inGap, l.since = true, true, 0
}

// average returns loss_int; false before there is an interval.
func (l *lossIntervals) average() (float64, bool) {
	if l.n == 0 {
		return 0, false
	}
	var sum, total float64
	for i, v := range l.closed[:l.n] {
		sum += float64(v * weights[i])
		total += weights[i]
	}
	return sum / total, true
}
