package endpoints

import (
	"time"

	"rtpfabric/sim/simtime"
)

// FeedbackPace says when congestion control feedback is wanted.
type FeedbackPace string

// The paces.
const (
	// PaceTime is an interval after the last feedback, if packets have come since.
	PaceTime FeedbackPace = "time"
	// PaceFrame is when a packet with the marker bit has come: the last of a frame of
	// video (RFC 7741 §4.1), or the first of a talk spurt.
	PaceFrame FeedbackPace = "frame"
	// PaceRTT is a round-trip time after the last feedback, once the receiver knows one.
	PaceRTT FeedbackPace = "rtt"
)

// feedbackDue says when congestion control feedback is wanted. When it goes is decided
// by RTCP's timing rules.
type feedbackDue struct {
	pace     FeedbackPace
	interval time.Duration
	last     simtime.Time // when feedback was last sent
	at       simtime.Time // when it will be wanted; Never if nothing came
	wanted   bool         // that time has come
}

func newFeedbackDue(pace FeedbackPace, interval time.Duration) feedbackDue {
	return feedbackDue{pace: pace, interval: interval, at: simtime.Never}
}

// arrived notes a packet to report on, which may be the last of a frame. rtt is what
// the receiver measured last, 0 if nothing.
func (d *feedbackDue) arrived(now simtime.Time, frame bool, rtt time.Duration) {
	if d.wanted {
		return
	}
	switch {
	case d.pace == PaceRTT && rtt > 0:
		d.interval = rtt
	case d.pace == PaceFrame && frame:
		d.at = now
		return
	}
	if d.at == simtime.Never {
		d.at = max(now, d.last.Add(d.interval))
	}
}

// hasten says that feedback is wanted now.
func (d *feedbackDue) hasten(now simtime.Time) {
	if !d.wanted {
		d.at = min(d.at, now)
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
