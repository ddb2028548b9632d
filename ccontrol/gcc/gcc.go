// Package gcc is Google Congestion Control: draft-ietf-rmcat-gcc-02, and what
// libwebrtc has made of it since. Parameters choose between the two, part by part.
// All of it runs at the sender, on feedback about every packet.
//
// The controller is the part of [delayBased], which compares when packets leave and
// when they arrive, and of [lossV1] or [lossV2], which look at losses;
// [bandwidth] joins them. [prober] asks for bursts that show whether there is more, as
// an application that sends little can't find out otherwise.
package gcc

import (
	"math"
	"slices"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	// processInterval is how often libwebrtc runs what doesn't wait for feedback.
	processInterval = 25 * time.Millisecond
	// probeDropFraction bounds how far a probe's result may lower the estimate:
	// to a part of what gets through (goog_cc/goog_cc_network_control.cc).
	probeDropFraction = 0.85
	// largestPacket bounds what feedback may claim about the size of a packet.
	largestPacket = 1 << 16
)

// controller is GoogCcNetworkController of libwebrtc.
type controller struct {
	limits ccontrol.Limits
	pacing float64 // times the target

	delay     delayBased
	acked     throughput
	bandwidth bandwidth
	alr       alr
	wasALR    bool
	probes    prober
	results   probeEstimator

	due        simtime.Time
	lastReport simtime.Time // about packets
	hasReport  bool
	newest     uint64                  // packet reported on, plus one
	arrived    []ccontrol.PacketResult // of the present report, in order of arrival
	reported   []ccontrol.PacketResult // all of it
}

// tally counts packets of a report.
type tally struct{ expected, lost int }

// OnSent notes when packets leave. The first one starts the clock.
func (c *controller) OnSent(now simtime.Time, s ccontrol.Sent) {
	if c.due == simtime.Never {
		c.due = now.Add(processInterval)
	}
	c.alr.onSent(now, min(max(s.Size, 0), largestPacket))
	c.bandwidth.backoff.onSent(now)
}

// NextTimeout returns when OnTimeout is due: every 25 ms.
func (c *controller) NextTimeout() simtime.Time { return c.due }

// OnTimeout finds the target anew, as feedback may stay away, and asks for
// periodic probes.
func (c *controller) OnTimeout(now simtime.Time) {
	if now < c.due {
		return
	}
	c.due = now.Add(processInterval)
	if !c.probes.started {
		c.probes.start(now, c.bandwidth.rate())
	}
	c.bandwidth.update(now)
	c.probes.process(now, &c.alr)
	c.publish(now)
}

// OnFeedback takes a report of any kind.
func (c *controller) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if r.Estimate > 0 {
		c.bandwidth.setReceiver(float64(r.Estimate))
	}
	c.setRTT(r.RTT)
	for i := range r.Reception {
		c.setRTT(r.Reception[i].RTT)
	}
	if len(r.Reception) > 0 {
		silent := !c.hasReport || now.Sub(c.lastReport) > streamTimeout
		c.bandwidth.onReception(now, r.Reception, silent)
	}
	if len(r.Packets) > 0 {
		c.lastReport, c.hasReport = now, true
		c.onPackets(now, r.Packets)
	}
	c.publish(now)
}

func (c *controller) setRTT(rtt time.Duration) {
	if rtt > 0 {
		c.delay.control.rtt, c.bandwidth.rtt = rtt, rtt
	}
}

func (c *controller) onPackets(now simtime.Time, packets []ccontrol.PacketResult) {
	n := c.take(packets)
	if len(c.arrived) > 0 {
		c.bandwidth.backoff.onFeedback(now, c.propagation(now))
	}
	if c.wasALR && !c.alr.active {
		c.acked.alrEnded(now)
		c.probes.alrEnded, c.probes.hasAlrEnded = now, true
	}
	c.wasALR = c.alr.active
	c.acked.add(c.arrived)
	acked := c.acked.rate()
	result := c.delay.onPackets(now, c.arrived, acked, c.probed(acked))
	if result.probed {
		c.bandwidth.setProbed(c.delay.control.rate)
	}
	if result.updated {
		c.bandwidth.setDelayBased(c.delay.control.rate)
	}
	c.bandwidth.onPackets(now, c.reported, n, acked, c.alr.active)
	if result.recovered {
		c.publish(now)
		c.probes.recovered(now, c.alr.active)
	}
}

// take copies a report's packets, as their order must change, and bounds what a
// receiver may claim.
func (c *controller) take(packets []ccontrol.PacketResult) tally {
	var n tally
	c.reported, c.arrived = c.reported[:0], c.arrived[:0]
	for i := range packets {
		p := packets[i]
		p.Size = min(max(p.Size, 0), largestPacket)
		c.reported = append(c.reported, p)
		late := p.Seq < c.newest
		switch {
		case !late:
			n.expected++
			c.newest = p.Seq + 1
			if !p.Received {
				n.lost++
			}
		case p.Received:
			n.lost-- // it was reported lost
		}
		if p.Received {
			c.arrived = append(c.arrived, p)
		}
	}
	if !slices.IsSortedFunc(c.arrived, byArrival) {
		slices.SortStableFunc(c.arrived, byArrival)
	}
	return n
}

func byArrival(a, b ccontrol.PacketResult) int {
	switch {
	case a.Arrival < b.Arrival:
		return -1
	case a.Arrival > b.Arrival:
		return 1
	}
	return 0
}

// propagation is the least round-trip time in a report, without the time for which
// the receiver held its news.
func (c *controller) propagation(now simtime.Time) time.Duration {
	last := c.arrived[len(c.arrived)-1].Arrival
	least := time.Duration(math.MaxInt64)
	for i := range c.arrived {
		p := &c.arrived[i]
		least = min(least, now.Sub(p.Sent)-last.Sub(p.Arrival))
	}
	return max(least, 0)
}

// probed returns what probes in the report have measured; 0 if nothing.
func (c *controller) probed(acked float64) float64 {
	probed := 0.0
	for i := range c.arrived {
		if p := &c.arrived[i]; p.Probe != 0 {
			if rate, ok := c.results.add(p); ok {
				probed = rate
			}
		}
	}
	if probed > 0 && acked > 0 {
		probed = max(probed, min(c.delay.control.rate, float64(acked*probeDropFraction)))
	}
	return probed
}

// publish tells the parts that follow the target.
func (c *controller) publish(now simtime.Time) {
	rate := c.bandwidth.rate()
	c.alr.setTarget(rate)
	if c.probes.started {
		c.probes.setEstimate(now, rate, c.bandwidth.limitedBy(c.delay.detector.state))
	}
}

// PollProbe returns the probe that is due.
func (c *controller) PollProbe(now simtime.Time) (ccontrol.Probe, bool) {
	p, ok := c.probes.poll(now)
	if ok {
		c.results.expect(&p)
	}
	return p, ok
}

// Target returns the target and paces at a multiple of it.
func (c *controller) Target() ccontrol.Target {
	rate := min(max(c.bandwidth.rate(), float64(c.limits.Min)), float64(c.limits.Max))
	return ccontrol.Target{
		Media:  units.BitRate(math.Round(rate)),
		Pacing: units.BitRate(math.Round(max(rate*c.pacing, 1))),
	}
}
