package topologies

import (
	"fmt"
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Signalling lets the two ends of a call agree on it over the network, before anything else is sent, and change it later.
type Signalling struct {
	// At is the node of the server between them, or of the gateway.
	At         string
	Resolution glare.Resolution
	// TieBreakerBits is how many bits values have; 0 is 32.
	TieBreakerBits int
	// Resolves lets the server compare values.
	Resolves bool
	// Gateway, if not nil, makes the call's second end a user agent of SIP behind a gateway, which it describes as
	// far as it has no names and addresses in it.
	Gateway *gateway.Config
	// UserAgent describes that end in the same way.
	UserAgent sip.Config
	// Delivery is how messages get to the ends, by name; without an entry they are pushed.
	Delivery map[string]SignallingDelivery
	// Sends are the media that ends want to send at first, by their names; without an entry all.
	Sends map[string][]string
	// Offers are the changes that ends want, the first of which is the call itself.
	Offers []SignalledOffer
}

// SignallingDelivery is how an end gets messages: it asks every Poll, or with LongPoll as soon as it has an answer, for which
// the server waits that long.
type SignallingDelivery struct{ Poll, LongPoll, Phase time.Duration }

// SignalledOffer is a change that an end wants from a time on: to send these media of its own, by their names;
// nil are those of before.
type SignalledOffer struct {
	By    string
	At    simtime.Time
	Sends []string
}

// SignallingPassed is a message that has arrived.
type SignallingPassed struct {
	Sent, Arrived simtime.Time
	From, To      string // nodes of the signalling: endpoints, "server" or "gateway"
	Protocol      string // ROAP or SIP
	Message       signalling.Message
}

// negotiation is one end's part in agreeing on a call.
type negotiation struct {
	s         *Simulation
	self      string
	step      *keying.Deferred
	session   *endpoints.Session // known once there is a connection
	handshake func(dtls.Role) keying.Step
	own       *jsep.Description
	peer      *jsep.Description // as it has to describe itself
	opening   func(keying.Step) keying.Step
	agreed    bool
	client    bool // of the handshake, as it has answered
	// By media section: what this end can send and receive, the name of what it sends, and what it wants to send, which
	// nil stands for all of.
	can   []jsep.Section
	names []string
	wants []string
}

// wanted reports whether the end wants to send in a section.
func (n *negotiation) wanted(i int) bool {
	return n.can[i].Sends && (n.wants == nil || slices.Contains(n.wants, n.names[i]))
}

// apply lets those sections send that both ends want to (RFC 3264 §6.1).
func (n *negotiation) apply(now simtime.Time, peer *jsep.Description) {
	for i, section := range n.session.Sections() {
		if n.own.Sections[i].Sends && peer.Sections[i].Receives {
			section.Release(now)
		} else {
			section.Hold(now)
		}
	}
	n.stir(now)
}

// deferKeys lets a session's keys wait for an agreement.
func (s *Simulation) deferKeys(sc *endpoints.SessionConfig, self, peer string) *negotiation {
	n := &negotiation{s: s, self: self, step: keying.NewDeferred()}
	sc.Keying = n.step
	if !s.handshakes(self) {
		sc.Profile = s.profile()
		n.handshake = func(dtls.Role) keying.Step { return keying.NewPreshared(s.random, self, peer) }
		n.opening = func(step keying.Step) keying.Step { return step }
		return n
	}
	sc.Handshake = true
	name := "dtls/" + self + "/" + peer
	n.handshake = func(role dtls.Role) keying.Step {
		return dtls.New(s.dtlsConfig(role, self, peer, s.random.Stream(fmt.Sprintf("%s/%v", name, role))))
	}
	n.opening = func(step keying.Step) keying.Step { return keying.NewOpening(step, s.random.Stream(name+"/opening")) }
	return n
}

// Offer describes the end, which from now on is ready for whoever answers (RFC 8842 §5.2).
func (n *negotiation) Offer(now simtime.Time) string {
	n.own.Setup = jsep.ActPass
	for i := range n.can {
		n.own.Sections[i].Sends, n.own.Sections[i].Receives = n.wanted(i), n.can[i].Receives
	}
	if !n.agreed {
		n.step.Begin(n.handshake(dtls.Server))
		n.stir(now)
	}
	return n.own.String()
}

// Rollback takes the offer back.
func (n *negotiation) Rollback(simtime.Time) {
	if !n.agreed {
		n.step.Reset()
	}
}

// Answer takes an offer, and begins the handshake.
func (n *negotiation) Answer(now simtime.Time, offer string) (string, error) {
	d, err := n.fits(offer, jsep.ActPass)
	if err != nil {
		return "", err
	}
	for i := range n.can {
		n.own.Sections[i].Sends, n.own.Sections[i].Receives = n.wanted(i) && d.Sections[i].Receives, n.can[i].Receives && d.Sections[i].Sends
	}
	n.own.Setup = jsep.Active
	if n.agreed && !n.client { // roles stay (RFC 8842 §5.5)
		n.own.Setup = jsep.Passive
	}
	if !n.agreed {
		n.agreed, n.client = true, true
		n.step.Begin(n.handshake(dtls.Client))
	}
	n.apply(now, d)
	return n.own.String(), nil
}

// Agree takes the answer, and opens the way for the other end's handshake.
func (n *negotiation) Agree(now simtime.Time, answer string) error {
	setup := jsep.Active
	if n.client {
		setup = jsep.Passive
	}
	d, err := n.fits(answer, setup)
	if err != nil {
		return err
	}
	if !n.agreed {
		n.agreed = true
		n.step.Begin(n.opening(n.step.Step))
	}
	n.apply(now, d)
	return nil
}

// fits reads a description. An error says why this end's session can't be made of it.
func (n *negotiation) fits(text string, setup jsep.Setup) (*jsep.Description, error) {
	d, err := jsep.Parse(text)
	if err != nil {
		return nil, err
	}
	if d.Setup != setup {
		return nil, fmt.Errorf("a=setup:%s, not %s", d.Setup, setup)
	}
	if d.Fingerprint != n.peer.Fingerprint || d.Addr != n.peer.Addr {
		return nil, fmt.Errorf("it is of somebody else, at %v", d.Addr)
	}
	return d, n.own.Agrees(d)
}

// stir lets the session do what its keys have to do.
func (n *negotiation) stir(now simtime.Time) {
	n.session.HandleKeying(now)
	n.s.byName[n.self].host.drain(now)
}

// describeEnds gives both ends their descriptions.
func (s *Simulation) describeEnds(call *Call, configs [2]*endpoints.SessionConfig, ends [2]*negotiation, extensions []headerext.Entry) {
	names := [2]string{call.A, call.B}
	var described [2]*jsep.Description
	for i, name := range names {
		e := &side{name: name, peer: names[1-i], party: s.byName[name], cname: s.byName[name].config.CNAME}
		d := s.describe(e, extensions, sectionsOf(call.Sessions[0].Media))
		d.Addr = configs[1-i].Remote // as the other end reaches it
		d.Fingerprint = s.identity(name).Fingerprint()
		for j := range d.Sections { // SSRCs are drawn by the session, unless they are given
			section, given := &d.Sections[j], configs[i].Sections[j].SSRC
			section.SSRC, section.RTX = given, 0
			section.Extensions = configs[i].Extensions
			rtcp := call.Sessions[0].RTCP[i]
			section.RTCP = partOf(&rtcp, len(d.Sections))
			section.TrrInterval, section.FullSize = rtcp.TrrInterval, !rtcp.ReducedSize
		}
		described[i] = d
	}
	for i, n := range ends {
		n.own, n.peer = described[i], described[1-i]
		n.can = slices.Clone(n.own.Sections)
		for _, section := range sectionsOf(call.Sessions[0].Media) {
			name := ""
			for _, m := range section {
				if m.From == names[i] {
					name = m.Name
				}
			}
			n.names = append(n.names, name)
		}
	}
}

// partOf returns a media section's part of the bandwidth of RTCP, which add up.
func partOf(c *endpoints.RTCPConfig, sections int) *jsep.RTCPBandwidth {
	part := c.Bandwidth / units.BitRate(sections)
	share := c.SenderShare
	if share == 0 {
		share = 0.25 // RFC 3550 §6.2
	}
	senders := units.BitRate(max(share, 0) * float64(part))
	return &jsep.RTCPBandwidth{Senders: senders, Receivers: part - senders}
}

// signal puts the nodes of the signalling into the network.
func (s *Simulation) signal(call *Call, ends [2]*negotiation) {
	c := s.config.Signalling
	names := [2]string{call.A, call.B}
	middle := "server"
	if c.Gateway != nil {
		middle = "gateway"
	}
	addr := firstSignalling
	host := func(node, name string) *signallingHost {
		h := newSignallingHost(s, addr)
		addr++
		h.host = newHost(s.Loop, h)
		h.host.port = s.Fabric.Attach(s.node(node), h.addr, h.host)
		h.name = name
		s.hosts = append(s.hosts, h.host)
		s.signalling = append(s.signalling, h)
		return h
	}
	hosts := [2]*signallingHost{host(s.byName[call.A].config.At, call.A), host(s.byName[call.B].config.At, call.B)}
	between := host(c.At, middle)
	agent := func(i int, peer string) *roap.Agent {
		return roap.NewAgent(roap.AgentConfig{
			Name: names[i], Session: names[i], Peer: peer, Resolution: c.Resolution, Owner: i == 0 && !c.UserAgent.Owner,
			Polite: i == 1 || c.Gateway != nil, Random: s.random.Stream("signalling/" + names[i]), TieBreakerBits: c.TieBreakerBits, Describe: ends[i],
		})
	}
	var parties [2]changer
	if c.Gateway == nil {
		a, b := agent(0, call.B), agent(1, call.A)
		hosts[0].node, hosts[1].node, between.node = a, b, roap.NewServer(middle, c.Resolves)
		parties = [2]changer{a, b}
		s.web(hosts[1], 0, between, 1, c.Delivery[call.B])
	} else {
		a := agent(0, middle)
		g, u := s.gateway(names, ends[1])
		hosts[0].node, hosts[1].node, between.node = a, u, g
		parties = [2]changer{a, u}
		s.sip(between, gateway.SIP, hosts[1], 0)
	}
	s.web(hosts[0], 0, between, 0, c.Delivery[call.A])
	for k := range ends {
		ends[k].wants = c.Sends[names[k]]
		for _, section := range ends[k].session.Sections() {
			section.Hold(s.Loop.Now())
		}
	}
	for i := range c.Offers {
		o := &c.Offers[i]
		k := slices.Index(names[:], o.By)
		s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			if o.Sends != nil {
				ends[k].wants = o.Sends
			}
			parties[k].Change(now)
			hosts[k].work(now)
			hosts[k].host.drain(now)
		})).Set(o.At)
	}
}

// changer is a party that may want changes.
type changer interface {
	signalling.Node
	Change(now simtime.Time)
}

// gateway makes a gateway and the user agent behind it.
func (s *Simulation) gateway(names [2]string, end *negotiation) (*gateway.Gateway, *sip.UserAgent) {
	c := s.config.Signalling
	callID := names[0] + "-" + names[1] + "@gateway.example"
	local, remote := names[0]+"@gateway.example;tag=1", names[1]+"@phone.example;tag=2"
	g, u := *c.Gateway, c.UserAgent
	g.Name, g.Session, g.Peer, g.CallID, g.Local, g.Remote = "gateway", "gateway", names[0], callID, local, remote
	g.Random, g.TieBreakerBits, g.Owner, g.Resolution = s.random.Stream("signalling/gateway"), c.TieBreakerBits, !u.Owner, c.Resolution
	u.Name, u.CallID, u.Local, u.Remote = names[1], callID, remote, local
	u.Random, u.TieBreakerBits, u.Describe = s.random.Stream("signalling/"+names[1]), c.TieBreakerBits, end
	return gateway.New(g), sip.NewUserAgent(u)
}

// firstSignalling is where the addresses of nodes of signalling begin.
const firstSignalling packet.IPv4 = 10<<24 + 4<<16 + 1

// OnSignalling sends messages of signalling, as they arrive, and what happens at its nodes to two functions.
func (s *Simulation) OnSignalling(passed func(SignallingPassed), happened func(signalling.Event)) {
	for _, h := range s.signalling {
		h.passed, h.happened = passed, happened
	}
}

// SignallingNode is a node of signalling with its address.
type SignallingNode struct {
	Name string
	Addr packet.IPv4
}

// SignallingNodes returns those that there are: the application or the user agent of each end, which has the end's name, and
// what is between them.
func (s *Simulation) SignallingNodes() []SignallingNode {
	var list []SignallingNode
	for _, h := range s.signalling {
		list = append(list, SignallingNode{h.name, h.addr})
	}
	return list
}
