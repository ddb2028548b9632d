package playout

import (
	"time"

	"rtpfabric/sim/simtime"
)

// freezeDetector finds freezes as W3C's webrtc-stats define them for
// freezeCount: a gap between two rendered frames of at least three times the
// mean of the last 30 gaps, and at least 150 ms more than it.
type freezeDetector struct {
	last    simtime.Time
	started bool
	gaps    [30]time.Duration
	n       int
	sum     time.Duration
}

const freezeMargin = 150 * time.Millisecond

// rendered notes a frame and returns the length of the freeze that it ends, or
// 0.
func (f *freezeDetector) rendered(now simtime.Time) time.Duration {
	if !f.started {
		f.started, f.last = true, now
		return 0
	}
	gap := now.Sub(f.last)
	f.last = now
	frozen := false
	if seen := min(f.n, len(f.gaps)); seen > 0 {
		mean := f.sum / time.Duration(seen)
		frozen = gap >= max(3*mean, mean+freezeMargin)
	}
	i := f.n % len(f.gaps)
	f.sum += gap - f.gaps[i]
	f.gaps[i] = gap
	f.n++
	if frozen {
		return gap
	}
	return 0
}
