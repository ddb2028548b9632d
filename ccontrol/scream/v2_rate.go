package scream

import (
	"time"

	"rtpfabric/sim/simtime"
)

// v2Rate is the media rate control (rfc8298bis §4.4). Rates are in bit/s, times in seconds,
// sizes in bytes.
type v2Rate struct {
	p      *v2Parameters
	target float64 // target_bitrate
	adjust float64 // rate_adjust_factor
	sizes  float64 // frame_size_dev
	period float64 // frame_period
	// halved is until when the rate is halved after the base delay was forgotten (§4.5.1).
	halved simtime.Time

	backlog float64
	framed  simtime.Time // when the last frame came

	acked      float64 // bits since
	ackedSince simtime.Time
	ackedRate  float64 // acked_bitrate
}

// A controller doesn't see frames. One has come when the pacer holds more after a packet
// than the packet leaves of what it held before.
const (
	// unframed is after how long without anything that looks like a frame a single packet, which
	// may be audio's, counts as one.
	unframed = 100 * time.Millisecond
	// Between these a frame period is believed.
	leastFramePeriod, mostFramePeriod = 0.005, 0.2
)

func (r *v2Rate) onSent(now simtime.Time, size, backlog float64) {
	came, left := backlog+size-r.backlog, r.backlog
	r.backlog = backlog
	if since := now.Sub(r.framed); came > size || came > 0 && since >= unframed {
		r.framed = now
		r.onFrame(came, left, clamp(since.Seconds(), leastFramePeriod, mostFramePeriod))
	}
}

// onFrame adapts to a new frame that found so much left of earlier ones. media_qdelay, the age
// of the oldest packet in the queue, is the time that the target rate takes for it: how long
// packets have been there, only the host knows.
func (r *v2Rate) onFrame(size, left, since float64) {
	r.period += float64((since - r.period) / 8)
	qdelay := min(8*left/r.target, longest)
	e := (qdelay - r.period/4) / r.period
	r.adjust = clamp(r.adjust+float64(e*r.p.rateAdjustGain), 0, 0.5)
	nominal := r.target * r.period / 8
	deviation := min(max(0, (size-nominal)/nominal), 1e3)
	g := r.p.frameSizeDevAlpha
	r.sizes = min(0.2, float64((1-g)*r.sizes)+float64(g*deviation))
}

// onAck averages acked_bitrate over a round trip and at least two frames.
func (r *v2Rate) onAck(now simtime.Time, newlyAcked, sRTT float64) {
	r.acked += 8 * newlyAcked
	if elapsed := now.Sub(r.ackedSince).Seconds(); elapsed >= max(sRTT, 2*r.period) {
		r.ackedRate = r.acked / elapsed
		r.acked, r.ackedSince = 0, now
	}
}

// share is what the target is of 8·ref_wnd/s_rtt.
func (r *v2Rate) share(refWndRatio float64) float64 {
	share := 1 - clamp(refWndRatio-0.1, 0, 0.2)
	share *= r.p.mss / (r.p.mss + r.p.packetOverhead)
	return share / (1.2 + r.adjust + r.sizes)
}

func (r *v2Rate) update(now simtime.Time, refWnd, refWndRatio, sRTT float64) {
	r.target = r.share(refWndRatio) * 8 * refWnd / sRTT
	if now < r.halved {
		r.target /= 2
	}
	r.bound()
}

func (r *v2Rate) halve() {
	r.target /= 2
	r.bound()
}

func (r *v2Rate) bound() { r.target = clamp(r.target, r.p.targetBitrateMin, r.p.targetBitrateMax) }

// pacing is pace_bitrate (§4.3.2), relaxed near the highest rate.
func (r *v2Rate) pacing() float64 {
	pace := max(r.p.ratePaceMin, r.target) * r.p.packetPacingHeadroom
	low := r.p.relaxedPacingLimitLow
	relaxed := min(1, (r.target/r.p.targetBitrateMax-low)/(1-low))
	return pace / clamp(1-relaxed, 1/r.p.maxRelaxedPacingFactor, 1)
}
