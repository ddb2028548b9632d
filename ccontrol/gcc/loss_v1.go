package gcc

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Constants of libwebrtc's goog_cc/send_side_bandwidth_estimation.cc.
const (
	growthWindow    = time.Second
	lossGrowth      = 1.08 // of the least rate in that time
	lossGrowthMore  = 1000 // bit/s
	betweenDecrease = 300 * time.Millisecond
	leastExpected   = 20              // packets that a loss ratio rests on
	lossStale       = 6 * time.Second // 1.2 times the longest RTCP interval
)

// lossV1 is the loss-based controller of draft §6: more than 10 % loss lowers
// the rate, less than 2 % raises it.
//
// Deviation (draft §6): the draft changes the rate with every report, by 5 %
// upwards. Reports about packets come many times a second, so the steps follow
// time instead, as they do in libwebrtc: up to 8 % and 1 kbit/s above the least rate
// of the last second, and down once per loss ratio and no sooner than 300 ms and a
// round-trip time after the last time.
type lossV1 struct {
	low, high float64
	interval  time.Duration // over which losses of packets are counted

	expected, lost int
	since          simtime.Time
	counting       bool

	ratio     float64
	known     bool
	at        simtime.Time // of the ratio
	decreased bool         // since the ratio was taken
	history   []rateAt     // ascending rates of the last second
}

type rateAt struct {
	at   simtime.Time
	rate float64
}

// onPackets counts packets that feedback tells of. One that was reported lost and
// has arrived after all is a loss fewer.
func (l *lossV1) onPackets(now simtime.Time, expected, lost int) {
	if !l.counting {
		l.counting, l.since = true, now
	}
	l.expected += expected
	l.lost += lost
	if now.Sub(l.since) >= l.interval {
		l.close(now)
	}
}

// onReception takes what the blocks of a reception report say, each for its own interval, and
// reports whether any packet was expected in these.
func (l *lossV1) onReception(now simtime.Time, blocks []ccontrol.Reception) bool {
	expected, lost := 0, 0
	for i := range blocks {
		expected += max(blocks[i].Expected, 0)
		lost += blocks[i].Lost
	}
	if expected == 0 {
		return false
	}
	l.expected += expected
	l.lost += lost
	l.close(now)
	return true
}

// close makes a ratio of what has been counted if that is enough.
func (l *lossV1) close(now simtime.Time) {
	if l.expected < leastExpected {
		return
	}
	l.ratio = min(max(float64(l.lost)/float64(l.expected), 0), 1)
	l.known, l.at, l.decreased = true, now, false
	l.expected, l.lost, l.since = 0, 0, now
}

// update returns the rate that follows from the last loss ratio; rate if there
// is nothing to change. sinceDecrease is the time since it was last lowered.
func (l *lossV1) update(now simtime.Time, rate float64, rtt, sinceDecrease time.Duration) (next float64, lowered bool) {
	switch {
	case !l.known || now.Sub(l.at) >= lossStale:
		return rate, false
	case l.ratio <= l.low:
		return float64(l.least(rate)*lossGrowth) + lossGrowthMore, false
	case l.ratio > l.high && !l.decreased && sinceDecrease >= betweenDecrease+rtt:
		l.decreased = true
		return rate * (1 - float64(0.5*l.ratio)), true
	}
	return rate, false
}

// least returns the least rate of the last second.
func (l *lossV1) least(rate float64) float64 {
	if len(l.history) == 0 {
		return rate
	}
	return l.history[0].rate
}

// remember notes the rate, before it is updated.
func (l *lossV1) remember(now simtime.Time, rate float64) {
	old := 0
	for old < len(l.history) && now.Sub(l.history[old].at) >= growthWindow {
		old++
	}
	l.history = l.history[:copy(l.history, l.history[old:])]
	for n := len(l.history); n > 0 && rate <= l.history[n-1].rate; n-- {
		l.history = l.history[:n-1]
	}
	l.history = append(l.history, rateAt{now, rate})
}

// restart forgets the rates before a probe's result or a trusted estimate.
func (l *lossV1) restart() { l.history = l.history[:0] }
