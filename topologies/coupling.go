package topologies

import (
	"fmt"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/coupled"
	"rtpfabric/endpoints"
)

// coupling is an endpoint's part of coupled congestion control.
type coupling struct {
	exchange *coupled.Exchange // nil before the first flow
	peers    []string          // in the order of their flow groups
}

// couple puts a session's controller under the exchange of its endpoint. Legacy
// endpoints have none, as nothing controls them.
func (s *Simulation) couple(sc *endpoints.SessionConfig, end sessionEnd, limits ccontrol.Limits, models []endpoints.StreamModel) error {
	c, p := s.config.Congestion.Coupling, s.byName[end.self]
	if !c.On || p.config.Legacy {
		return nil
	}
	name := s.config.control(end.self).Controller
	spec, ok := ccontrol.Lookup(name)
	if !ok {
		return fmt.Errorf("no controller %q to couple", name)
	}
	if p.coupling.exchange == nil {
		groups := coupled.Configured
		if c.Groups == GroupByDelay {
			groups = coupled.Measured
		}
		p.coupling.exchange = coupled.NewExchange(c.Algorithm, groups)
	}
	fgi := coupled.FGI(0)
	if c.Groups == GroupByPeer {
		fgi = p.coupling.groupOf(end.peer)
	}
	flow, signals, err := p.coupling.exchange.Couple(coupled.FlowConfig{
		Controller: sc.Controller, Spec: spec, Limits: limits, Priority: endpoints.Priority(models), FGI: fgi,
	})
	if err != nil {
		return err
	}
	sc.Controller, sc.Signals = flow, signals
	return nil
}

// groupOf returns the flow group of the sessions with a peer.
func (c *coupling) groupOf(peer string) coupled.FGI {
	for i, name := range c.peers {
		if name == peer {
			return coupled.FGI(i)
		}
	}
	c.peers = append(c.peers, peer)
	return coupled.FGI(len(c.peers) - 1)
}
