package gcc

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/simtime"
)

// rateState is a state of the rate control (draft §5.5).
type rateState uint8

const (
	hold rateState = iota
	increase
	decrease
)

func (s rateState) String() string { return [...]string{"hold", "increase", "decrease"}[s] }

// next is the table of transitions in draft §5.5.
func (s rateState) next(u usage) rateState {
	switch u {
	case overuse:
		return decrease
	case underuse:
		return hold
	case normal:
		if s == hold {
			return increase
		}
		if s == decrease {
			return hold
		}
		return s
	}
	panic(fmt.Sprintf("gcc: no usage %d in state %v", u, s))
}

// Constants of libwebrtc's remote_bitrate_estimator/aimd_rate_control.cc.
const (
	defaultRTT         = 200 * time.Millisecond
	detectionTime      = 100 * time.Millisecond // also draft §5.5
	framesPerSecond    = 30
	expectedPacketBits = 1200 * 8
	leastSlope         = 4000 // bit/s²
	belowThroughput    = 5000 // bit/s
	limitMargin        = 10_000
	limitFactor        = 1.5  // of the throughput, also draft §5.5
	leastGrowth        = 1000 // bit/s per update
)

var logGrowth = detmath.Log(1.08) // 8 % per second, draft §5.5

// aimd is the rate control of the delay-based part: draft §5.5 or, where
// that differs, libwebrtc's AimdRateControl. Rates are in bit/s.
type aimd struct {
	draft bool
	beta  float64
	least float64

	rate       float64 // A_hat
	throughput float64 // the last R_hat
	capacity   linkCapacity
	state      rateState
	rtt        time.Duration
	changed    simtime.Time // when the rate was last set or grew
	hasChanged bool
}

func newAIMD(draft bool, beta, least, start float64) aimd {
	return aimd{draft: draft, beta: beta, least: least, rate: start, throughput: start, rtt: defaultRTT}
}

// set gives the control another rate: a probe's.
func (a *aimd) set(now simtime.Time, rate float64) {
	a.rate = max(rate, a.least)
	a.touch(now)
}

func (a *aimd) touch(now simtime.Time) { a.changed, a.hasChanged = now, true }

// mayReduce reports whether a further decrease may follow the last change: after
// a round-trip time, or if far less gets through than is sent.
func (a *aimd) mayReduce(now simtime.Time, throughput float64) bool {
	wait := min(max(a.rtt, 10*time.Millisecond), 200*time.Millisecond)
	return !a.hasChanged || now.Sub(a.changed) >= wait || throughput < a.rate/2
}

// update runs the control once. throughput is R_hat; 0 if it isn't known yet.
func (a *aimd) update(now simtime.Time, u usage, throughput float64) {
	if throughput > 0 {
		a.throughput = throughput
	}
	before := a.state
	a.state = a.state.next(u)
	switch a.state {
	case hold:
	case increase:
		if before == hold {
			a.touch(now)
		}
		a.increase(now)
	case decrease:
		a.decrease(now)
		if !a.draft {
			// libwebrtc waits for the queue to drain straight away.
			a.state = hold
		}
	}
	a.rate = max(a.rate, a.least)
}

func (a *aimd) increase(now simtime.Time) {
	if _, upper := a.capacity.bounds(); a.throughput > upper {
		a.capacity.reset() // there is more than there used to be
	}
	limit := float64(limitFactor * a.throughput)
	if !a.draft {
		limit += limitMargin
	}
	if a.rate < limit {
		grown := a.rate
		if a.capacity.known {
			grown += a.additive(now)
		} else {
			grown += a.multiplicative(now)
		}
		a.rate = min(grown, limit)
	}
	a.touch(now)
}

// multiplicative is the growth far from the capacity, 8 % per second.
func (a *aimd) multiplicative(now simtime.Time) float64 {
	share := 1.0
	if a.hasChanged {
		share = min(now.Sub(a.changed).Seconds(), 1)
	}
	growth := float64(a.rate * (detmath.Exp(logGrowth*share) - 1))
	if a.draft {
		return growth
	}
	return max(growth, leastGrowth)
}

// additive is the growth near the capacity: half a packet per response time.
func (a *aimd) additive(now simtime.Time) float64 {
	frame := a.rate / framesPerSecond
	packet := frame / max(math.Ceil(frame/expectedPacketBits), 1)
	response := (a.rtt + detectionTime).Seconds()
	passed := now.Sub(a.changed).Seconds()
	if a.draft {
		return max(leastGrowth, float64(0.5*min(passed/response, 1)*packet))
	}
	return float64(max(leastSlope, packet/(2*response)) * passed)
}

func (a *aimd) decrease(now simtime.Time) {
	lowered := float64(a.beta * a.throughput)
	if !a.draft && lowered > belowThroughput {
		lowered -= belowThroughput
	}
	if lowered > a.rate && a.capacity.known {
		lowered = a.beta * a.capacity.rate()
	}
	a.rate = min(a.rate, lowered) // over-use never raises it
	if lower, _ := a.capacity.bounds(); a.throughput < lower {
		a.capacity.reset() // there is less than there used to be
	}
	a.capacity.onOveruse(a.throughput)
	a.touch(now)
}
