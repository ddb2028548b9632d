package gcc

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// The estimate of libwebrtc's LossBasedBweV2
// (goog_cc/loss_based_bwe_v2.cc, CreateConfig).
const (
	leastObservations = 3
	rampUp            = 1.5 // of the acknowledged rate
	rampUpInHold      = 1.2
	rampUpHoldBelow   = 1.3 // of the held rate, when the factor of hold applies
	maxIncrease       = 1.3
	increaseWindow    = 300 * time.Millisecond
	firstHold         = 300 * time.Millisecond
	longestHold       = time.Minute
	holdFactor        = 2
	leastBandwidth    = 5000 // bit/s, kCongestionControllerMinBitrate
)

var candidateFactors = [...]float64{1.02, 1, 0.95}

// lossState says how the loss-based estimate stands to the delay-based one.
type lossState uint8

const (
	notLossLimited lossState = iota
	lossIncreasing
	lossDecreasing
)

// lossV2 is libwebrtc's loss-based estimator: of a few candidates for the
// bandwidth and the loss that has nothing to do with it, it takes the one that
// makes the losses of the last seconds most likely.
//
// Deviation: libwebrtc sends padding while the estimate rises again
// (kIncreaseUsingPadding). A target has no padding, so this is the variant without
// (PaddingDuration 0), which may send probes instead.
type lossV2 struct {
	min, max float64
	seen     observations
	average  float64 // loss ratio

	best    channel
	hasBest bool
	acked   float64 // bit/s; 0 if unknown

	estimate float64
	state    lossState

	// While it is limited by loss the estimate grows by at most 30 % in a window.
	windowLimit float64
	windowFrom  simtime.Time
	hasWindow   bool

	hold holding
}

// holding keeps the estimate from rising at once to a rate that was too much.
type holding struct {
	until    simtime.Time
	duration time.Duration
	rate     float64
}

func newLossV2(least, most float64) *lossV2 {
	l := &lossV2{min: least, max: most, seen: newObservations()}
	l.best.inherent = firstInherentLoss
	l.windowLimit = math.Inf(1)
	l.releaseHold()
	return l
}

func (l *lossV2) releaseHold() {
	l.hold = holding{until: math.MinInt64, duration: firstHold, rate: math.Inf(1)}
}

// ready reports whether there is an estimate.
func (l *lossV2) ready() bool { return l.hasBest && l.seen.count >= leastObservations }

func (l *lossV2) limited() bool { return l.state != notLossLimited }

// update takes the packets of a report. delayBased is infinite while unknown.
func (l *lossV2) update(packets []ccontrol.PacketResult, acked, delayBased float64, inALR bool) {
	if acked > 0 {
		l.acked = acked
	}
	if !l.seen.add(packets) {
		return
	}
	l.average = l.seen.averageLoss()
	if !l.hasBest {
		if math.IsInf(delayBased, 1) {
			return
		}
		l.hasBest = true
		l.best.bandwidth, l.estimate = delayBased, delayBased
	}
	best := l.restrain(l.choose(delayBased, inALR))
	bounded := max(l.lower(), min(best.bandwidth, l.upper(), delayBased))
	l.best = best
	if bounded < best.bandwidth {
		l.best = channel{bandwidth: bounded}
	} else {
		l.best.bandwidth = max(best.bandwidth, l.lower())
	}
	l.transit(bounded, delayBased)
}

// choose returns the most likely candidate; among equals the one with the
// greater bandwidth.
func (l *lossV2) choose(delayBased float64, inALR bool) channel {
	best, most := l.best, math.Inf(-1)
	consider := func(bandwidth float64) {
		c := l.candidate(bandwidth)
		c.newton(l.seen.kept())
		o := c.objective(l.seen.kept(), l.average)
		if o > most || !(o < most) && c.bandwidth > best.bandwidth {
			most, best = o, c
		}
	}
	for _, f := range candidateFactors {
		consider(f * l.best.bandwidth)
	}
	if l.acked > 0 && !inALR {
		consider(l.acked)
	}
	if delayBased > l.best.bandwidth && !math.IsInf(delayBased, 1) {
		consider(delayBased)
	}
	return best
}

func (l *lossV2) candidate(bandwidth float64) channel {
	most := l.max
	if l.limited() && !math.IsInf(l.windowLimit, 1) {
		most = l.windowLimit
	}
	c := channel{inherent: l.best.inherent, bandwidth: min(bandwidth, max(l.best.bandwidth, most))}
	c.inherent = c.feasible()
	return c
}

// restrain limits how much the estimate grows.
func (l *lossV2) restrain(c channel) channel {
	before := l.best.bandwidth
	if l.average > c.inherent && before < c.bandwidth {
		// There is more loss than the path explains.
		c.bandwidth = before
	}
	if !l.limited() {
		return c
	}
	if l.hasWindow && l.windowFrom.Add(increaseWindow) > l.seen.last {
		c.bandwidth = min(c.bandwidth, l.windowLimit)
	}
	if l.rising(before, c.bandwidth) && l.acked > 0 {
		factor := rampUp
		if l.acked < float64(rampUpHoldBelow*l.hold.rate) && !math.IsInf(l.hold.rate, 1) {
			factor = rampUpInHold
		}
		c.bandwidth = max(before, min(c.bandwidth, factor*l.acked))
		if l.state == lossDecreasing && c.bandwidth <= before {
			c.bandwidth = before + 1 // enough to become increasing
		}
	}
	return c
}

// rising reports whether the estimate rises, or stays in a state of rising.
func (l *lossV2) rising(before, after float64) bool {
	return l.limited() && (before < after || !(after < before) && l.state == lossIncreasing)
}

// upper bounds the estimate at once while losses are heavy.
func (l *lossV2) upper() float64 {
	if l.average > instantBoundOffset {
		return min(l.max, instantBoundBalance/(l.average-instantBoundOffset))
	}
	return l.max
}

// lower: what gets through is there.
func (l *lossV2) lower() float64 { return max(l.acked, l.min) }

// transit finds the state that the new estimate leads to, and holds it back.
func (l *lossV2) transit(bounded, delayBased float64) {
	below := bounded < delayBased
	if l.state == lossDecreasing && l.hold.until > l.seen.last && below {
		l.hold.rate = max(l.lower(), l.hold.rate)
		l.estimate = min(l.hold.rate, bounded)
		return
	}
	below = below && bounded < l.max
	switch {
	case !below:
		l.releaseHold()
		l.state = notLossLimited
	case l.rising(l.estimate, bounded):
		l.state = lossIncreasing
	default:
		if l.state != lossDecreasing {
			l.hold = holding{
				until:    l.seen.last.Add(l.hold.duration),
				duration: min(longestHold, holdFactor*l.hold.duration),
				rate:     bounded,
			}
		}
		l.state = lossDecreasing
	}
	l.estimate = bounded
	if l.limited() && (!l.hasWindow || l.windowFrom.Add(increaseWindow) < l.seen.last) {
		l.windowLimit = max(leastBandwidth, float64(maxIncrease*l.best.bandwidth))
		l.windowFrom, l.hasWindow = l.seen.last, true
	}
}
