package runner

import (
	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
	"rtpfabric/topologies"
)

// Agent takes the place of the scenario's controller in one session.
type Agent struct {
	// Connection is the session's end that sends, as [Senders] names it.
	Connection string
	// Label is how records call the agent.
	Label string
	// New makes the controller. It is called once in a run.
	New func(l ccontrol.Limits) ccontrol.Controller
}

// label returns how records call the controller of a stream.
func (a *Agent) label(f *topologies.Flow, controller string) string {
	if a != nil && f.Session.Name() == a.Connection {
		return a.Label
	}
	return controller
}

// Senders returns whatever has a controller in a scenario, by making the simulation. The
// errors are those of [Config], and controllers that refuse their parameters.
func Senders(s *scenarios.Scenario) ([]topologies.Controlled, error) {
	c, err := Config(s)
	if err != nil {
		return nil, err
	}
	build := c.Congestion.Make
	var list []topologies.Controlled
	c.Congestion.Make = func(of *topologies.Controlled) (ccontrol.Controller, []ccontrol.Signal, error) {
		list = append(list, *of)
		return build(of)
	}
	_, err = topologies.Build(c.WithoutGuests())
	return list, err
}
