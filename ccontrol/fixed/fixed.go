// Package fixed is the controller that doesn't control: one rate from
// beginning to end, whatever the feedback says.
package fixed

import (
	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name:     "fixed",
		Summary:  "one rate from beginning to end; the baseline without congestion control",
		Source:   "this project",
		Baseline: true,
		Parameters: []ccontrol.Parameter{
			{
				Name: "rate", Kind: ccontrol.KindRate, Default: "0bps", Source: "this project",
				Help: "target on the wire; 0bps is the sum of the media's maximum rates",
			},
			{
				Name: "pacing-factor", Kind: ccontrol.KindNumber, Default: "1.5", Min: 1, Max: 100, Source: "this project",
				Help: "pacing rate as a multiple of the target",
			},
		},
		New: func(l ccontrol.Limits, v ccontrol.Values) (ccontrol.Controller, error) {
			rate := v.Rate("rate")
			if rate == 0 {
				rate = l.Max
			}
			return &controller{target: ccontrol.Target{
				Media:  rate,
				Pacing: units.BitRate(float64(rate) * v.Number("pacing-factor")),
			}}, nil
		},
	})
}

type controller struct {
	ccontrol.NoTimeout
	target ccontrol.Target
}

func (*controller) OnFeedback(simtime.Time, *ccontrol.Report) {}

func (c *controller) Target() ccontrol.Target { return c.target }
