package remb

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/gcc"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	// processInterval is how often libwebrtc runs what doesn't wait for reports.
	processInterval = 25 * time.Millisecond
	// defaultRTT holds before there is a round-trip time.
	defaultRTT = 200 * time.Millisecond
	// missed are the intervals between reports that are no silence yet.
	missed = 3
)

// sender is the sender's half: the least of what the receiver asks for, what losses
// allow, and the media's limits.
//
// A REMB holds until the next one, however late that is (draft-alvestrand-rmcat-remb-03
// §2.1 sets no time, and libwebrtc has none). As long as reports come, losses can still lower
// the rate; when nothing comes, silence does.
type sender struct {
	limits ccontrol.Limits
	pacing float64
	loss   *gcc.LossBased

	target   float64 // by losses, bit/s
	receiver float64 // the last REMB; infinite before the first
	rtt      time.Duration

	startPhase time.Duration
	first      simtime.Time // report of any kind
	hasFirst   bool

	silence  time.Duration
	step     time.Duration
	fraction float64
	interval time.Duration // between reports, mean
	heard    simtime.Time  // the last report, or the first packet
	sent     simtime.Time
	lowered  simtime.Time // by silence
	started  bool

	due simtime.Time
}

func newSender(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
	loss, err := gcc.NewLossBased(v)
	if err != nil {
		return nil, err
	}
	return &sender{
		limits: l, pacing: v.Number("pacing-factor"), loss: loss,
		target: float64(l.Start), receiver: math.Inf(1), rtt: defaultRTT, startPhase: v.Duration("start-phase"),
		silence: v.Duration("silence"), step: v.Duration("silence-interval"), fraction: v.Number("silence-fraction"),
		due: simtime.Never,
	}, nil
}

// OnSent notes when packets leave. The first one starts the clock.
func (c *sender) OnSent(now simtime.Time, _ ccontrol.Sent) {
	if !c.started {
		c.started, c.heard, c.due = true, now, now.Add(processInterval)
	}
	c.sent = now
}

// OnFeedback takes a REMB or reception reports.
func (c *sender) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if r.Estimate <= 0 && len(r.Reception) == 0 {
		return
	}
	c.hear(now)
	if r.Estimate > 0 {
		c.receiver = float64(r.Estimate)
	}
	for i := range r.Reception {
		if rtt := r.Reception[i].RTT; rtt > 0 {
			c.rtt = rtt
		}
	}
	c.loss.OnReception(now, r.Reception)
	c.update(now)
}

// hear notes that something came from the receiver.
func (c *sender) hear(now simtime.Time) {
	if !c.hasFirst {
		c.first, c.hasFirst = now, true
	} else {
		c.interval += (now.Sub(c.heard) - c.interval) / 8
	}
	c.heard = now
}

// NextTimeout returns when OnTimeout is due: every 25 ms.
func (c *sender) NextTimeout() simtime.Time { return c.due }

// OnTimeout finds the target anew, as the rate grows with time, and reports may stay
// away.
func (c *sender) OnTimeout(now simtime.Time) {
	if now < c.due {
		return
	}
	c.due = now.Add(processInterval)
	c.update(now)
}

// silent reports whether packets leave and nothing comes back. No packets is no
// silence.
func (c *sender) silent() bool {
	return c.started && c.sent.Sub(c.heard) > max(c.silence, missed*c.interval)
}

func (c *sender) update(now simtime.Time) {
	loss, known := c.loss.Loss()
	switch {
	case c.silent():
		c.backOff(now)
	case c.hasFirst && now.Sub(c.first) < c.startPhase && !(known && loss > 0) && c.follow(now):
	default:
		c.set(c.loss.Update(now, c.target, c.rtt))
	}
}

// backOff lowers the rate at once and then step by step. It begins with what was
// sent, not with what losses would have allowed.
//
// Deviation: libwebrtc keeps its rate if it has no feedback about packets to measure
// the round-trip time by; RFC 8836 §2 (10) demands that the want of feedback is taken
// for congestion.
func (c *sender) backOff(now simtime.Time) {
	if c.lowered >= c.heard && now.Sub(c.lowered) < c.step {
		return
	}
	c.lowered = now
	c.loss.Lowered(now)
	rate := c.rate()
	c.set(rate * c.fraction)
	c.loss.Restart(now, c.target)
}

// follow raises the rate to the receiver's estimate; false if that is no more.
func (c *sender) follow(now simtime.Time) bool {
	if math.IsInf(c.receiver, 1) || c.receiver <= c.target || c.target >= float64(c.limits.Max) {
		return false
	}
	c.loss.Restart(now, c.target)
	c.set(c.receiver)
	return true
}

// set changes the rate that losses allow, within the limits.
func (c *sender) set(rate float64) {
	c.target = min(max(rate, float64(c.limits.Min)), float64(c.limits.Max))
}

// rate is the target, which the receiver caps.
func (c *sender) rate() float64 {
	return max(min(c.target, c.receiver), float64(c.limits.Min))
}

// Target returns the target and paces at a multiple of it.
func (c *sender) Target() ccontrol.Target {
	rate := c.rate()
	return ccontrol.Target{
		Media:  units.BitRate(math.Round(rate)),
		Pacing: units.BitRate(math.Round(max(rate*c.pacing, 1))),
	}
}

var senderSignals = []ccontrol.Signal{
	{Name: "remb", Unit: "bit/s", Help: "what the receiver last asked not to exceed", Source: "draft-alvestrand-rmcat-remb-03"},
	{Name: "loss-based", Unit: "bit/s", Help: "A_s_hat, the rate that losses allow", Source: "draft-ietf-rmcat-gcc-02 §6"},
	{Name: "loss", Help: "the loss ratio of the last reception reports", Source: "draft-ietf-rmcat-gcc-02 §6"},
}

// Signals appends the values in the order of senderSignals.
func (c *sender) Signals(v []float64) []float64 {
	receiver, ratio := math.NaN(), math.NaN()
	if !math.IsInf(c.receiver, 1) {
		receiver = c.receiver
	}
	if loss, ok := c.loss.Loss(); ok {
		ratio = loss
	}
	return append(v, receiver, c.target, ratio)
}
