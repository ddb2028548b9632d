package tcp

import (
	"time"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// cubic is RFC 9438. Windows are in segments, times in seconds.
type cubic struct {
	abe     bool
	limit   int64 // L of RFC 3465 in slow start
	hystart *hyStart

	cwnd      float64 // with its fraction
	wMax      float64
	cwndPrior float64
	// The present congestion avoidance stage: when it began, with which
	// window, K, and W_est.
	inStage   bool
	stage     simtime.Time
	k, wEst   float64
	flat      bool // K is 0: the stage follows a timeout or HyStart++
	lastAcked simtime.Time
}

// Constants of RFC 9438 §4 and §5.
const (
	cubicC     = 0.4
	cubicBeta  = 0.7
	cubicAlpha = 3 * (1 - cubicBeta) / (1 + cubicBeta) // §4.3
	abeCubic   = 0.85                                  // RFC 8511 §3.1
)

func newCubic(c *Config) *cubic {
	k := &cubic{abe: c.ABE, limit: int64(c.SlowStartLimit)}
	if !c.NoHyStart {
		k.hystart = newHyStart()
	}
	if k.limit == 0 {
		k.limit = 1
		if k.hystart != nil {
			k.limit = hyStartLimit
		}
	}
	return k
}

func (k *cubic) acked(w *window, a *acknowledgment) {
	if a.phase == phaseRecovery || a.acked == 0 {
		return
	}
	pause := a.now.Sub(k.lastAcked)
	k.lastAcked = a.now
	if !a.limited {
		// A time in which the application sends too little isn't part of t
		// (§5.8).
		k.stage = k.stage.Add(pause)
		return
	}
	if w.slowStart() {
		n := min(a.acked, k.limit*w.smss)
		if k.hystart != nil {
			n = k.hystart.grow(w, a, n)
			k.flat = !w.slowStart()
		}
		w.cwnd += n
		return
	}
	if !k.inStage {
		k.begin(w, a.now)
	}
	k.avoid(w, a)
}

// begin starts a congestion avoidance stage (§4.2, and §4.7 after a timeout).
func (k *cubic) begin(w *window, now simtime.Time) {
	k.inStage, k.stage = true, now
	k.cwnd = float64(w.cwnd) / float64(w.smss)
	k.wEst = k.cwnd
	if k.flat || k.wMax < k.cwnd {
		k.wMax, k.k = k.cwnd, 0
	} else {
		k.k = cubeRoot((k.wMax - k.cwnd) / cubicC)
	}
	k.flat = false
}

// wCubic is figure 1 of §4.2.
func (k *cubic) wCubic(t float64) float64 {
	d := t - k.k
	return float64(cubicC*float64(d*float64(d*d))) + k.wMax
}

// avoid is §4.3 to §4.5.
//
// Deviation (RFC 9438 §4.4): the increment is per segment acknowledged, not per
// acknowledgment, so that delayed ones don't slow the growth down.
func (k *cubic) avoid(w *window, a *acknowledgment) {
	segments := float64(a.acked) / float64(w.smss)
	t := a.now.Sub(k.stage).Seconds()
	alpha := cubicAlpha
	if k.wEst >= k.cwndPrior {
		alpha = 1
	}
	k.wEst += float64(alpha*segments) / k.cwnd
	if k.wCubic(t) < k.wEst {
		k.cwnd = max(k.cwnd, k.wEst)
	} else {
		target := k.wCubic(t + a.srtt.Seconds())
		target = min(max(target, k.cwnd), 1.5*k.cwnd)
		k.cwnd += float64((target-k.cwnd)*segments) / k.cwnd
	}
	w.cwnd = int64(k.cwnd * float64(w.smss))
}

// reduce is §4.6 and §4.7: the window before it is W_max, less with fast
// convergence.
func (k *cubic) reduce(w *window, flight int64, beta float64) {
	cwnd := float64(w.cwnd) / float64(w.smss)
	k.cwndPrior = cwnd
	if cwnd < k.wMax {
		k.wMax = float64(cwnd * ((1 + cubicBeta) / 2))
	} else {
		k.wMax = cwnd
	}
	w.ssthresh = max(int64(float64(flight)*beta), 2*w.smss)
	w.cwnd = w.ssthresh
	k.inStage, k.hystart = false, nil
}

func (k *cubic) lost(w *window, _ simtime.Time, flight int64, reduced bool) {
	if reduced {
		w.cwnd = w.ssthresh
		return
	}
	k.reduce(w, flight, cubicBeta)
}

func (k *cubic) marked(w *window, _ simtime.Time, flight int64) {
	beta := cubicBeta
	if k.abe {
		beta = abeCubic
	}
	k.reduce(w, flight, beta)
}

// timedOut is §4.8.
func (k *cubic) timedOut(w *window, _ simtime.Time, flight int64, again bool) {
	if !again {
		k.reduce(w, flight, cubicBeta)
	}
	k.inStage, k.flat = false, true
	k.limit = 1 // HyStart++ is over, and RFC 3465 §2.3
	w.cwnd = w.smss
}

func (k *cubic) idle(w *window, now simtime.Time, pause time.Duration) {
	w.afterIdle()
	k.stage = k.stage.Add(pause)
	k.lastAcked = now
	k.inStage = false
}

func (k *cubic) pacing(*window, time.Duration) units.BitRate { return 0 }

func (k *cubic) scalable() bool { return false }

// cubeRoot returns ∛x for x ≥ 0, within a few units in the last place.
func cubeRoot(x float64) float64 {
	if x <= 0 {
		return 0
	}
	y := detmath.Exp(detmath.Log(x) / 3)
	for range 2 {
		y2 := float64(y * y)
		y -= float64(float64(y2*y)-x) / float64(3*y2)
	}
	return y
}
