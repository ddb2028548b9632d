package tcp

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// prague is a scalable control for L4S (RFC 9331 §4.3): DCTCP's estimate of the
// share of marked packets (RFC 8257 §3.3), a reduction in proportion to it, and
// an additive increase of one segment per round trip; all paced.
//
// Below a round-trip time of 25 ms it behaves as if the round trip took 25 ms:
// the estimate is updated that often, and the increase is scaled so that the
// rate grows as fast, which makes it independent of the round-trip time there
// (RFC 9331 §4.3 item 4). To losses, and to marks without accurate feedback, it
// responds as RFC 5681 does (items 2 and 3 as far as a negotiation can tell).
//
// Deviation (RFC 9331 §4.3 items 3, 5 and 6): it doesn't detect a classic AQM
// from accurate feedback, has a minimum window of two segments, and detects
// losses by counting segments.
type prague struct {
	alpha float64 // DCTCP.Alpha
	cwnd  float64 // octets, with the fraction

	// The observation window: it ends at windowEnd, but lasts the reference
	// round trip at least.
	windowEnd        seq
	windowStart      simtime.Time
	packets, ceMarks float64
	reducedTo        seq // no second reduction before this is acknowledged
	reducedAt        simtime.Time
	fallback         newReno
}

const (
	pragueGain      = 1.0 / 16              // g of RFC 8257 §4.2
	pragueReference = 25 * time.Millisecond // round trip
)

func newPrague() *prague { return &prague{alpha: 1, fallback: newReno{limit: 1}} }

func (p *prague) acked(w *window, a *acknowledgment) {
	p.observe(w, a)
	if a.marks > 0 && a.phase == phaseOpen && a.una >= p.reducedTo && a.now.Sub(p.reducedAt) >= virtual(a.srtt) {
		p.reduce(w, a)
		return
	}
	if a.phase == phaseRecovery || !a.limited {
		return
	}
	unmarked := max(a.acked-a.marks*w.smss, 0)
	if w.slowStart() {
		w.cwnd += min(unmarked, 2*w.smss)
		return
	}
	p.resume(w)
	p.cwnd += float64(float64(unmarked*w.smss) / p.cwnd * scale(a.srtt))
	w.cwnd = int64(p.cwnd)
}

// virtual is the round trip that the control takes for real.
func virtual(srtt time.Duration) time.Duration { return max(srtt, pragueReference) }

// scale is (RTT/RTT_virt)²: as many octets per second and second as at the
// reference round trip.
func scale(srtt time.Duration) float64 {
	if srtt >= pragueReference {
		return 1
	}
	x := srtt.Seconds() / pragueReference.Seconds()
	return float64(x * x)
}

// resume takes up a window that something else has set.
func (p *prague) resume(w *window) {
	if int64(p.cwnd) != w.cwnd {
		p.cwnd = float64(w.cwnd)
	}
}

// observe is steps 1 to 8 of RFC 8257 §3.3, in packets.
func (p *prague) observe(w *window, a *acknowledgment) {
	p.packets += float64(a.delivered) / float64(w.smss)
	p.ceMarks += float64(a.marks)
	if a.una < p.windowEnd || a.now.Sub(p.windowStart) < virtual(a.srtt) {
		return
	}
	if p.packets > 0 {
		share := min(p.ceMarks/max(p.packets, p.ceMarks), 1)
		p.alpha += float64((share - p.alpha) * pragueGain)
	}
	p.windowEnd, p.windowStart = a.nxt, a.now
	p.packets, p.ceMarks = 0, 0
}

// reduce is step 9, once per round trip.
func (p *prague) reduce(w *window, a *acknowledgment) {
	p.resume(w)
	p.cwnd = max(p.cwnd*(1-p.alpha/2), float64(2*w.smss))
	w.cwnd = int64(p.cwnd)
	w.ssthresh = w.cwnd
	p.reducedTo, p.reducedAt = a.nxt, a.now
}

func (p *prague) lost(w *window, now simtime.Time, flight int64, _ bool) {
	p.fallback.lost(w, now, flight, false)
	p.reducedAt = now
}

func (p *prague) marked(w *window, now simtime.Time, flight int64) {
	p.fallback.marked(w, now, flight)
}

func (p *prague) timedOut(w *window, now simtime.Time, flight int64, again bool) {
	p.fallback.timedOut(w, now, flight, again)
}

func (p *prague) idle(w *window, _ simtime.Time, _ time.Duration) { w.afterIdle() }

// pacing is twice the window per round trip in the first part of slow start,
// later just the window.
func (p *prague) pacing(w *window, srtt time.Duration) units.BitRate {
	gain := 1.0
	if w.cwnd < w.ssthresh/2 {
		gain = 2
	}
	return rateOf(w.cwnd, srtt, gain)
}

func (p *prague) scalable() bool { return true }
