package coupled

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// silence is how long a flow may send nothing before it counts as stopped or paused. The
// RFC leaves it to soft state (§4).
const silence = 2 * time.Second

// Controller is a flow with its controller. It joins the FSE with its first packet, calls
// UPDATE when the inner controller has calculated a rate, and leaves when it is silent.
type Controller struct {
	inner    ccontrol.Adjustable
	prober   ccontrol.Prober     // the same, or nil
	shows    ccontrol.Observable // likewise
	exchange *Exchange
	flow     Flow
	priority float64
	start    units.BitRate
	id       int
	rtt      time.Duration // smoothed
	lastSent simtime.Time
	sending  bool
	was      bool // registered before
	moved    bool
	assign   func(simtime.Time, float64)
}

// Check reports whether a controller can be coupled: RFC 8699 or its own document says
// what an assigned rate sets.
func Check(spec ccontrol.Spec) error {
	c, err := spec.Build(ccontrol.Limits{Min: units.Mbps, Max: units.Mbps, Start: units.Mbps}, nil)
	if err != nil {
		return err
	}
	_, err = adjustable(spec.Name, c)
	return err
}

func adjustable(name string, c ccontrol.Controller) (ccontrol.Adjustable, error) {
	a, ok := c.(ccontrol.Adjustable)
	if !ok {
		return nil, fmt.Errorf("controller %s can't be coupled, as nothing says what an assigned rate would set in it: write nada, gcc, tfrc or rr-loss, or \"coupled: off\"", name)
	}
	return a, nil
}

// OnSent notes that the flow sends.
func (c *Controller) OnSent(now simtime.Time, s ccontrol.Sent) {
	c.inner.OnSent(now, s)
	c.lastSent, c.sending = now, true
	if !c.flow.Registered() {
		c.join(now)
	}
}

// join registers the flow with its initial rate, also after a pause: what it had then
// others have taken over.
func (c *Controller) join(now simtime.Time) {
	if c.was {
		c.inner.SetRate(now, min(c.inner.Rate(), c.start))
		c.moved = true
	}
	c.was = true
	c.flow.P = c.priority
	c.exchange.fse.Register(&c.flow, c.exchange.fgi(c), float64(c.inner.Rate()), c.assign)
}

// OnFeedback lets the inner controller calculate, and calls UPDATE.
func (c *Controller) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	if r.RTT > 0 {
		if c.rtt == 0 {
			c.rtt = r.RTT
		}
		c.rtt += (r.RTT - c.rtt) / 8
	}
	c.inner.OnFeedback(now, r)
	c.exchange.onFeedback(now, c, r)
	c.update(now)
}

// OnTimeout does what is due.
func (c *Controller) OnTimeout(now simtime.Time) {
	if c.inner.NextTimeout() <= now {
		c.inner.OnTimeout(now)
		c.update(now)
	}
	if c.silentAt() <= now {
		c.sending = false
		c.exchange.fse.Deregister(&c.flow)
	}
}

// update calls UPDATE. A controller that still has the rate that it was assigned has
// calculated that again, or nothing: CC_R is FSE_R then. The rate itself is rounded, and
// what is rounded off would count as congestion in the conservative algorithm.
func (c *Controller) update(now simtime.Time) {
	if !c.flow.Registered() {
		return
	}
	ccR := float64(c.inner.Rate())
	if c.inner.Rate() == assigned(c.flow.FSER) {
		ccR = c.flow.FSER
	}
	rate := c.exchange.fse.Update(now, &c.flow, ccR, c.rtt)
	c.set(now, rate)
	c.moved = false
}

// take is what the FSE sends a rate to.
func (c *Controller) take(now simtime.Time, fser float64) {
	if c.set(now, fser) {
		c.moved = true
	}
}

// set gives the inner controller a rate if it has another.
func (c *Controller) set(now simtime.Time, fser float64) bool {
	rate := assigned(fser)
	if rate == c.inner.Rate() {
		return false
	}
	c.inner.SetRate(now, rate)
	return true
}

// assigned is FSE_R as a controller can have it.
func assigned(fser float64) units.BitRate { return units.BitRate(math.Round(fser)) }

func (c *Controller) silentAt() simtime.Time {
	if !c.sending {
		return simtime.Never
	}
	return c.lastSent.Add(silence)
}

// NextTimeout returns when OnTimeout is due.
func (c *Controller) NextTimeout() simtime.Time { return min(c.inner.NextTimeout(), c.silentAt()) }

// Target is the inner controller's, which has the FSE's rate.
func (c *Controller) Target() ccontrol.Target { return c.inner.Target() }

// Moved reports whether another flow's UPDATE has changed the rate since the last call.
func (c *Controller) Moved() bool {
	moved := c.moved
	c.moved = false
	return moved
}

// PollProbe returns the inner controller's probe, if it is one that probes.
func (c *Controller) PollProbe(now simtime.Time) (ccontrol.Probe, bool) {
	if c.prober == nil {
		return ccontrol.Probe{}, false
	}
	return c.prober.PollProbe(now)
}

// Signals are what a coupled flow shows besides its controller's signals.
var signals = []ccontrol.Signal{
	{Name: "fse-r", Unit: "bit/s", Help: "rate that the FSE has assigned, FSE_R", Source: "RFC 8699 §5.3"},
	{Name: "s-cr", Unit: "bit/s", Help: "sum of the calculated rates of the flow group, S_CR", Source: "RFC 8699 §5.3"},
	{Name: "fgi", Help: "number of the flow group", Source: "RFC 8699 §5.2"},
}

// Signals shows the inner controller's values and those of the FSE.
func (c *Controller) Signals(values []float64) []float64 {
	if c.shows != nil {
		values = c.shows.Signals(values)
	}
	fgi, ok := c.flow.Group()
	if !ok {
		return append(values, math.NaN(), math.NaN(), math.NaN())
	}
	return append(values, c.flow.FSER, c.flow.Sum(), float64(fgi))
}
