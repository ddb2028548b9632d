// Package aimd is an example of a controller outside of rtpfabric: additive increase,
// multiplicative decrease. It isn't good at anything but being short.
package aimd

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name: "aimd", Summary: "additive increase, multiplicative decrease", Source: "an example",
		Needs: ccontrol.NeedsPackets,
		Parameters: []ccontrol.Parameter{
			{Name: "step", Kind: ccontrol.KindRate, Default: "50kbps", Help: "increase per second", Source: "an example"},
			{Name: "factor", Kind: ccontrol.KindNumber, Default: "0.7", Min: 0.1, Max: 0.99, Help: "decrease with a loss", Source: "an example"},
		},
		New: func(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
			return &controller{limits: l, step: v.Rate("step"), factor: v.Number("factor"), rate: float64(l.Start)}, nil
		},
	})
}

type controller struct {
	ccontrol.NoTimeout
	limits  ccontrol.Limits
	step    units.BitRate
	factor  float64
	rate    float64 // bit/s
	last    simtime.Time
	reduced simtime.Time
}

// OnFeedback raises the rate with time, and lowers it once per round-trip time with
// losses.
func (c *controller) OnFeedback(now simtime.Time, r *ccontrol.Report) {
	c.rate += float64(c.step) * now.Sub(c.last).Seconds()
	c.last = now
	for i := range r.Packets {
		if !r.Packets[i].Received && now.Sub(c.reduced) > max(r.RTT, 100*time.Millisecond) {
			c.rate *= c.factor
			c.reduced = now
		}
	}
	c.rate = min(max(c.rate, float64(c.limits.Min)), float64(c.limits.Max))
}

// Target paces a little faster than media come.
func (c *controller) Target() ccontrol.Target {
	return ccontrol.Target{Media: units.BitRate(c.rate), Pacing: units.BitRate(1.5 * c.rate)}
}
