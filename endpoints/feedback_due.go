package endpoints

import (
	"time"

	"rtpfabric/sim/simtime"
)

// feedbackDue says when congestion control feedback is wanted: an interval
// after the last one, if packets have come since. When it goes is decided by
// RTCP's timing rules.
type feedbackDue struct {
	interval time.Duration
	last     simtime.Time // when feedback was last sent
	at       simtime.Time // when it will be wanted; Never if nothing came
	wanted   bool         // that time has come
}

func newFeedbackDue(interval time.Duration) feedbackDue {
	return feedbackDue{interval: interval, at: simtime.Never}
}

// arrived notes a packet to report on.
func (d *feedbackDue) arrived(now simtime.Time) {
	if !d.wanted && d.at == simtime.Never {
		d.at = max(now, d.last.Add(d.interval))
	}
}

// elapsed reports, once, that feedback is wanted from now on.
func (d *feedbackDue) elapsed(now simtime.Time) bool {
	if d.at > now {
		return false
	}
	d.at, d.wanted = simtime.Never, true
	return true
}

// near reports whether feedback is wanted, or will be within half an interval,
// so that it may ride along with a regular packet.
func (d *feedbackDue) near(now simtime.Time) bool {
	return d.wanted || d.at != simtime.Never && d.at.Sub(now) <= d.interval/2
}

func (d *feedbackDue) sent(now simtime.Time) {
	d.last, d.at, d.wanted = now, simtime.Never, false
}
