package gcc

import (
	"time"

	"rtpfabric/sim/simtime"
)

// The floor of libwebrtc's RttBasedBackoff
// (goog_cc/send_side_bandwidth_estimation.cc).
const backoffFloor = 5000 // bit/s

// rttBackoff lowers the rate while packets are sent and no feedback comes, or
// only with a long delay.
type rttBackoff struct {
	limit    time.Duration
	fraction float64
	interval time.Duration

	rtt     time.Duration // without the time that the receiver waited
	updated simtime.Time
	sent    simtime.Time // the last packet
	started bool
}

func (b *rttBackoff) onSent(now simtime.Time) {
	if !b.started {
		b.started, b.updated = true, now // as if feedback had just come
	}
	b.sent = now
}

func (b *rttBackoff) onFeedback(now simtime.Time, rtt time.Duration) {
	b.updated, b.rtt, b.started = now, rtt, true
}

// exceeded reports whether the round-trip time, or the time for which packets
// have been sent without an answer, is above the limit. No packets is no reason.
func (b *rttBackoff) exceeded() bool {
	if !b.started {
		return false
	}
	return max(b.sent.Sub(b.updated), 0)+b.rtt > b.limit
}
