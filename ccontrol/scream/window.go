package scream

import (
	"time"

	"rtpfabric/sim/simtime"
)

// window is cwnd and what it depends on (RFC 8298 §4.1.2.2, §4.1.2.7), in bytes.
type window struct {
	p              *parameters
	cwnd           float64
	inFastIncrease bool
	// calm is since when fast increase mode may be awaited.
	calm     simtime.Time
	inFlight slidingMax // max_bytes_in_flight
}

// onCongestion is "on congestion event". The time to resume fast increase mode begins
// anew: the RFC asks only for a low qdelay_trend, which losses without a queue leave low, so
// that the mode would resume with the next report.
func (w *window) onCongestion(now simtime.Time, beta float64) {
	w.inFastIncrease = false
	w.calm = now
	w.cwnd = max(w.p.minCwnd, w.cwnd*beta)
}

// onAck is update_cwnd and check_to_resume_fast_increase. It reports whether it left fast
// increase mode.
func (w *window) onAck(now simtime.Time, newlyAcked, inFlight, qdelay, target, trend float64) (left bool) {
	if trend >= w.p.qdelayTrendLo {
		w.calm = now
	} else if now.Sub(w.calm) >= w.p.resumeFastIncrease {
		w.inFastIncrease = true
	}
	if w.inFastIncrease {
		if trend < w.p.qdelayTrendTh {
			if float64(inFlight*1.5)+newlyAcked > w.cwnd {
				w.cwnd = min(w.cwnd+newlyAcked, most)
			}
			return false
		}
		w.inFastIncrease = false
		left = true
	}
	offTarget := (target - qdelay) / target
	delta := w.p.gain * offTarget * newlyAcked * w.p.mss / w.cwnd
	if offTarget > 0 && float64(inFlight*1.25)+newlyAcked <= w.cwnd {
		delta = 0
	}
	w.cwnd = min(w.cwnd+delta, float64(w.inFlight.max()*w.p.headRoom))
	w.cwnd = max(w.cwnd, w.p.minCwnd)
	return left
}

const (
	slidingParts = 10
	slidingPart  = 500 * time.Millisecond
)

// slidingMax is a maximum over the last five seconds (§4.1.2.2).
type slidingMax struct {
	parts [slidingParts]float64
	part  int64 // number of the newest part
}

func (s *slidingMax) update(now simtime.Time, x float64) {
	part := int64(now / simtime.Time(slidingPart))
	for n := 0; s.part < part && n < slidingParts; n++ {
		s.part++
		s.parts[s.part%slidingParts] = 0
	}
	s.part = max(s.part, part)
	at := &s.parts[s.part%slidingParts]
	*at = max(*at, x)
}

func (s *slidingMax) max() float64 {
	var m float64
	for _, x := range s.parts {
		m = max(m, x)
	}
	return m
}
