package gcc

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Constants of libwebrtc's goog_cc/probe_controller.cc and
// pacing/bitrate_prober.cc.
const (
	probeResultWait   = time.Second
	largeDrop         = 0.66 // of the estimate
	dropTimeout       = 5 * time.Second
	fractionAfterDrop = 0.85
	alrEndedTimeout   = 3 * time.Second
	betweenDropProbes = 5 * time.Second
	probeUncertainty  = 0.05
	lossLimitedScale  = 1.5
	probeExpiry       = 5 * time.Second
	maxPending        = 5
)

// limitedBy is what keeps the estimate where it is
// (BandwidthLimitedCause, goog_cc/probe_controller.h).
type limitedBy uint8

const (
	byDelay       limitedBy = iota // and the delay is steady
	byDelayChange                  // a queue builds or drains
	byHighRTT                      // there was no feedback for long
	byLoss                         // the loss-based estimate falls
	byLossRising                   // the loss-based estimate rises
)

// probeConfig are the parameters of probing.
type probeConfig struct {
	enabled, alr           bool
	first, second, further float64 // of the start rate and of results
	threshold              float64 // of a probe's rate that a result needs for a further one
	alrInterval            time.Duration
	alrScale               float64
	duration               time.Duration
	packets                int
	max                    float64 // bit/s
}

// prober decides when to probe and how fast (goog_cc/probe_controller.cc).
type prober struct {
	config probeConfig

	started, waiting bool
	furtherAbove     float64 // a result above it leads to a further probe
	initiated        simtime.Time
	hasInitiated     bool
	estimate         float64
	limited          limitedBy

	dropped       simtime.Time // the last large drop of the estimate
	hasDropped    bool
	beforeDrop    float64
	dropProbed    simtime.Time
	hasDropProbed bool
	alrEnded      simtime.Time
	hasAlrEnded   bool

	pending  [maxPending]pendingProbe // oldest first
	nPending int
	lastID   uint32
}

type pendingProbe struct {
	probe ccontrol.Probe
	since simtime.Time
}

// start sends the initial probes: three and six times the start rate.
func (p *prober) start(now simtime.Time, rate float64) {
	p.started, p.estimate = true, rate
	p.initiate(now, true, p.config.first*rate, p.config.second*rate)
}

// setEstimate takes the target rate whenever it may have changed. While a
// probe's result is awaited, one that is near the probe's rate leads to another
// probe, twice as fast.
func (p *prober) setEstimate(now simtime.Time, rate float64, limited limitedBy) {
	p.limited = limited
	if rate < largeDrop*p.estimate {
		p.dropped, p.hasDropped = now, true
		p.beforeDrop = p.estimate
	}
	p.estimate = rate
	if p.waiting && rate > p.furtherAbove {
		p.initiate(now, true, p.config.further*rate)
	}
}

// recovered asks for a probe at what was there before, after a queue has
// drained: in an application-limited region or just after it, where the estimate
// can't grow by sending.
func (p *prober) recovered(now simtime.Time, inALR bool) {
	lately := p.hasAlrEnded && now.Sub(p.alrEnded) < alrEndedTimeout
	if !inALR && !lately || p.waiting || !p.started || !p.hasDropped {
		return
	}
	rate := fractionAfterDrop * p.beforeDrop
	if (1-probeUncertainty)*rate > p.estimate && now.Sub(p.dropped) < dropTimeout &&
		(!p.hasDropProbed || now.Sub(p.dropProbed) > betweenDropProbes) {
		p.dropProbed, p.hasDropProbed = now, true
		p.initiate(now, false, rate)
	}
}

// process is called now and then: it gives up waiting for results, and probes
// for more in application-limited regions.
func (p *prober) process(now simtime.Time, a *alr) {
	if p.waiting && now.Sub(p.initiated) > probeResultWait {
		p.complete()
	}
	if p.waiting || !p.started || !p.config.alr || !a.active {
		return
	}
	since := a.since
	if p.hasInitiated {
		since = max(since, p.initiated)
	}
	if now.Sub(since) >= p.config.alrInterval {
		p.initiate(now, true, p.config.alrScale*p.estimate)
	}
}

func (p *prober) complete() { p.waiting, p.furtherAbove = false, math.Inf(1) }

// initiate queues probes at the given rates, unless what limits the estimate
// forbids it. 0 is no probe.
func (p *prober) initiate(now simtime.Time, further bool, rates ...float64) {
	if !p.config.enabled {
		return
	}
	most := p.config.max
	switch p.limited {
	case byDelay:
	case byLossRising:
		most = min(most, lossLimitedScale*p.estimate)
	case byDelayChange, byHighRTT, byLoss:
		return
	}
	last := 0.0
	for _, rate := range rates {
		if rate <= 0 {
			continue
		}
		if rate >= most {
			rate, further = most, false
		}
		if last = rate; rate > 0 {
			p.push(now, rate)
		}
	}
	p.initiated, p.hasInitiated = now, true
	if !further {
		p.complete()
		return
	}
	p.waiting = true
	p.furtherAbove = p.config.threshold * last
}

func (p *prober) push(now simtime.Time, rate float64) {
	p.expire(now)
	if p.nPending == maxPending {
		p.pop()
	}
	p.lastID++
	p.pending[p.nPending] = pendingProbe{since: now, probe: ccontrol.Probe{
		ID:      p.lastID,
		Rate:    units.BitRate(math.Ceil(rate)),
		Packets: p.config.packets,
		Bytes:   units.Bytes(math.Ceil(rate * p.config.duration.Seconds() / 8)),
	}}
	p.nPending++
}

func (p *prober) expire(now simtime.Time) {
	for p.nPending > 0 && now.Sub(p.pending[0].since) > probeExpiry {
		p.pop()
	}
}

func (p *prober) pop() ccontrol.Probe {
	first := p.pending[0].probe
	copy(p.pending[:], p.pending[1:p.nPending])
	p.nPending--
	return first
}

// poll returns the probe that is due.
func (p *prober) poll(now simtime.Time) (ccontrol.Probe, bool) {
	p.expire(now)
	if p.nPending == 0 {
		return ccontrol.Probe{}, false
	}
	return p.pop(), true
}
