package gcc

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// startPhase is how long the delay-based estimate is trusted alone, as long as
// there is no loss (goog_cc/send_side_bandwidth_estimation.cc).
const startPhase = 2 * time.Second

// bandwidth joins the estimates to one target: SendSideBandwidthEstimation of
// libwebrtc, draft §6. Rates are in bit/s.
type bandwidth struct {
	min, max float64
	v1       *lossV1
	v2       *lossV2 // nil unless it is to be used
	off      bool    // no loss-based part
	backoff  rttBackoff

	target      float64
	delayBased  float64 // infinite if there is none yet
	receiver    float64 // the receiver's estimate, likewise
	rtt         time.Duration
	decreasedAt simtime.Time
	hasLowered  bool
	first       simtime.Time // report of any kind
	hasFirst    bool
}

// setProbed takes the result of a probe, which nothing so far limits.
func (b *bandwidth) setProbed(rate float64) {
	b.delayBased = math.Inf(1)
	b.set(rate)
	b.v1.restart()
}

func (b *bandwidth) setDelayBased(rate float64) {
	b.delayBased = rate
	b.set(b.target)
}

func (b *bandwidth) setReceiver(rate float64) {
	b.receiver = math.Inf(1)
	if rate > 0 {
		b.receiver = rate
	}
}

// set changes the target within its limits.
func (b *bandwidth) set(rate float64) {
	b.target = max(min(rate, b.delayBased, b.max), b.min)
}

// rate is the target, which the receiver's estimate caps.
func (b *bandwidth) rate() float64 { return max(min(b.target, b.receiver), b.min) }

func (b *bandwidth) heard(now simtime.Time) {
	if !b.hasFirst {
		b.first, b.hasFirst = now, true
	}
}

func (b *bandwidth) starting(now simtime.Time) bool {
	return !b.hasFirst || now.Sub(b.first) < startPhase
}

// onPackets takes feedback about packets.
func (b *bandwidth) onPackets(now simtime.Time, r []ccontrol.PacketResult, n tally, acked float64, inALR bool) {
	b.heard(now)
	if b.v2 != nil {
		b.v2.update(r, acked, b.delayBased, inALR)
	} else {
		b.v1.onPackets(now, n.expected, n.lost)
	}
	b.update(now)
}

// onReception takes reception reports: their losses if there is no feedback
// about packets.
func (b *bandwidth) onReception(now simtime.Time, r []ccontrol.Reception, count bool) {
	b.heard(now)
	if count && b.v1.onReception(now, r) {
		b.update(now)
	}
}

// update finds the target anew. It is due after every report and now and then.
func (b *bandwidth) update(now simtime.Time) {
	switch {
	case b.backoff.exceeded():
		b.backOff(now)
	case b.starting(now) && b.v1.ratio <= 0 && (b.v2 == nil || !b.v2.ready()) && b.trustDelayBased(now):
	case b.off:
		b.followDelayBased()
	default:
		b.byLoss(now)
	}
}

func (b *bandwidth) backOff(now simtime.Time) {
	if b.sinceLowered(now) >= b.backoff.interval && b.target > backoffFloor {
		b.lower(now, max(float64(b.target*b.backoff.fraction), backoffFloor))
		return
	}
	b.set(b.target)
}

// trustDelayBased follows the delay-based estimate upwards; false if that changes
// nothing.
func (b *bandwidth) trustDelayBased(now simtime.Time) bool {
	if math.IsInf(b.delayBased, 1) || b.delayBased <= b.target {
		return false
	}
	before := b.target
	b.set(b.delayBased)
	if b.target <= before {
		return false
	}
	b.v1.restart()
	b.v1.remember(now, before)
	return true
}

func (b *bandwidth) followDelayBased() {
	if !math.IsInf(b.delayBased, 1) {
		b.set(b.delayBased)
	}
}

func (b *bandwidth) byLoss(now simtime.Time) {
	b.v1.remember(now, b.target)
	if b.v2 != nil && b.v2.ready() {
		b.set(b.v2.estimate)
		return
	}
	rate, lowered := b.v1.update(now, b.target, b.rtt, b.sinceLowered(now))
	if lowered {
		b.lower(now, rate)
		return
	}
	b.set(rate)
}

func (b *bandwidth) lower(now simtime.Time, rate float64) {
	b.decreasedAt, b.hasLowered = now, true
	b.set(rate)
}

func (b *bandwidth) sinceLowered(now simtime.Time) time.Duration {
	if !b.hasLowered {
		return math.MaxInt64
	}
	return now.Sub(b.decreasedAt)
}

// limitedBy says what keeps the target where it is, which decides about probes.
func (b *bandwidth) limitedBy(u usage) limitedBy {
	switch {
	case u != normal:
		return byDelayChange
	case b.backoff.exceeded():
		return byHighRTT
	case b.v2 == nil:
		return byDelay
	}
	switch b.v2.state {
	case lossDecreasing:
		return byLoss
	case lossIncreasing:
		return byLossRising
	case notLossLimited:
	}
	return byDelay
}
