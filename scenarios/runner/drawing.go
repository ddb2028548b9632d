package runner

import (
	"slices"

	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/record"
	"rtpfabric/topologies"
)

// drawing returns what a picture of the topology needs.
func drawing(s *scenarios.Scenario, sim *topologies.Simulation, agent *Agent) record.Topology {
	t := record.Topology{Type: s.Topology.Type, Nodes: s.Nodes()}
	for i := range s.Network.Links {
		l := &s.Network.Links[i]
		forward, backward := l.Resolve()
		t.Links = append(t.Links, record.Link{
			Name: l.Name, From: l.Between[0], To: l.Between[1],
			Forward: forward.String(), Backward: backward.String(),
		})
	}
	for _, e := range s.Endpoints {
		end := record.Endpoint{Name: e.Name, At: e.At, Addr: sim.Addr(e.Name).String()}
		if e.Hosted() {
			if end.Stack = e.Stack; e.Stack == "pion" {
				end.Profile = e.Pion.Profile
			}
		}
		if !e.Hosted() {
			end.Parts = parts(s, &e)
		}
		t.Endpoints = append(t.Endpoints, end)
	}
	for _, b := range s.Topology.Boxes() {
		t.Endpoints = append(t.Endpoints, record.Endpoint{Name: b.Name, At: b.At, Addr: sim.Addr(b.Name).String()})
	}
	if at := s.Topology.Relay; at != "" {
		t.Endpoints = append(t.Endpoints, record.Endpoint{Name: scenarios.RelayName, At: at, Addr: sim.Addr(scenarios.RelayName).String()})
	}
	if at := s.Topology.KeyHost; at != "" {
		t.Endpoints = append(t.Endpoints, record.Endpoint{Name: topologies.KeyHost, At: at, Addr: sim.KeyHostAddr().String()})
	}
	paths, trafficPaths := sim.Paths()
	for i, f := range sim.Flows {
		receivers := f.Receivers()
		if f.Relay != "" { // a picture with all copies would show little
			receivers = []string{f.Relay}
		}
		for _, to := range receivers {
			t.Flows = append(t.Flows, record.Flow{
				Name: f.Flow(), From: f.From, To: to, Kind: string(f.Kind),
				SSRC: f.Sender.SSRC(), Controller: agent.label(f, controllerOf(s, f.From)),
				Links: namesOf(paths[i]),
			})
		}
	}
	for i := range s.Traffic {
		f := &s.Traffic[i]
		sink := f.Name + " sink"
		t.Endpoints = append(t.Endpoints,
			record.Endpoint{Name: f.Name, At: f.From, Addr: sim.Traffic[i].First.String()},
			record.Endpoint{Name: sink, At: f.To, Addr: (sim.Traffic[i].First + 1).String()})
		t.Flows = append(t.Flows, record.Flow{Name: f.Name, From: f.Name, To: sink, Kind: f.Type, Controller: f.Control, Links: namesOf(trafficPaths[i])})
	}
	return t
}

// namesOf returns the names of links, each once.
func namesOf(path []*fabric.Link) (names []string) {
	for _, l := range path {
		if !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	return names
}

// parts are those of pion's stack that an endpoint of ours has.
func parts(s *scenarios.Scenario, e *scenarios.Endpoint) (list []string) {
	if s.Security.ICE == "pion" {
		list = append(list, "ICE")
	}
	if s.Security.Keying == "pion" {
		list = append(list, "DTLS")
	}
	for _, i := range e.Interceptors {
		list = append(list, i.Type)
	}
	return list
}

// controllerOf names who decides about the rate of what an endpoint sends.
func controllerOf(s *scenarios.Scenario, name string) string {
	if e := s.Endpoint(name); e != nil && !e.Hosted() {
		for _, i := range e.Interceptors {
			if interceptorKind(i.Type).Leads {
				return "pion's " + i.Type
			}
		}
	}
	return s.CongestionOf(name).Controller
}
