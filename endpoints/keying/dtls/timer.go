package dtls

import (
	"time"

	"rtpfabric/sim/simtime"
)

// timer is the retransmission timer (RFC 6347 §4.2.4.1).
type timer struct {
	value    time.Duration // of the next one
	deadline simtime.Time
	expiries int // for the current flight
}

// restart sets the timer for a flight that is sent.
func (t *timer) restart(now simtime.Time) { t.deadline = now.Add(t.value) }

// answered notes that the other end's next flight is there. The value goes back
// to the first one only after a flight that wasn't sent twice.
func (t *timer) answered(again int, initial time.Duration) {
	if again == 0 {
		t.value = initial
	}
	t.expiries = 0
	t.deadline = simtime.Never
}

// backOff doubles the timer. It reports false when there were enough expiries.
func (t *timer) backOff(limit int, most time.Duration) bool {
	t.expiries++
	t.value = max(t.value, min(2*t.value, most))
	return limit < 0 || t.expiries <= limit
}

// The bounds of libwebrtc's initial timeout.
const (
	minInitialTimeout = 50 * time.Millisecond
	maxInitialTimeout = 3 * time.Second
)

// InitialTimeoutFor returns the InitialTimeout that libwebrtc has for a round
// trip time measured by ICE: twice that, within 50 ms and 3 s. RFC 6347 §4.2.4.1
// recommends 1 s, and leaves the choice.
func InitialTimeoutFor(rtt time.Duration) time.Duration {
	return max(minInitialTimeout, min(2*rtt, maxInitialTimeout))
}
