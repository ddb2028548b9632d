// Package nada is Network-Assisted Dynamic Adaptation (RFC 8698). The names
// are the RFC's. Both halves of the algorithm run at the sender, on feedback
// about every packet, as §6.4 describes: [receiver] is §4.2 and §5.1, [sender]
// is §4.3 and §5.2.
package nada

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// controller joins the two halves.
type controller struct {
	ccontrol.NoTimeout
	receiver receiver
	sender   sender
	interval time.Duration // least time between two rate updates
	lastSeen simtime.Time  // by the receiver's clock
	seen     bool
	latest   feedback
	updated  bool // there is a latest one
}

// OnFeedback runs the receiver's algorithm over the packets and then the
// sender's over its result. The receiver would report every DELTA; messages
// that come in less than half of that only add to its statistics.
func (c *controller) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if !r.AboutPackets() {
		return
	}
	for _, p := range r.Packets {
		c.receiver.onPacket(p)
		if p.Received {
			c.see(p.Arrival)
		}
	}
	if r.Built != 0 {
		c.see(r.Built)
	}
	c.sender.bufferLen = r.Backlog
	if now.Sub(c.sender.tLast) < c.interval {
		return
	}
	c.latest, c.updated = c.receiver.report(c.lastSeen), true
	c.sender.onFeedback(now, r.RTT, c.latest)
}

var signals = []ccontrol.Signal{
	{Name: "x-curr", Unit: "ms", Help: "aggregate congestion signal", Source: "RFC 8698 §4.2"},
	{Name: "d-queue", Unit: "ms", Help: "queuing delay, minimum filtered", Source: "RFC 8698 §5.1.1"},
	{Name: "p-loss", Help: "packet loss ratio, smoothed", Source: "RFC 8698 §5.1.2"},
	{Name: "p-mark", Help: "marking ratio, smoothed", Source: "RFC 8698 §5.1.2"},
	{Name: "rmode", Help: "0 accelerated ramp-up, 1 gradual", Source: "RFC 8698 §4.2"},
	{Name: "r-recv", Unit: "bit/s", Help: "receiving rate", Source: "RFC 8698 §5.1.3"},
	{Name: "r-ref", Unit: "bit/s", Help: "reference rate", Source: "RFC 8698 §4.3"},
}

// Signals shows the variables of the RFC.
func (c *controller) Signals(values []float64) []float64 {
	if !c.updated {
		for range len(signals) - 1 {
			values = append(values, math.NaN())
		}
		return append(values, c.sender.rRef)
	}
	r := &c.receiver
	return append(values, c.latest.xCurr, r.dQueue, r.pLoss, r.pMark, float64(c.latest.rmode), c.latest.rRecv, c.sender.rRef)
}

// see notes a time of the receiver's clock, which may be before the start of
// the run.
func (c *controller) see(at simtime.Time) {
	if !c.seen || at > c.lastSeen {
		c.seen, c.lastSeen = true, at
	}
}

// Target returns the rates of §5.2.2.
func (c *controller) Target() ccontrol.Target { return c.sender.target() }

// Rate returns r_ref.
func (c *controller) Rate() units.BitRate { return units.BitRate(math.Round(c.sender.rRef)) }

// SetRate sets r_ref, which r_vin and r_send follow (RFC 8699 §6.1).
func (c *controller) SetRate(_ simtime.Time, rate units.BitRate) {
	c.sender.rRef = min(max(float64(rate), c.sender.p.rmin), c.sender.p.rmax)
}

// sender holds the variables of RFC 8698 §4.3 and §5.2. Rates are in bit/s,
// delays in milliseconds.
type sender struct {
	p         parameters
	rRef      float64
	rtt       float64
	xPrev     float64
	tLast     simtime.Time
	bufferLen units.Bytes
}

func (s *sender) onFeedback(now simtime.Time, rtt time.Duration, f feedback) {
	if rtt > 0 {
		s.updateRTT(ms(rtt))
	}
	delta := ms(now.Sub(s.tLast))
	if f.rmode == rampUp {
		// Equations (3) and (4).
		gamma := min(s.p.gammaMax, s.p.qbound/(s.rtt+s.p.delta+s.p.dfilt))
		s.rRef = max(s.rRef, float64((1+gamma)*f.rRecv))
	} else {
		// Equations (5) to (7).
		xOffset := f.xCurr - float64(float64(s.p.prio*s.p.xref)*s.p.rmax)/s.rRef
		xDiff := f.xCurr - s.xPrev
		step := float64(delta*xOffset)/(s.p.tau*s.p.tau) + float64(s.p.eta*xDiff)/s.p.tau
		s.rRef -= float64(float64(s.p.kappa*step) * s.rRef)
	}
	s.rRef = min(max(s.rRef, s.p.rmin), s.p.rmax) // (8) and (9)
	s.xPrev = f.xCurr
	s.tLast = now
}

// updateRTT smooths as RFC 6298 §2 does; RFC 8698 leaves it open.
func (s *sender) updateRTT(sample float64) {
	if s.rtt == 0 {
		s.rtt = sample
		return
	}
	s.rtt += float64((sample - s.rtt) / 8)
}

// target applies the rate-shaping buffer, equations (11) to (14).
func (s *sender) target() ccontrol.Target {
	drain := float64(8*s.bufferLen) * s.p.fps
	diffV := min(float64(0.05*s.rRef), float64(s.p.betaV*drain))
	diffS := min(float64(0.05*s.rRef), float64(s.p.betaS*drain))
	return ccontrol.Target{
		Media:  units.BitRate(math.Round(max(s.p.rmin, s.rRef-diffV))),
		Pacing: units.BitRate(math.Round(min(s.p.rmax, s.rRef+diffS))),
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
