package topologies

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Simulation is a network with everything in it, ready to run once.
type Simulation struct {
	Loop   *engine.Loop
	Fabric *fabric.Fabric
	// Flows are the media streams in the order of the configuration.
	Flows []*Flow
	// Traffic is what competes with them.
	Traffic []*CrossFlow
	// Connections are both ends of every peer connection.
	Connections []*endpoints.Connection

	config   Config
	random   *rng.Source
	nodes    map[string]*fabric.Node
	clock    *hosted.Clock // of guests and interceptors; nil if there are none
	chains   []Chain
	keyings  []*hostedKeying
	hosts    []*host
	byName   map[string]*party
	relays   map[string]*host
	keyHosts []*host // of groups, in their order

	signalling []*signallingHost
	iceServer  *iceServer
	icePort    *fabric.Port                // of the server of STUN and TURN; nil if there is none
	sockets    map[packet.Addr]*ice.Socket // of ends that gather candidates
	lines      []*line                     // of a fork: for each device the caller's end and its own

	boxChanged  func(BoxChange)
	translators []translator
	shared      map[string]*encoder.Shared // by source
	sfms        map[string]*sfm            // by name
	mixers      map[string]*mixer          // by name
	// transcodings of pictures, by the flow that they come as, and by where they come
	transcodings map[string]*transcoding
	pictures     map[*endpoints.Section]*transcoding
	formatLists  [][]endpoints.Format // that media sections have
	scratch      endpoints.Scratch    // of all endpoints
}

// translator is a NAT and who is behind it.
type translator struct {
	box    Translator
	inside map[packet.IPv4]bool
}

// party is an endpoint with its host.
type party struct {
	endpoint *endpoints.Endpoint
	host     *host
	nextPort uint16
	config   *Endpoint
	identity *dtls.Identity // drawn when it is needed
	coupling coupling
	guest    Guest        // nil if it is an endpoint of ours
	sockets  *hosted.Host // of a guest
}

// Flow is a media stream in the simulation.
type Flow struct {
	Media
	Sender, Receiver *endpoints.Section
	Session          *endpoints.Session // the sender's end
	Model            endpoints.StreamModel
	RTCP             units.BitRate // of the session
	// Relay is the name of the relay that copies the stream to everybody else in
	// the sender's group; empty if there is none.
	Relay string
	group *Group
}

// Joint reports whether the stream goes to all others of a group, of whom the Receiver is the first.
func (f *Flow) Joint() bool { return f.group != nil }

// Receivers returns who gets the stream.
func (f *Flow) Receivers() []string {
	if f.Joint() {
		return f.group.others(f.From)
	}
	return []string{f.To}
}

// Sessions returns both ends of every RTP session.
func (s *Simulation) Sessions() []*endpoints.Session {
	var list []*endpoints.Session
	for _, c := range s.Connections {
		list = append(list, c.Sessions()...)
	}
	return list
}

// Paths returns the paths that all flows and all traffic take now. A stream that is
// relayed takes those of its copies as well: a link that several share is there
// several times.
func (s *Simulation) Paths() (flows, traffic [][]*fabric.Link) {
	for _, f := range s.Flows {
		flows = append(flows, s.path(f))
	}
	for _, f := range s.Traffic {
		traffic = append(traffic, s.Fabric.Path(f.ports[0], f.ports[1]))
	}
	return flows, traffic
}

func (s *Simulation) path(f *Flow) []*fabric.Link {
	from := s.byName[f.From].host.port
	if !f.Joint() {
		to := s.byName[f.To].host.port
		if via := s.between(f); via != nil {
			return slices.Concat(s.Fabric.Path(from, via), s.Fabric.Path(via, to))
		}
		return s.Fabric.Path(from, to)
	}
	if f.Relay == "" {
		var path []*fabric.Link
		for _, name := range f.Receivers() {
			path = append(path, s.Fabric.Path(from, s.byName[name].host.port)...)
		}
		return path
	}
	path := slices.Clone(s.Fabric.Path(from, s.relays[f.Relay].port))
	reached, by := []string{f.Relay}, map[string]string{} // and from where
	for i := 0; i < len(reached); i++ {
		at := reached[i]
		via := s.relays[at].port
		for _, name := range f.Receivers() {
			if f.group.relayOf(name) == at {
				path = append(path, s.Fabric.Path(via, s.byName[name].host.port)...)
			}
		}
		for _, trunk := range f.group.Trunks {
			for side, name := range trunk {
				other := trunk[1-side]
				if name != at || other == by[at] {
					continue
				}
				path = append(path, s.Fabric.Path(via, s.relays[other].port)...)
				if !slices.Contains(reached, other) {
					reached, by[other] = append(reached, other), at
				}
			}
		}
	}
	return path
}

// between returns where a stream between two ends is passed on, if that is somewhere: at a relay, or at the TURN server of either
// end.
func (s *Simulation) between(f *Flow) *fabric.Port {
	if r := s.config.Between; r != nil {
		return s.relays[r.Name].port
	}
	if s.icePort != nil && (f.Sender.Session().Relayed() || f.Receiver.Session().Relayed()) {
		return s.icePort
	}
	return nil
}

// RTCPPerStream returns the RTCP bandwidth that falls to the sender of a
// stream, in bit/s, if all ends of every media section take equal parts.
func (s *Simulation) RTCPPerStream(f *Flow) float64 {
	ends := 2
	if f.Joint() {
		ends = len(f.group.Peers)
	}
	return float64(f.RTCP) / float64(ends*len(f.Session.Sections()))
}

// Build makes the simulation. Its only errors are controllers that refuse
// their parameters, and guests that can't be made. One with guests is built in a bubble, and closed there.
func Build(c Config) (*Simulation, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := newSimulation(c)
	if err := s.build(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newSimulation(c Config) *Simulation {
	s := &Simulation{
		boxChanged: func(BoxChange) {},
		Loop:       &engine.Loop{}, config: c, random: rng.New(c.Seed),
		nodes: map[string]*fabric.Node{}, byName: map[string]*party{}, relays: map[string]*host{},
		sockets: map[packet.Addr]*ice.Socket{}, shared: map[string]*encoder.Shared{}, sfms: map[string]*sfm{}, mixers: map[string]*mixer{},
		transcodings: map[string]*transcoding{}, pictures: map[*endpoints.Section]*transcoding{},
	}
	s.Fabric = fabric.New(s.Loop, s.random)
	if c.Hosted() {
		s.clock = hosted.NewClock(s.Loop)
	}
	return s
}

func (s *Simulation) build() error {
	c := &s.config
	for i := range c.Links {
		s.addLink(&c.Links[i])
	}
	for i, e := range c.Endpoints {
		if e.Forwards {
			s.addCentre(e.Name)
		}
		s.addEndpoint(i, e)
		if e.Stack != "" {
			if err := s.addGuest(s.byName[e.Name], &s.config.Endpoints[i]); err != nil {
				return err
			}
		}
	}
	for i := range c.Traffic {
		s.addTraffic(&c.Traffic[i])
	}
	s.addRelays()
	s.addICEServer()
	for i := range c.Nodes {
		s.addBoxes(&c.Nodes[i])
	}
	s.Fabric.Route()
	for i := range c.Calls {
		if err := s.connectPair(&c.Calls[i]); err != nil {
			return err
		}
	}
	if c.Type == Fork {
		s.signalFork()
	}
	for i := range c.Groups {
		if err := s.connectGroup(&c.Groups[i]); err != nil {
			return err
		}
	}
	s.connectChains()
	s.connectKeyings()
	s.connectMixers()
	s.connectCompositions()
	s.connectPictures()
	s.project()
	if c.translates() {
		s.bridge()
	}
	s.scheduleRestarts()
	return nil
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

func (s *Simulation) env(name string) *Env {
	return &Env{Loop: s.Loop, Fabric: s.Fabric, Random: s.random, Name: name, Addr: s.config.addrs}
}

func (s *Simulation) addDirection(from, to *fabric.Node, name string, d *Direction) {
	env := s.env(name)
	c := fabric.LinkConfig{Name: name, Rate: d.Rate, Delay: d.Delay, Loss: d.Loss, Cost: d.Cost}
	if d.Queue != nil {
		c.Queue = d.Queue(env)
	}
	if d.Medium != nil {
		c.Medium = d.Medium(env)
	}
	for _, build := range d.Impairments {
		c.Impairments = append(c.Impairments, build(env))
	}
	if j := d.Jitter; j != nil {
		c.Jitter = &fabric.BoundedPDV{
			Mean: j.Mean, Std: j.Std, Bound: j.Bound, NoReorder: j.NoReorder, Random: env.Stream("jitter"),
		}
	}
	for _, build := range d.Reordering {
		c.Jitter = build(env, c.Jitter)
	}
	l := s.Fabric.AddLink(from, to, c)
	l.Schedule(d.Schedule)
	if d.Follow != nil {
		l.Follow(d.Follow(env))
	}
}

// addBoxes puts middleboxes at a node. A NAT, which has addresses there, has put
// itself there already.
func (s *Simulation) addBoxes(n *Node) {
	node := s.node(n.Name)
	for _, build := range n.Boxes {
		box := build(s.env(n.Name), node)
		t, ok := box.(Translator)
		if !ok {
			node.Insert(box)
			continue
		}
		tr := translator{box: t, inside: map[packet.IPv4]bool{}}
		for _, addr := range t.Inside() {
			tr.inside[addr] = true
		}
		s.translators = append(s.translators, tr)
	}
}

// Endpoints have consecutive addresses from 10.0.0.1, hosts of traffic from
// 10.1.0.1, relays from 10.2.0.1, key hosts from 10.3.0.1, nodes of signalling from 10.4.0.1.
const (
	firstAddress packet.IPv4 = 10<<24 + 1
	firstTraffic packet.IPv4 = 10<<24 + 1<<16 + 1
	firstRelay   packet.IPv4 = 10<<24 + 2<<16 + 1
	firstKeyHost packet.IPv4 = 10<<24 + 3<<16 + 1
)

// addrs returns the address of an endpoint, or those of the sources of traffic.
func (c *Config) addrs(name string) []packet.IPv4 {
	for i, e := range c.Endpoints {
		if e.Name == name {
			return []packet.IPv4{firstAddress + packet.IPv4(i)}
		}
	}
	at := firstTraffic
	for _, t := range c.Traffic {
		if t.Name == name {
			var list []packet.IPv4
			for i := range t.Sources {
				list = append(list, at+packet.IPv4(2*i))
			}
			return list
		}
		at += packet.IPv4(2 * len(t.Sources))
	}
	return nil
}

// AddrsAt returns the addresses of all hosts at a node.
func (c *Config) AddrsAt(node string) []packet.IPv4 {
	var list []packet.IPv4
	for i, e := range c.Endpoints {
		if e.At == node {
			list = append(list, firstAddress+packet.IPv4(i))
		}
	}
	at := firstTraffic
	for _, t := range c.Traffic {
		for range t.Sources {
			if t.From == node {
				list = append(list, at)
			}
			if t.To == node {
				list = append(list, at+1)
			}
			at += 2
		}
	}
	if g := c.Gathering; g != nil && g.At == node {
		list = append(list, iceServerAddr.IP)
	}
	at = firstRelay
	if r := c.Between; r != nil && r.At == node {
		list = append(list, at)
	}
	keys := firstKeyHost
	for i := range c.Groups {
		if g := &c.Groups[i]; g.KeyHost != "" {
			if g.KeyHost == node {
				list = append(list, keys)
			}
			keys++
		}
		for _, r := range c.Groups[i].Relays {
			if r.At == node {
				list = append(list, at)
			}
			at++
		}
	}
	return append(list, c.signallingAddrs(node)...)
}

// firstPort is where the dynamic ports begin (RFC 6335 §6).
const firstPort = 49152

func (s *Simulation) addEndpoint(i int, e Endpoint) {
	calls := s.config.Type == Mesh && !s.config.SharedEncoders // of which each goes its own way
	config := endpoints.Config{
		Scratch: &s.scratch,
		Name:    e.Name, Addr: firstAddress + packet.IPv4(i), ClockOffset: e.ClockOffset, ClockDrift: e.ClockDrift,
		Pool: s.Fabric.Pool(), Random: s.random, Independent: e.Forwards || calls, Stubborn: e.Stubborn,
	}
	var h *host
	if s.mixers[e.Name] != nil {
		config.Departed = func(now simtime.Time, from *endpoints.Session, ssrc uint32) {
			s.mixers[e.Name].departed(now, from, ssrc)
			if from.PeerLeft() {
				s.follow(h, now, from)
			}
		}
	}
	ep := endpoints.New(config)
	h = newHost(s.Loop, ep)
	h.port = s.Fabric.Attach(s.node(e.At), ep.Addr(), h)
	s.hosts = append(s.hosts, h)
	s.byName[e.Name] = &party{endpoint: ep, host: h, nextPort: firstPort, config: &s.config.Endpoints[i]}
	if e.Leaves > 0 {
		s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			ep.Leave(now)
			if g, hosted := h.stack.(Guest); hosted {
				g.Close()
			}
			h.drain(now)
			s.hangUp(now, e.Name)
		})).Set(e.Leaves)
	}
	s.watchPictures(h, e.Name)
	if e.Floods != nil {
		s.flood(ep, h, *e.Floods)
	}
}

// watchPictures lets a mixer know of pictures that it has decoded.
func (s *Simulation) watchPictures(h *host, name string) {
	if m := s.mixers[name]; m != nil {
		h.inside = m.show
		if s.config.Type == Transcoder {
			h.inside = s.decode
		}
	}
}

// soon is when a mixer takes it that somebody who has said BYE doesn't only go on with another SSRC.
const soon = time.Second

// follow lets a mixer leave a session that its peer has left.
func (s *Simulation) follow(h *host, now simtime.Time, session *endpoints.Session) {
	s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		if session.PeerLeft() {
			session.Leave(now)
			h.drain(now)
		}
	})).Set(now.Add(soon))
}

// flood lets an endpoint ask for key frames without end.
func (s *Simulation) flood(ep *endpoints.Endpoint, h *host, f Flood) {
	var timer *engine.Timer
	timer = s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		ep.DemandRefreshes(now)
		h.drain(now)
		if next := now.Add(f.Every); next < f.To {
			timer.Set(next)
		}
	}))
	timer.Set(f.From)
}

// addCentre makes what the calls of a mixer or an SFM have in common.
func (s *Simulation) addCentre(name string) {
	if s.config.mixes() {
		s.mixers[name] = newMixer(&s.config, name)
		return
	}
	s.sfms[name] = newSFM(&s.config.SFM)
}

// Addr returns the address of an endpoint or a relay.
func (s *Simulation) Addr(name string) packet.IPv4 {
	if r := s.relays[name]; r != nil {
		return r.port.Addr()
	}
	return s.byName[name].endpoint.Addr()
}

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
	runErr := s.run(ctx, until)
	held := 0
	for _, h := range s.hosts {
		held += h.stack.Held()
	}
	if err := s.Fabric.CheckConservation(held); err != nil {
		panic(fmt.Sprintf("topologies: seed %d, at %v: %v", s.config.Seed, s.Loop.Now(), err))
	}
	return runErr
}

func (s *Simulation) run(ctx context.Context, until simtime.Time) error {
	if s.clock != nil {
		return s.clock.Run(ctx, until)
	}
	return s.Loop.Run(ctx, until)
}
