package gym

import (
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios/runner/external"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// decision asks for the next target in bit/s, and returns false if the run is over for
// the agent. Virtual time stands still meanwhile.
type decision func(now simtime.Time, observation []float64) (target float64, ok bool)

// controller is an agent as a [ccontrol.Controller]: its target is the last action, and
// its timer asks for the next one.
type controller struct {
	limits ccontrol.Limits
	step   time.Duration
	end    simtime.Time // of the run
	decide decision
	meter  meter
	target units.BitRate
	next   simtime.Time
	asked  bool
}

func newController(l ccontrol.Limits, fields []Field, step time.Duration, end simtime.Time, decide decision) *controller {
	return &controller{
		limits: l, step: step, end: end, decide: decide, meter: meter{fields: fields},
		target: l.Start, next: simtime.At(step),
	}
}

// OnSent counts the packet.
func (c *controller) OnSent(_ simtime.Time, s ccontrol.Sent) { c.meter.onSent(s.Size) }

// OnFeedback takes the news for the next observation.
func (c *controller) OnFeedback(now simtime.Time, r *ccontrol.Report) { c.meter.onReport(now, r) }

// OnTimeout asks for the next action. The last one holds to the end of the run, where no
// more decision is due.
func (c *controller) OnTimeout(now simtime.Time) {
	c.asked = true
	target, ok := c.decide(now, c.observe(now))
	if !ok {
		c.next = simtime.Never
		return
	}
	c.target = min(max(units.BitRate(math.Round(target)), c.limits.Min), c.limits.Max)
	if c.next = now.Add(c.step); c.next >= c.end {
		c.next = simtime.Never
	}
}

func (c *controller) observe(now simtime.Time) []float64 { return c.meter.observe(now, c.target) }

// NextTimeout returns when the next action is due.
func (c *controller) NextTimeout() simtime.Time { return c.next }

// Target returns the last action.
func (c *controller) Target() ccontrol.Target {
	return ccontrol.Target{Media: c.target, Pacing: units.BitRate(float64(c.target) * external.PacingFactor)}
}

// left reports whether a decision was due that nobody asked for: the session has ended
// before the run.
func (c *controller) left() bool { return c.next != simtime.Never }
