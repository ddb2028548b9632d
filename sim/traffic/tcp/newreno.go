package tcp

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// newReno is the congestion control of RFC 5681. Recovery itself (RFC 6582,
// RFC 6675) is the connection's.
type newReno struct {
	// perAck chooses equation (3) of RFC 5681 §3.1 over counting octets.
	perAck bool
	limit  int64 // L of RFC 3465 in slow start
	abe    bool
	count  int64 // what was acknowledged since cwnd last grew
}

// abeReno is beta_{ecn} of RFC 8511 §3.1.
const abeReno = 0.8

func (r *newReno) acked(w *window, a *acknowledgment) {
	if a.phase == phaseRecovery || !a.limited || a.acked == 0 {
		return
	}
	r.grow(w, a.acked)
}

// grow opens the window for n octets acknowledged.
func (r *newReno) grow(w *window, n int64) {
	if w.slowStart() {
		w.cwnd += min(n, r.limit*w.smss) // equation (2)
		return
	}
	if r.perAck {
		// Equation (3), with what the division leaves.
		r.count += w.smss * w.smss
		n := r.count / w.cwnd
		r.count -= n * w.cwnd
		w.cwnd += n
		return
	}
	r.count += n
	if r.count >= w.cwnd {
		r.count -= w.cwnd
		w.cwnd += w.smss
	}
}

func (r *newReno) lost(w *window, _ simtime.Time, flight int64, reduced bool) {
	if !reduced {
		w.ssthresh = halve(flight, w.smss)
	}
	w.cwnd, r.count = w.ssthresh, 0
}

func (r *newReno) marked(w *window, _ simtime.Time, flight int64) {
	w.ssthresh = halve(flight, w.smss)
	if r.abe {
		w.ssthresh = max(int64(abeReno*float64(flight)), 2*w.smss)
	}
	w.cwnd, r.count = w.ssthresh, 0
}

func (r *newReno) timedOut(w *window, _ simtime.Time, flight int64, again bool) {
	if !again {
		w.ssthresh = halve(flight, w.smss)
	}
	w.cwnd, r.count = w.smss, 0
}

func (r *newReno) idle(w *window, _ simtime.Time, _ time.Duration) { w.afterIdle() }

func (r *newReno) pacing(*window, time.Duration) units.BitRate { return 0 }

func (r *newReno) scalable() bool { return false }
