package scream

import (
	"math"

	"rtpfabric/sim/simtime"
)

// refWindow is ref_wnd (rfc8298bis §4.2.2), in bytes.
type refWindow struct {
	p           *v2Parameters
	size        float64 // ref_wnd
	inflection  float64 // ref_wnd_i
	mayInflect  bool    // ref_wnd_i_update_allowed
	policed     float64 // max_policed_ref_wnd
	lossRate    float64 // loss_rate
	inFlight    float64 // max_bytes_in_flight of this round trip
	inFlightWas float64 // max_bytes_in_flight_prev
	roundBegan  simtime.Time

	lossDetected, marked bool // since the last reaction
	lossSent, markSent   simtime.Time
	congested            simtime.Time // last_congestion_detected_time
	reacted              simtime.Time // last_reaction_to_congestion_time
	any                  bool         // whether there was a reaction
	strong               reaction     // last by a fixed factor
}

func newRefWindow(p *v2Parameters) refWindow {
	return refWindow{p: p, size: p.minRefWnd, inflection: 1, mayInflect: true, policed: math.Inf(1)}
}

// conditions are what an update depends on, besides the window itself.
type conditions struct {
	now             simtime.Time
	l4s             bool
	alpha           float64 // l4s_alpha
	qdelay          float64
	qdelayAvg       float64
	qdelayTarget    float64
	delayScale      float64 // ref_wnd_delay_scale
	sRTT            float64
	elapsed         float64 // since the last report
	newlyAcked      float64
	newlyAckedCE    float64
	target          float64 // target_bitrate
	ackedBitrate    float64
	targetIsMaximum bool
}

func (w *refWindow) onSent(inFlight float64) { w.inFlight = max(w.inFlight, inFlight) }

// onResult averages loss_rate (rfc8298bis §4.5.2).
func (w *refWindow) onResult(lost int) {
	alpha := min(w.p.lossRateThreshold/4, w.p.mss/w.size/2)
	if lost == 0 {
		w.lossRate *= 1 - alpha
	}
	for range min(lost, 1000) {
		w.lossRate = float64((1-alpha)*w.lossRate) + alpha
	}
}

// round begins a new round trip for the bytes in flight.
func (w *refWindow) round(now simtime.Time, inFlight, sRTT float64) {
	if now.Sub(w.roundBegan) < seconds(sRTT) {
		return
	}
	w.roundBegan = now
	w.inFlightWas, w.inFlight = w.inFlight, inFlight
	w.policed *= 1.001
}

func (w *refWindow) update(c *conditions) {
	scale := w.scale()
	if w.lossDetected || w.marked {
		w.congested = c.now
	}
	w.reduce(c, scale)
	w.increase(c, scale)
	w.size = clamp(min(w.size, w.policed), w.p.minRefWnd, most)
}

// scale is scl_t: caution near the last inflection point.
func (w *refWindow) scale() float64 {
	s := 8 * (w.size - w.inflection) / w.inflection
	return clamp(s*s, 0.1, 1)
}

// congestion is what a reduction is about.
type congestion uint8

const (
	none congestion = iota
	lossEvent
	l4sMarks
	classicMark
	virtualMarks
)

// reduce is §4.2.2.1.
func (w *refWindow) reduce(c *conditions, scale float64) {
	if w.any && c.now.Sub(w.reacted) < min(w.p.virtualRTT, seconds(c.sRTT)) {
		return
	}
	kind := w.detect(c)
	if kind == none {
		return
	}
	if w.mayInflect {
		w.inflection, w.mayInflect = w.size, false
	}
	switch kind {
	case lossEvent:
		w.size *= w.p.betaLoss
		w.strong.note(c.now)
	case classicMark:
		w.size *= w.p.betaECN
		w.strong.note(c.now)
	case l4sMarks:
		if c.now.Sub(w.reacted).Seconds() > 100*max(w.p.virtualRTT.Seconds(), c.sRTT) {
			// The link had more than the media took, and ref_wnd may be far above what was
			// in flight.
			w.size = min(w.size, w.inFlightWas)
		}
		w.size *= 1 - w.backoffL4S(c, scale)
	default:
		// Deviation (rfc8298bis §4.2.2.1): the pseudocode notes the time of losses and marks alone,
		// so that growth after a queue would be as fast as if there had been none. §4.2.1 counts the
		// queuing delay among the congestion that §4.2.2.2 wants caution after.
		w.congested = c.now
		alpha := min(1, (c.qdelayAvg-c.qdelayTarget/2)/(c.qdelayTarget/2))
		w.size *= 1 - w.attenuate(c, alpha/2)
	}
	w.size = max(w.p.minRefWnd, w.size)
	w.reacted, w.any = c.now, true
	w.lossDetected, w.marked = false, false
}

// detect returns the kind of congestion that a reaction is due to. Only one counts.
func (w *refWindow) detect(c *conditions) congestion {
	if w.loss(c) {
		return lossEvent
	}
	if w.marked && c.l4s {
		return l4sMarks
	}
	if w.marked {
		if w.strong.due(c.now, w.markSent, seconds(c.sRTT)) {
			return classicMark
		}
		w.marked = w.markSent > w.strong.at
	}
	if c.qdelayAvg > c.qdelayTarget/2 {
		return virtualMarks
	}
	return none
}

// loss reports whether the losses so far call for a reaction. Losses of packets that left
// before the last one are part of what that one was about.
//
// Deviation (rfc8298bis §4.2.1): the pseudocode would scale by BETA_LOSS, and by BETA_ECN, every
// min(VIRTUAL_RTT, s_rtt), four times in a round trip of 100 ms. The text has it that the window
// is reduced at most once per round trip; only the backoffs by degrees are divided
// among the parts of one.
func (w *refWindow) loss(c *conditions) bool {
	if !w.lossDetected {
		return false
	}
	if w.strong.any && w.lossSent <= w.strong.at {
		w.lossDetected = false
		return false
	}
	if !w.strong.due(c.now, w.lossSent, seconds(c.sRTT)) {
		return false
	}
	quiet := c.qdelayAvg < c.qdelayTarget/4
	if w.p.ratePolicers && w.lossRate > w.p.lossRateThresholdPolicer && quiet {
		w.policed = w.size * w.p.betaLossPolicer
	}
	if w.p.conditionalLoss && w.lossRate <= w.p.lossRateThreshold && c.qdelayAvg <= c.qdelayTarget/4 {
		w.lossDetected = false
		return false
	}
	return true
}

// backoffL4S is backoff_t for marks of a low-latency queue.
func (w *refWindow) backoffL4S(c *conditions, scale float64) float64 {
	backoff := w.attenuate(c, c.alpha/2)
	if c.qdelay < c.qdelayTarget*0.25 {
		backoff = float64(backoff * max(0.25, scale) * max(0.25, c.delayScale))
	}
	return backoff
}

// attenuate divides a backoff among the reactions of one round trip.
//
// Deviation (rfc8298bis §4.2.2.1): where reports come less often than every VIRTUAL_RTT,
// reactions do, too, and the divisor is how many fit into a round trip.
func (w *refWindow) attenuate(c *conditions, backoff float64) float64 {
	if w.p.undershoot && c.target < c.ackedBitrate*w.p.ackedBitrateMargin {
		backoff *= w.p.backoffScaleLowTargetRate
	}
	return backoff / max(1, c.sRTT/max(w.p.virtualRTT.Seconds(), c.elapsed))
}

// increase is §4.2.2.2. As the increment is proportional to what was acked, those of all
// reports in a round trip add up to the one "every s_rtt".
func (w *refWindow) increase(c *conditions, scale float64) {
	virtual := w.p.virtualRTT.Seconds()
	post := clamp(c.now.Sub(w.congested).Seconds()/(w.p.postCongestionDelayRTT*max(virtual, c.sRTT)), 0, 1)
	increment := max(0, c.newlyAcked-c.newlyAckedCE) * w.ratio()
	increment *= min(1, c.sRTT/virtual) * max(0.25, scale) * max(0.1, c.delayScale)
	multiple := w.p.mulIncreaseFactor * w.size / w.p.mss
	increment *= 1 + float64(multiple*post*scale)
	grown := w.size + float64(increment*w.p.weight)
	allowed := w.p.mss + float64(max(w.inFlight, w.inFlightWas)*w.p.bytesInFlightHeadRoom)
	if grown <= allowed && !c.targetIsMaximum && grown > w.size {
		w.size = grown
		w.mayInflect = true
	}
}

// ratio is ref_wnd_ratio.
func (w *refWindow) ratio() float64 { return min(1, w.p.mss/w.size) }

// unused reports whether there is so little in flight that the window couldn't grow.
func (w *refWindow) unused() bool {
	return w.p.mss+float64(max(w.inFlight, w.inFlightWas)*w.p.bytesInFlightHeadRoom) < w.size
}

// overhead is ref_wnd_overhead (§4.3.1).
func (w *refWindow) overhead(delayScale float64) float64 {
	return w.p.refWndOverheadMin + float64((w.p.refWndOverheadMax-w.p.refWndOverheadMin)*delayScale)
}
