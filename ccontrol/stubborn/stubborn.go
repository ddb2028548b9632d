// Package stubborn is a deliberately broken controller for tests: it ramps up
// and never backs off. Every expectation about a controller's behaviour must
// fail with it, or it expects nothing.
package stubborn

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name:     "never-back-off",
		Summary:  "deliberately broken, for tests: ramps up to the maximum and stays there",
		Source:   "this project",
		Baseline: true,
		Parameters: []ccontrol.Parameter{{
			Name: "growth", Kind: ccontrol.KindNumber, Default: "0.2", Min: 0, Max: 10, Source: "this project",
			Help: "growth per second of the start rate, linear",
		}},
		New: func(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
			return &controller{limits: l, growth: v.Number("growth"), rate: l.Start, due: simtime.At(step)}, nil
		},
	})
}

const step = 100 * time.Millisecond

type controller struct {
	limits ccontrol.Limits
	growth float64
	rate   units.BitRate
	due    simtime.Time
}

func (*controller) OnSent(simtime.Time, ccontrol.Sent) {}

// OnFeedback is what is broken.
func (*controller) OnFeedback(simtime.Time, *ccontrol.Report) {}

func (c *controller) OnTimeout(now simtime.Time) {
	if now < c.due {
		return
	}
	more := float64(c.limits.Start) * c.growth * step.Seconds()
	c.rate = min(c.rate+units.BitRate(more), c.limits.Max)
	c.due = now.Add(step)
}

func (c *controller) NextTimeout() simtime.Time { return c.due }

func (c *controller) Target() ccontrol.Target {
	return ccontrol.Target{Media: c.rate, Pacing: 2 * c.rate}
}
