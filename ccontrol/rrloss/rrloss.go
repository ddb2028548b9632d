// Package rrloss is a controller for senders that have nothing but reception reports
// (RFC 3550 §6.4), such as those to legacy peers (RFC 8834 §7.3). It follows the
// loss-based part of Google Congestion Control, which was made for them
// (draft-ietf-rmcat-gcc-02 §6), by time rather than by report.
package rrloss

import (
	"math"
	"slices"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/detmath"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	draft     = "draft-ietf-rmcat-gcc-02 §6"
	losses    = ccontrol.Source(draft)
	libwebrtc = ccontrol.Source("libwebrtc, send_side_bandwidth_estimation")
)

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name: "rr-loss", Summary: "follows the loss in reception reports, and has nothing else", Source: draft,
		Needs: ccontrol.NeedsReports,
		Parameters: []ccontrol.Parameter{
			losses.Number("low", "0.02", "loss below which the rate grows", 0, 1),
			losses.Number("high", "0.1", "loss above which it shrinks", 0, 1),
			losses.Number("decrease", "0.5", "part of the loss by which it shrinks", 0, 1),
			libwebrtc.Number("growth", "0.08", "growth per second", 0, 1),
			libwebrtc.Number("packets", "20", "expected packets that a decision needs at least", 1, 1e6),
			libwebrtc.Number("silent", "3", "intervals without a report that count as a sign of congestion", 1, 100),
			libwebrtc.Number("backoff", "0.8", "what the rate is multiplied by then, and with each interval after", 0.01, 1),
			ccontrol.Source("draft-ietf-rmcat-gcc-02 §4").Number("pacing-factor", "1.5", "pacing rate as a multiple of the target", 1, 100),
		},
		Signals: []ccontrol.Signal{
			{Name: "loss", Help: "fraction lost that the last decision was made by, of the worst receiver", Source: draft},
			{Name: "interval", Unit: "ms", Help: "time between reports, mean", Source: "this project"},
		},
		New: newController,
	})
}

const (
	// firstInterval is expected before two reports have come: the minimum of
	// RFC 3550 §6.2.
	firstInterval = 5 * time.Second
	// longest bounds the time that one decision lets the rate grow for.
	longest = 5 * time.Second
	// spacing is the least time between decreases besides the round-trip time, so that
	// each shows in the next one's loss (libwebrtc).
	spacing = 300 * time.Millisecond
)

type controller struct {
	limits                           ccontrol.Limits
	low, high, decrease              float64
	growth, packets, backoff, factor float64
	silent                           float64

	rate     float64 // bit/s
	reports  []reporter
	loss     float64
	interval time.Duration
	last     simtime.Time // report that was due, with its round-trip time
	rtt      time.Duration
	decided  simtime.Time
	reduced  simtime.Time
	heard    bool
	sent     bool // anything since the last report
	due      simtime.Time
}

// reporter adds up what a receiver has said since the last decision.
type reporter struct {
	by             uint32
	expected, lost int
}

func newController(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
	return &controller{
		limits: l, low: v.Number("low"), high: v.Number("high"), decrease: v.Number("decrease"),
		growth: v.Number("growth"), packets: v.Number("packets"), silent: v.Number("silent"), backoff: v.Number("backoff"),
		factor: v.Number("pacing-factor"),
		rate:   float64(l.Start), interval: firstInterval, loss: math.NaN(), due: simtime.Never,
	}, nil
}

// OnSent starts the time in which there should be reports.
func (c *controller) OnSent(now simtime.Time, _ ccontrol.Sent) {
	if !c.sent {
		c.sent = true
		c.due = now.Add(c.patience())
	}
}

// patience is how long the next report may take.
func (c *controller) patience() time.Duration {
	return time.Duration(math.Round(c.silent * float64(c.interval)))
}

// OnFeedback adds up what receivers say, and decides when that is enough.
func (c *controller) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if len(r.Reception) == 0 {
		return
	}
	early := !slices.ContainsFunc(r.Reception, func(b ccontrol.Reception) bool { return !b.Early })
	switch {
	case !c.heard:
		c.decided = now
	case !early && now > c.last: // or it is another SSRC's report in the same packet
		c.interval += (now.Sub(c.last) - c.interval) / 8
	}
	if !early || !c.heard {
		c.last, c.rtt = now, r.RTT
	}
	c.heard, c.sent, c.due = true, false, simtime.Never
	for i := range r.Reception {
		b := &r.Reception[i]
		of := c.of(b.By)
		of.expected += b.Expected
		of.lost += b.Lost + b.Marked // RFC 6679 §7.3.3
	}
	worst, enough := 0.0, false
	for _, of := range c.reports {
		if float64(of.expected) >= c.packets {
			enough = true
			worst = max(worst, float64(of.lost)/float64(of.expected))
		}
	}
	if !enough {
		return
	}
	c.reports = c.reports[:0]
	c.decide(now, min(worst, 1), max(r.RTT, c.rtt))
}

func (c *controller) of(by uint32) *reporter {
	for i := range c.reports {
		if c.reports[i].by == by {
			return &c.reports[i]
		}
	}
	c.reports = append(c.reports, reporter{by: by})
	return &c.reports[len(c.reports)-1]
}

// decide applies the draft's three cases.
func (c *controller) decide(now simtime.Time, loss float64, rtt time.Duration) {
	c.loss = loss
	since := min(now.Sub(c.decided), longest)
	c.decided = now
	switch {
	case loss < c.low:
		c.rate *= detmath.Exp(float64(detmath.Log(1+c.growth) * since.Seconds()))
	case loss > c.high && now.Sub(c.reduced) >= rtt+spacing:
		c.rate *= 1 - float64(c.decrease*loss)
		c.reduced = now
	}
	c.bound()
}

func (c *controller) bound() {
	c.rate = min(max(c.rate, float64(c.limits.Min)), float64(c.limits.Max))
}

// NextTimeout returns when a report is missed.
func (c *controller) NextTimeout() simtime.Time { return c.due }

// OnTimeout takes the want of reports as a sign of congestion (RFC 8836 §2,
// requirement 10).
func (c *controller) OnTimeout(now simtime.Time) {
	if now < c.due {
		return
	}
	c.rate *= c.backoff
	c.bound()
	c.due = now.Add(max(c.interval, time.Millisecond))
}

// Target returns the rate.
func (c *controller) Target() ccontrol.Target {
	rate := units.BitRate(math.Round(c.rate))
	return ccontrol.Target{Media: rate, Pacing: units.BitRate(math.Round(c.rate * c.factor))}
}

// Rate returns the rate, GCC's A_hat.
func (c *controller) Rate() units.BitRate { return units.BitRate(math.Round(c.rate)) }

// SetRate sets it (RFC 8699 Appendix A).
func (c *controller) SetRate(_ simtime.Time, rate units.BitRate) {
	c.rate = float64(rate)
	c.bound()
}

// Signals shows what the last decision was made by.
func (c *controller) Signals(values []float64) []float64 {
	return append(values, c.loss, 1000*c.interval.Seconds())
}
