package coupled

import (
	"slices"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/sbd"
	"rtpfabric/sim/simtime"
)

// Groups is how the exchange knows which flows share a bottleneck (§5.1).
type Groups uint8

// The ways.
const (
	// Configured flows share one as their FlowConfig says.
	Configured Groups = iota
	// Measured flows do if their delays look alike (RFC 8382).
	Measured
)

// Exchange couples the flows of one sender.
type Exchange struct {
	fse      *FSE
	detector *sbd.Detector // nil if groups are configured
	flows    []*Controller
}

// NewExchange returns an exchange without flows.
func NewExchange(a Algorithm, g Groups) *Exchange {
	e := &Exchange{fse: New(a)}
	if g == Measured {
		e.detector = sbd.New(sbd.Recommended())
	}
	return e
}

// FlowConfig describes a flow that is to be coupled.
type FlowConfig struct {
	// Controller is the flow's own, made from Spec with Limits.
	Controller ccontrol.Controller
	Spec       ccontrol.Spec
	Limits     ccontrol.Limits
	// Priority is P, greater than 0.
	Priority float64
	// FGI is the flow group if groups are configured.
	FGI FGI
}

// Couple returns a controller that takes the place of a flow's own, and what it shows. It
// fails if that can't be told a rate.
func (e *Exchange) Couple(fc FlowConfig) (*Controller, []ccontrol.Signal, error) {
	inner, err := adjustable(fc.Spec.Name, fc.Controller)
	if err != nil {
		return nil, nil, err
	}
	c := &Controller{
		inner: inner, exchange: e, priority: fc.Priority, start: fc.Limits.Start, id: int(fc.FGI),
		flow: Flow{Min: float64(fc.Limits.Min), Max: float64(fc.Limits.Max)},
	}
	c.prober, _ = fc.Controller.(ccontrol.Prober)
	list := slices.Clone(signals)
	if shows, ok := fc.Controller.(ccontrol.Observable); ok {
		c.shows = shows
		list = slices.Concat(fc.Spec.Signals, signals)
	}
	c.assign = c.take
	if e.detector != nil {
		c.id = e.detector.Add()
	}
	e.flows = append(e.flows, c)
	return c, list, nil
}

// fgi returns the group that a flow is in now.
func (e *Exchange) fgi(c *Controller) FGI {
	if e.detector == nil {
		return FGI(c.id)
	}
	return FGI(e.detector.Group(c.id))
}

// onFeedback shows the detector what a flow has heard, and moves flows if it has
// found new groups.
func (e *Exchange) onFeedback(now simtime.Time, c *Controller, r *ccontrol.Report) {
	if e.detector == nil {
		return
	}
	e.detector.OnReport(c.id, r)
	if !e.detector.Advance(now) {
		return
	}
	for _, f := range e.flows {
		e.fse.Move(&f.flow, e.fgi(f))
	}
}
