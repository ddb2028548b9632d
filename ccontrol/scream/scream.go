// Package scream is Self-Clocked Rate Adaptation for Multimedia: version 1 of RFC 8298 as
// "scream" ([v1]), and version 2 of draft-ietf-ccwg-rfc8298bis-screamv2-01 as "scream-v2"
// ([v2]). The names are those of the documents.
//
// Both measure the path alike ([path]), tell lost packets from late ones ([losses]), adapt
// the target of the queuing delay to competing flows ([targetDelay]), and survive without
// feedback ([selfClock]).
package scream

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// v1 joins the parts of RFC 8298: network congestion control (§4.1.2) and media rate
// control (§4.1.3). The host does what the sender transmission control has to wait for.
type v1 struct {
	p       parameters
	path    path
	losses  losses
	events  lossEvents
	react   reaction
	target  targetDelay
	trend   trend
	sampler sampler
	window  window
	media   mediaRate
	clock   selfClock
	// nextAdjust is when the media's rate is adjusted.
	nextAdjust simtime.Time
}

func newV1(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
	p, err := readParameters(l, v)
	if err != nil {
		return nil, err
	}
	c := &v1{p: p, clock: newSelfClock(), nextAdjust: simtime.Never}
	c.path.base.horizon = p.baseHorizon
	c.target = targetDelay{lo: p.qdelayTargetLo, hi: p.qdelayTargetHi, target: p.qdelayTargetLo, adapt: p.competingFlows}
	c.trend.weight = p.qdelayWeight
	c.window = window{p: &c.p, cwnd: p.minCwnd, inFastIncrease: true}
	c.media = mediaRate{p: &c.p, lastMax: 1, target: clamp(float64(l.Start), p.targetBitrateMin, p.targetBitrateMax)}
	return c, nil
}

// OnSent counts. The first packet starts the media rate control.
func (c *v1) OnSent(now simtime.Time, s ccontrol.Sent) {
	c.path.onSent(s)
	c.window.inFlight.update(now, c.path.inFlight)
	if c.nextAdjust == simtime.Never {
		c.nextAdjust = now.Add(c.p.rateAdjustInterval)
		c.media.adjusted, c.media.ackedSince = now, now
	}
	size, backlog := clampBytes(float64(s.Size)), clampBytes(float64(s.Backlog))
	c.media.onSent(size, backlog)
	c.clock.onSent(now, &c.path, size, backlog, c.gap())
}

// OnFeedback runs §4.1.2. Messages without results of packets say nothing about them.
func (c *v1) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if len(r.Packets) == 0 {
		return
	}
	var marked bool
	var markSent simtime.Time
	for i := range r.Packets {
		p := &r.Packets[i]
		if c.path.onPacket(now, p) {
			c.sample(p.Arrival)
		} else {
			c.losses.onPacket(now, p, c.path.roundTrip())
		}
		if p.Received && p.ECN == packet.CE {
			marked, markSent = true, max(markSent, p.Sent)
		}
	}
	backlog := clampBytes(float64(r.Backlog))
	newlyAcked, _ := c.path.onReport(now, r)
	c.clock.onReport(now, &c.path, backlog, c.gap())
	c.media.onAck(now, newlyAcked, backlog)
	n, lossSent := c.losses.declare(now)
	c.events.update(now, n > 0, c.path.roundTrip())
	switch {
	case n > 0 && c.react.due(now, lossSent, c.path.roundTrip()):
		c.congestion(now, c.p.betaLoss, c.p.betaR)
	case marked && c.react.due(now, markSent, c.path.roundTrip()):
		c.congestion(now, c.p.betaECN, c.p.betaECN)
	default:
		if c.window.onAck(now, newlyAcked, c.path.inFlight, c.path.qdelay, c.target.target, c.trend.trend) {
			c.media.inflect()
		}
	}
}

// sample takes the queuing delay every 50 ms.
func (c *v1) sample(at simtime.Time) {
	if !c.sampler.due(at, samplePeriod) {
		return
	}
	c.trend.sample(c.path.qdelay / c.target.target)
	c.target.sample(c.path.qdelay, c.events.rate)
}

// congestion is §4.1.2.2's "on congestion event" and the prompt reaction of §4.1.3.
func (c *v1) congestion(now simtime.Time, windowBeta, rateBeta float64) {
	c.react.note(now)
	c.window.onCongestion(now, windowBeta)
	c.media.onCongestion(rateBeta)
	c.nextAdjust = now.Add(c.p.rateAdjustInterval)
}

// NextTimeout is when the media's rate is adjusted next or the self-clock needs help.
func (c *v1) NextTimeout() simtime.Time { return min(c.nextAdjust, c.clock.next()) }

// OnTimeout does what is due. While reports are overdue the media's rate doesn't grow, as
// nothing shows that it may.
func (c *v1) OnTimeout(now simtime.Time) {
	if c.clock.onTimeout(now, &c.path, c.p.mss, c.gap()) {
		c.media.onCongestion(0.5)
	}
	if now < c.nextAdjust {
		return
	}
	c.nextAdjust = now.Add(c.p.rateAdjustInterval)
	c.media.measure(now)
	before := c.media.target
	c.media.adjust(c.window.inFastIncrease, c.trend.trend, c.trend.memory)
	if c.clock.late {
		c.media.target = min(c.media.target, before)
	}
}

func (c *v1) gap() time.Duration { return gap(&c.path, c.p.mss, c.p.ratePaceMin) }

// Target returns target_bitrate, the pacing rate of §4.1.2.6 and the window of §4.1.2.5.
func (c *v1) Target() ccontrol.Target {
	pace := c.media.target
	if c.path.sRTT > 0 {
		pace = 8 * c.window.cwnd / c.path.sRTT
	}
	wnd := c.window.cwnd
	if c.path.qdelay <= c.target.target {
		wnd += c.p.mss
	}
	return ccontrol.Target{
		Media:  units.BitRate(math.Round(c.media.target)),
		Pacing: units.BitRate(math.Round(max(c.p.ratePaceMin, pace))),
		Window: units.Bytes(math.Round(max(wnd, c.clock.grace))),
	}
}

// Signals are in the order of [v1Signals].
func (c *v1) Signals(values []float64) []float64 {
	sRTT := math.NaN()
	if c.path.sRTT > 0 {
		sRTT = 1e3 * c.path.sRTT
	}
	fast := 0.0
	if c.window.inFastIncrease {
		fast = 1
	}
	return append(values,
		c.window.cwnd, c.path.inFlight, c.window.inFlight.max(),
		1e3*c.path.qdelay, 1e3*c.target.target, c.trend.trend, c.trend.memory,
		fast, sRTT, c.events.rate,
		c.media.target, c.media.lastMax, c.media.transmit, c.media.ack, c.media.media, float64(c.media.queue/8))
}
