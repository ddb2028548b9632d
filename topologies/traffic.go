package topologies

import (
	"rtpfabric/endpoints"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Source is one end of some traffic. It never blocks, schedules or reads a
// clock, and is driven like a [Stack].
type Source interface {
	HandlePacket(now simtime.Time, p *packet.Packet)
	HandleTimeout(now simtime.Time)
	PollPacket(now simtime.Time) *packet.Packet
	NextTimeout() simtime.Time
	Held() int
}

// Traffic competes with media: sources at one node that send to sinks at
// another.
type Traffic struct {
	Name, From, To string
	Kind           string // for records: tcp or udp
	// Sources make each source and its sink.
	Sources     []func(*TrafficEnv) (source, sink Source)
	Start, Stop simtime.Time
	// Peak is what all sources together can send at most; 0 if nothing but the
	// network bounds it.
	Peak units.BitRate
}

// TrafficEnv is what a source is made with.
type TrafficEnv struct {
	Pool *packet.Pool
	Env
	// Local is the source's address, Remote the sink's.
	Local, Remote packet.IPv4
}

// WindowSource is a source with a congestion window.
type WindowSource interface {
	CongestionWindow() units.Bytes
	Retransmitted() uint64 // segments so far
}

// CrossFlow is traffic in the simulation.
type CrossFlow struct {
	*Traffic
	Ends []Source // the sources
	// First is the address of the first source; each source is followed by its
	// sink.
	First packet.IPv4

	ports [2]*fabric.Port
}

func (s *Simulation) addTraffic(t *Traffic) {
	first := s.config.addrs(t.Name)[0]
	flow := &CrossFlow{Traffic: t, First: first}
	var ports [2]*fabric.Port
	for i, build := range t.Sources {
		local := first + packet.IPv4(2*i)
		env := s.env(t.Name)
		source, sink := build(&TrafficEnv{Pool: s.Fabric.Pool(), Env: *env, Local: local, Remote: local + 1})
		flow.Ends = append(flow.Ends, source)
		for j, end := range []struct {
			at string
			s  Source
		}{{t.From, source}, {t.To, sink}} {
			h := newHost(s.Loop, quiet{end.s, t.Name})
			h.port = s.Fabric.Attach(s.node(end.at), local+packet.IPv4(j), h)
			s.hosts = append(s.hosts, h)
			ports[j] = h.port
		}
	}
	flow.ports = ports
	s.Traffic = append(s.Traffic, flow)
}

// quiet makes a stack without events of a source.
type quiet struct {
	Source
	name string
}

func (q quiet) Name() string { return q.name }

func (quiet) PollEvent() (endpoints.Event, bool) { return endpoints.Event{}, false }

func (q quiet) NextTimeout() (simtime.Time, endpoints.Reason) {
	return q.Source.NextTimeout(), endpoints.ReasonOther
}
