package scream

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// v2 joins the parts of rfc8298bis: network congestion control (§4.2), sender transmission
// control (§4.3), for which the host waits, and media rate control (§4.4).
type v2 struct {
	p      v2Parameters
	path   path
	losses losses
	events lossEvents
	marks  marks
	delay  averageDelay
	drift  clockDrift
	target targetDelay
	norm   sampler // for target
	ref    refWindow
	rate   v2Rate
	clock  selfClock
	start  float64 // rate to begin with
	ect1   bool    // packets arrive as ECT(1)
}

func newV2(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
	p, err := readV2Parameters(l, v)
	if err != nil {
		return nil, err
	}
	c := &v2{p: p, clock: newSelfClock(), start: clamp(float64(l.Start), p.targetBitrateMin, p.targetBitrateMax)}
	c.path.base.horizon = p.baseHorizon
	c.marks = marks{up: p.l4sAvgGUp, down: p.l4sAvgGDown}
	c.delay = newAverageDelay(&c.p)
	c.drift = clockDrift{gain: p.qdelayMinAvgAlpha, least: math.Inf(1)}
	c.target = targetDelay{lo: p.qdelayTargetLo, hi: p.qdelayTargetHi, target: p.qdelayTargetLo, adapt: p.competingFlows}
	c.ref = newRefWindow(&c.p)
	c.rate = v2Rate{p: &c.p, target: max(c.start, 1), period: p.framePeriod}
	return c, nil
}

// OnSent counts.
func (c *v2) OnSent(now simtime.Time, s ccontrol.Sent) {
	c.path.onSent(s)
	c.ref.onSent(c.path.inFlight)
	size, backlog := clampBytes(float64(s.Size)), clampBytes(float64(s.Backlog))
	c.rate.onSent(now, size, backlog)
	c.clock.onSent(now, &c.path, size, backlog, c.gap())
}

// OnFeedback runs §4.2 and §4.4. Messages without results of packets say nothing about
// them.
func (c *v2) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if len(r.Packets) == 0 {
		return
	}
	var ackedCE float64
	for i := range r.Packets {
		ackedCE += c.onPacket(now, &r.Packets[i])
	}
	if !c.path.arrived {
		return // nothing has ever arrived: there is no round trip to reckon with
	}
	first := c.path.sRTT == 0
	backlog := clampBytes(float64(r.Backlog))
	newlyAcked, elapsed := c.path.onReport(now, r)
	c.clock.onReport(now, &c.path, backlog, c.gap())
	c.rate.backlog = backlog
	c.rate.onAck(now, newlyAcked, c.path.sRTT)
	if first {
		c.begin()
	}
	lost, sent := c.losses.declare(now)
	if lost > 0 {
		c.ref.lossDetected, c.ref.lossSent = true, max(c.ref.lossSent, sent)
		c.ref.onResult(lost)
	}
	c.events.update(now, lost > 0, c.path.roundTrip())
	c.ref.update(&conditions{
		now: now, l4s: c.ect1 && c.p.isL4S, alpha: c.marks.alpha,
		qdelay: c.path.qdelay, qdelayAvg: c.delay.average, qdelayTarget: c.target.target, delayScale: c.delay.scale,
		sRTT: c.path.sRTT, elapsed: elapsed, newlyAcked: newlyAcked, newlyAckedCE: ackedCE,
		target: c.rate.target, ackedBitrate: c.rate.ackedRate,
		targetIsMaximum: c.rate.target >= c.p.targetBitrateMax,
	})
	c.path.slow = c.sourceLimited()
	c.ref.round(now, c.path.inFlight, c.path.sRTT)
	c.checkDrift(now)
	c.rate.update(now, c.ref.size, c.ref.ratio(), c.path.sRTT)
}

// sourceLimited reports whether the media leave the window unused (§6). Less in flight than
// ref_wnd alone doesn't show it: where s_rtt is too high, the target rate is too low, and s_rtt would
// stay too high for want of traffic.
func (c *v2) sourceLimited() bool {
	return c.ref.unused() && c.rate.ackedRate < c.p.ackedBitrateMargin*c.rate.target
}

// onPacket takes one result and returns the bytes that were marked.
func (c *v2) onPacket(now simtime.Time, p *ccontrol.PacketResult) (ce float64) {
	sRTT := c.path.roundTrip()
	if !c.path.onPacket(now, p) {
		c.losses.onPacket(now, p, sRTT)
		if !p.Received {
			return 0
		}
	} else {
		c.ref.onResult(0)
		c.delay.sample(p.Arrival, c.path.qdelay, c.target.target, sRTT)
		c.drift.sample(c.path.qdelay)
		if c.norm.due(p.Arrival, samplePeriod) {
			c.target.sample(c.path.qdelay, c.events.rate)
		}
	}
	marked := p.ECN == packet.CE
	c.ect1 = c.ect1 || p.ECN == packet.ECT1
	c.marks.onPacket(p.Arrival, marked, sRTT)
	if !marked {
		return 0
	}
	c.ref.marked, c.ref.markSent = true, max(c.ref.markSent, p.Sent)
	return clampBytes(float64(p.Size))
}

// begin makes the window that goes with the rate that the media begin with. The document begins
// with MIN_REF_WND, whatever the round-trip time, and knows no such rate.
func (c *v2) begin() {
	wnd := c.start * c.path.sRTT / 8 / c.rate.share(0)
	c.ref.size = clamp(wnd, c.p.minRefWnd, most)
}

// checkDrift is §4.5.1.
func (c *v2) checkDrift(now simtime.Time) {
	if c.drift.update(now, c.path.roundTrip(), c.target.target) && c.p.clockDrift {
		c.path.base.reset()
		c.rate.halved = now.Add(max(5*c.path.roundTrip(), driftPause))
	}
}

// NextTimeout is when the self-clock needs help.
func (c *v2) NextTimeout() simtime.Time { return c.clock.next() }

// OnTimeout lets a packet pass while reports are overdue.
func (c *v2) OnTimeout(now simtime.Time) {
	if c.clock.onTimeout(now, &c.path, c.p.mss, c.gap()) {
		c.rate.halve()
	}
}

func (c *v2) gap() time.Duration { return gap(&c.path, c.p.mss, c.p.ratePaceMin) }

// Target returns target_bitrate, pace_bitrate and ref_wnd with its overhead.
func (c *v2) Target() ccontrol.Target {
	wnd := c.ref.size * c.ref.overhead(c.delay.scale)
	return ccontrol.Target{
		Media:  units.BitRate(math.Round(c.rate.target)),
		Pacing: units.BitRate(math.Round(c.rate.pacing())),
		Window: units.Bytes(math.Round(max(wnd, c.clock.grace))),
	}
}

// Signals are in the order of [v2Signals].
func (c *v2) Signals(values []float64) []float64 {
	sRTT := math.NaN()
	if c.path.sRTT > 0 {
		sRTT = 1e3 * c.path.sRTT
	}
	l4s := 0.0
	if c.ect1 && c.p.isL4S {
		l4s = 1
	}
	return append(values,
		c.ref.size, c.ref.inflection, c.path.inFlight, max(c.ref.inFlight, c.ref.inFlightWas),
		1e3*c.path.qdelay, 1e3*c.delay.average, 1e3*c.target.target, c.delay.scale,
		l4s, c.marks.alpha, sRTT, c.ref.lossRate, c.events.rate,
		c.rate.target, c.rate.ackedRate, c.rate.adjust, c.rate.sizes)
}
