package topologies

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A guest is an endpoint that is somebody else's stack, made of goroutines and sockets, in virtual time. What
// makes its media and plays them out is an endpoint of ours, so that all are fed and measured alike; the
// stack carries its sessions. Descriptions go from one end to the other as they would in a browser.

// GuestConfig describes a guest.
type GuestConfig struct {
	Name string
	// Clock is that of the run, Host what the guest has for a network.
	Clock *hosted.Clock
	Host  *hosted.Host
	Pool  *packet.Pool
	// Media makes the guest's media and plays out what comes.
	Media    *endpoints.Endpoint
	Identity *dtls.Identity
	Random   *rng.Source
	// Profile is the only protection profile.
	Profile keying.Profile
	// Timeout is the first retransmission time-out of the handshake; 0 is as the stack has it.
	Timeout time.Duration
	// Servers, if not nil, are asked for candidates.
	Servers *GuestServers
	// Options are those of the stack.
	Options map[string]string
}

// GuestServers are a server of STUN, and of TURN if it Relays, at one address over UDP and TCP, and an account there.
type GuestServers struct {
	Addr           packet.Addr
	Relays         bool
	User, Password string
}

// Guest is a stack on a host. Its packets are real ones, from its sockets; NextTimeout is that of its
// media, as what the stack has to do it does by itself.
type Guest interface {
	Stack
	// Open begins a peer connection.
	Open(GuestCall) (GuestEnd, error)
	// Close ends the guest, as an application does that hangs up. Its goroutines are over a second later.
	Close()
}

// Labeller is a guest that knows the packets of its media as observers do.
type Labeller interface {
	// Label returns the number of the stream of media that a packet of RTP is of; 0 if it is of none.
	Label(payload []byte) int32
}

// GuestCall describes one end of a peer connection.
type GuestCall struct {
	Peer string
	// Sections have kind, tag, formats, extensions, directions and msid; and the SSRC of what is sent if it has to be a certain
	// one, for an end that offers.
	Sections []jsep.Section
	// Heard is what the end is told of what it sends, Given what it tells, every Interval; 0 is as the stack
	// has it.
	Heard, Given endpoints.Feedback
	Interval     time.Duration
	// Controller governs what is sent, within limits, and moves Led. It is empty if nothing is sent.
	Controller string
	Limits     ccontrol.Limits
	Led        *Led
	// Found is told of further candidates, as lines of a description, while the run goes on.
	Found func(now simtime.Time, candidate string)
	// NACK asks for lost packets and sends them again.
	NACK bool
	// Interceptors take the places of the stack's own, unless there are none.
	Interceptors []Interceptor
}

// GuestEnd is one end of a peer connection.
type GuestEnd interface {
	// Offer returns an offer.
	Offer() (string, error)
	// Answer takes an offer and returns the answer.
	Answer(offer string) (string, error)
	// Accept takes the answer to the offer.
	Accept(answer string) error
	// Addr returns the end's address, which it knows when it has described itself.
	Addr() packet.Addr
	// SSRCs returns those of what it sends in a section, and of retransmissions, 0 if there are none; of one encoding if
	// the section has several.
	SSRCs(section int, rid string) (media, repairs uint32)
	// Carry gives the end the session that it carries, whose sections are those of the call, each encoding by itself, and
	// the peer's address as it is seen from here.
	Carry(s *endpoints.Session, peer packet.Addr) error
	// AddCandidate tells the end of a further candidate of the peer's, when it carries a session.
	AddCandidate(candidate string) error
}

// stacks are what guests can be, by name.
var stacks = map[string]func(GuestConfig) (Guest, error){}

// RegisterStack lets endpoints be guests of a kind. It is called by init functions.
func RegisterStack(name string, open func(GuestConfig) (Guest, error)) {
	if stacks[name] != nil {
		panic("topologies: stack " + name + " registered twice")
	}
	stacks[name] = open
}

// Stacks returns the names of the kinds of guests that there are.
func Stacks() []string { return slices.Sorted(maps.Keys(stacks)) }

// Led is a controller that does what a guest's own one says.
type Led struct {
	ccontrol.NoTimeout
	rate   units.BitRate
	factor float64 // of pacing; 0 is at once
	moved  bool
	names  []ccontrol.Signal
	show   func(values []float64) []float64
}

// Show names inner values of the guest's controller, which a function appends. It is called while all
// guests rest.
func (l *Led) Show(names []ccontrol.Signal, values func([]float64) []float64) {
	l.names, l.show = names, values
}

// Signals appends the present values.
func (l *Led) Signals(values []float64) []float64 {
	if l.show == nil {
		return values
	}
	return l.show(values)
}

// OnFeedback does nothing.
func (*Led) OnFeedback(simtime.Time, *ccontrol.Report) {}

// Lead sets the rate. It reports whether that is news.
func (l *Led) Lead(rate units.BitRate) bool {
	moved := rate != l.rate
	l.rate, l.moved = rate, l.moved || moved
	return moved
}

// Moved says whether the rate has been set since it was asked.
func (l *Led) Moved() bool {
	moved := l.moved
	l.moved = false
	return moved
}

// Pace lets the session pace what it sends, at a multiple of the rate; otherwise somebody else does.
func (l *Led) Pace(factor float64) { l.factor = factor }

// Target returns the rate.
func (l *Led) Target() ccontrol.Target {
	t := ccontrol.Target{Media: l.rate, Pacing: ccontrol.Unpaced}
	if l.factor > 0 {
		t.Pacing = units.BitRate(l.factor * float64(l.rate))
	}
	return t
}

var (
	_ ccontrol.Coupled    = (*Led)(nil)
	_ ccontrol.Observable = (*Led)(nil)
)

// Hosted reports whether the simulation has guests or parts of them: it is built, run and closed in a bubble then.
func (c *Config) Hosted() bool {
	return c.Security.DTLS != "" || c.Security.ICE != "" ||
		slices.ContainsFunc(c.Endpoints, func(e Endpoint) bool { return e.Stack != "" || len(e.Interceptors) > 0 })
}

// WithoutGuests returns the same with endpoints of ours in the places of guests, and without parts of others: what
// can be found out without running needs no bubble then.
func (c Config) WithoutGuests() Config {
	c.Endpoints = slices.Clone(c.Endpoints)
	for i := range c.Endpoints {
		c.Endpoints[i].Stack, c.Endpoints[i].Interceptors = "", nil
	}
	c.Security.DTLS, c.Security.ICE = "", ""
	return c
}

// addGuest makes an endpoint a guest.
func (s *Simulation) addGuest(p *party, config *Endpoint) error {
	open := stacks[config.Stack]
	if open == nil {
		return fmt.Errorf("endpoint %s: this program has no stack %q; it has %q", config.Name, config.Stack, Stacks())
	}
	host := hosted.NewHost(s.clock, p.endpoint.Addr(), func() uint16 { return nextPort(&p.nextPort, false) })
	host.Names(s.named())
	p.sockets = host
	var err error
	host.CarryTCP(s.Fabric.Pool())
	p.guest, err = open(GuestConfig{
		Name: config.Name, Clock: s.clock, Pool: s.Fabric.Pool(), Media: p.endpoint, Identity: s.identity(config.Name),
		Host: host, Servers: s.guestServers(config.Name), Random: s.random, Profile: s.profile(), Timeout: s.config.Security.Timeout, Options: config.StackOptions,
	})
	if err != nil {
		return fmt.Errorf("endpoint %s: %w", config.Name, err)
	}
	p.host.drive(p.guest)
	s.clock.OnWake(func(now simtime.Time) {
		if host.Stirred() {
			p.host.drain(now)
		}
	})
	return nil
}

func (s *Simulation) guestServers(name string) *GuestServers {
	g := s.config.Gathering
	if g == nil {
		return nil
	}
	return &GuestServers{Addr: iceServerAddr, Relays: g.Relays, User: name, Password: password(s.random, name)}
}

// named returns the addresses of endpoints by their names, as a resolver knows them.
func (s *Simulation) named() func(name string) (packet.IPv4, bool) {
	table := map[string]packet.IPv4{}
	for _, e := range s.config.Endpoints {
		table[e.Name] = s.config.addrs(e.Name)[0]
	}
	return func(name string) (packet.IPv4, bool) {
		a, ok := table[name]
		return a, ok
	}
}

// Sockets returns what became of datagrams at a guest's host; false for an endpoint of ours.
func (s *Simulation) Sockets(endpoint string) (hosted.Stats, bool) {
	p := s.byName[endpoint]
	if p == nil || p.sockets == nil {
		return hosted.Stats{}, false
	}
	return p.sockets.Stats(), true
}

// Close ends guests, so that nothing of them is left. A simulation without any needn't be closed.
func (s *Simulation) Close() {
	if s.clock == nil {
		return
	}
	for _, h := range s.hosts {
		if g, ok := h.stack.(Guest); ok {
			g.Close()
		}
	}
	for _, c := range s.chains {
		c.Close()
	}
	for _, k := range s.keyings {
		k.close()
	}
	s.clock.Pass(time.Second)
	if s.config.Gathering == nil {
		return
	}
	for _, p := range s.byName { // order doesn't matter any more
		if p.sockets != nil {
			p.sockets.Abandon()
		}
	}
	s.clock.Pass(lastWords)
}

// lastWords is for how long guests try to reach a TURN server that doesn't answer any more (RFC 8489 §6.2.1).
const lastWords = time.Minute
