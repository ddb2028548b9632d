package topologies

import (
	"context"
	"fmt"
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Simulation is a network with everything in it, ready to run once.
type Simulation struct {
	Loop   *engine.Loop
	Fabric *fabric.Fabric
	// Flows are the media streams in the order of the configuration.
	Flows []*Flow
	// Connections are both ends of every peer connection.
	Connections []*endpoints.Connection

	config Config
	random *rng.Source
	nodes  map[string]*fabric.Node
	hosts  []*host
	byName map[string]*party
}

// party is an endpoint with its host.
type party struct {
	endpoint *endpoints.Endpoint
	host     *host
	nextPort uint16
}

// Flow is a media stream in the simulation.
type Flow struct {
	Media
	Sender, Receiver *endpoints.Section
	Connection       *endpoints.Connection // the sender's end
	Model            endpoints.StreamModel
	Path             []*fabric.Link
}

// Crosses reports whether the stream's packets pass a link.
func (f *Flow) Crosses(l *fabric.Link) bool { return slices.Contains(f.Path, l) }

// RTCPPerStream returns the RTCP bandwidth that falls to the sender of a
// stream, in bit/s, if every media section's two ends take equal parts.
func (s *Simulation) RTCPPerStream(f *Flow) float64 {
	return float64(s.config.RTCP.Bandwidth) / float64(2*len(f.Connection.Sections()))
}

// Build makes the simulation. Its only errors are controllers that refuse
// their parameters.
func Build(c Config) (*Simulation, error) {
	s := &Simulation{
		Loop: &engine.Loop{}, config: c, random: rng.New(c.Seed),
		nodes: map[string]*fabric.Node{}, byName: map[string]*party{},
	}
	s.Fabric = fabric.New(s.Loop, s.random)
	for i := range c.Links {
		s.addLink(&c.Links[i])
	}
	for i, e := range c.Endpoints {
		s.addEndpoint(i, e)
	}
	s.Fabric.Route()
	switch c.Type {
	case PointToPoint:
		if err := s.connectPair(c.Peers[0], c.Peers[1], c.Media); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("no topology %q", c.Type)
	}
	return s, nil
}

func (s *Simulation) node(name string) *fabric.Node {
	n, ok := s.nodes[name]
	if !ok {
		n = s.Fabric.AddNode(name)
		s.nodes[name] = n
	}
	return n
}

func (s *Simulation) addLink(l *Link) {
	from, to := s.node(l.From), s.node(l.To)
	s.addDirection(from, to, l.Name+"/forward", &l.Forward)
	s.addDirection(to, from, l.Name+"/backward", &l.Backward)
}

func (s *Simulation) addDirection(from, to *fabric.Node, name string, d *Direction) {
	c := fabric.LinkConfig{Name: name, Rate: d.Rate, Delay: d.Delay, Loss: d.Loss, Queue: fabric.NewDropTail(d.Queue)}
	if j := d.Jitter; j != nil {
		c.Jitter = &fabric.BoundedPDV{
			Mean: j.Mean, Std: j.Std, Bound: j.Bound, NoReorder: j.NoReorder,
			Random: s.random.Stream("link/" + name + "/jitter"),
		}
	}
	s.Fabric.AddLink(from, to, c).Schedule(d.Schedule)
}

// firstAddress is 10.0.0.1; endpoints have consecutive addresses.
const firstAddress packet.IPv4 = 10<<24 + 1

// firstPort is where the dynamic ports begin (RFC 6335 §6).
const firstPort = 49152

func (s *Simulation) addEndpoint(i int, e Endpoint) {
	ep := endpoints.New(endpoints.Config{
		Name: e.Name, Addr: firstAddress + packet.IPv4(i), ClockOffset: e.ClockOffset,
		Pool: s.Fabric.Pool(), Random: s.random,
	})
	h := newHost(s.Loop, ep)
	h.port = s.Fabric.Attach(s.node(e.At), ep.Addr(), h)
	s.hosts = append(s.hosts, h)
	s.byName[e.Name] = &party{endpoint: ep, host: h, nextPort: firstPort}
}

// Addr returns an endpoint's address.
func (s *Simulation) Addr(endpoint string) packet.IPv4 { return s.byName[endpoint].endpoint.Addr() }

// Endpoint returns an endpoint.
func (s *Simulation) Endpoint(name string) *endpoints.Endpoint { return s.byName[name].endpoint }

// OnEvent sends the events of all endpoints to a function.
func (s *Simulation) OnEvent(sink func(endpoints.Event)) {
	for _, h := range s.hosts {
		h.sink = sink
	}
}

// Run runs until the given time, or until the context is cancelled, and checks
// that no packet was lost or invented.
func (s *Simulation) Run(ctx context.Context, until simtime.Time) error {
	for _, h := range s.hosts {
		h.drain(s.Loop.Now())
	}
	runErr := s.Loop.Run(ctx, until)
	held := 0
	for _, h := range s.hosts {
		held += h.stack.Held()
	}
	if err := s.Fabric.CheckConservation(held); err != nil {
		panic(fmt.Sprintf("topologies: seed %d, at %v: %v", s.config.Seed, s.Loop.Now(), err))
	}
	return runErr
}
