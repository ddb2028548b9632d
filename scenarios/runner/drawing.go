package runner

import (
	"fmt"
	"strings"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
	"rtpfabric/topologies"
)

// drawing returns what a picture of the topology needs.
func drawing(s *scenarios.Scenario, sim *topologies.Simulation) record.Topology {
	t := record.Topology{Type: s.Topology.Type, Nodes: s.Nodes()}
	for i := range s.Network.Links {
		l := &s.Network.Links[i]
		forward, backward := l.Resolve()
		t.Links = append(t.Links, record.Link{
			Name: l.Name, From: l.Between[0], To: l.Between[1],
			Forward: label(forward), Backward: label(backward),
		})
	}
	for _, e := range s.Endpoints {
		t.Endpoints = append(t.Endpoints, record.Endpoint{Name: e.Name, At: e.At, Addr: sim.Addr(e.Name).String()})
	}
	for _, f := range sim.Flows {
		t.Flows = append(t.Flows, record.Flow{
			Name: f.Flow(), From: f.From, To: f.To, Kind: string(f.Kind),
			SSRC: f.Sender.SSRC, Controller: s.Congestion.Controller,
		})
	}
	return t
}

// label says in a few words what a direction of a link does to packets.
func label(d scenarios.Direction) string {
	var parts []string
	if d.Rate != nil {
		parts = append(parts, d.Rate.String())
	}
	parts = append(parts, d.Delay.String())
	if d.Queue != nil {
		parts = append(parts, d.Queue.Type+" "+d.Queue.Length.String())
	}
	if d.Jitter != nil {
		parts = append(parts, fmt.Sprintf("%s ±%v", d.Jitter.Model, time.Duration(float64(d.Jitter.Std)*d.Jitter.Bound)))
	}
	if *d.Loss > 0 {
		parts = append(parts, d.Loss.String()+" loss")
	}
	return strings.Join(parts, ", ")
}
