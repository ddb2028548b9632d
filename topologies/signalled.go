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
	s       *Simulation
	self    string
	step    *keying.Deferred
	session *endpoints.Session // known once there is a connection
	own     *jsep.Description
	peer    *jsep.Description // as it has to describe itself
	// handshake makes a step, opening one that opens the way for the other end's first packets. Keys that are there with
	// the agreement need neither.
	handshake func(dtls.Role) keying.Step
	opening   func(keying.Step) keying.Step
	preshared keying.Step

	// By media section: what this end can send and receive, and the name of what it sends.
	can   []jsep.Section
	names []string
	// What it wants to send, what its offer says of that, and what holds; nil stands for all.
	wants, offered, holds []string
}

// deferKeys lets a session's keys wait for an agreement.
func (s *Simulation) deferKeys(sc *endpoints.SessionConfig, self, peer string) *negotiation {
	n := &negotiation{s: s, self: self, step: keying.NewDeferred()}
	sc.Keying = n.step
	if !s.handshakes(self) {
		sc.Profile = s.profile()
		n.preshared = keying.NewPreshared(s.random, self, peer)
		return n
	}
	sc.Handshake = true
	name, begun := "dtls/"+self+"/"+peer, 0
	n.handshake = func(role dtls.Role) keying.Step {
		begun++
		return dtls.New(s.dtlsConfig(role, self, peer, s.random.Stream(fmt.Sprintf("%s/%d", name, begun))))
	}
	n.opening = func(step keying.Step) keying.Step { return keying.NewOpening(step, s.random.Stream(name+"/opening")) }
	return n
}

// describes says which media the end would send, as far as the other end would get them, and get.
func (n *negotiation) describes(sends []string, peer *jsep.Description) {
	for i := range n.can {
		own := &n.own.Sections[i]
		own.Sends = n.can[i].Sends && (sends == nil || slices.Contains(sends, n.names[i]))
		own.Receives = n.can[i].Receives
		if peer != nil { // RFC 3264 §6.1
			own.Sends, own.Receives = own.Sends && peer.Sections[i].Receives, own.Receives && peer.Sections[i].Sends
		}
	}
}

// Offer describes the end, which from now on is ready for whoever answers (RFC 8842 §5.2).
func (n *negotiation) Offer(now simtime.Time) string {
	n.offered = n.wants
	n.own.Setup = jsep.ActPass
	n.describes(n.offered, nil)
	if n.preshared == nil && !n.step.Begun() {
		n.step.Begin(n.handshake(dtls.Server), false)
		n.stir(now)
	}
	return n.own.String()
}

// Rollback takes the offer back, and with it the readiness.
func (n *negotiation) Rollback(simtime.Time) {
	if n.preshared == nil && !n.step.Client() {
		n.step.Reset()
	}
}

// Answer takes an offer. Whoever answers begins the handshake, unless that is under way (RFC 8842 §5.3, §5.5).
func (n *negotiation) Answer(now simtime.Time, offer string) (string, error) {
	d, err := n.fits(offer, jsep.ActPass)
	if err != nil {
		return "", err
	}
	n.describes(n.holds, d)
	n.own.Setup = jsep.Active
	switch {
	case n.preshared != nil:
		n.step.Begin(n.preshared, true)
	case n.step.Begun() && !n.step.Client() && n.step.Heard():
		n.own.Setup = jsep.Passive
	case !n.step.Client():
		n.step.Begin(n.handshake(dtls.Client), true)
	}
	n.apply(now, d)
	return n.own.String(), nil
}

// Agree takes the answer to the end's offer.
func (n *negotiation) Agree(now simtime.Time, answer string) error {
	d, err := n.fits(answer, jsep.Active, jsep.Passive)
	if err != nil {
		return err
	}
	n.holds = n.offered
	switch client := n.step.Client(); {
	case n.preshared != nil:
		n.step.Begin(n.preshared, false)
	case client == (d.Setup == jsep.Passive): // as they were
	case client && !n.step.Heard(): // nobody has heard of the handshake that this end has begun for an earlier offer
		n.step.Begin(n.handshake(dtls.Server), false)
	default:
		return fmt.Errorf("a=setup:%s, and this end has the same part in the handshake", d.Setup)
	}
	if n.preshared == nil && !n.step.Client() && !n.step.Heard() {
		n.step.Wrap(n.opening)
	}
	n.apply(now, d)
	return nil
}

// apply lets those sections send that both ends want to.
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

// fits reads a description. An error says why this end's session can't be made of it.
func (n *negotiation) fits(text string, setups ...jsep.Setup) (*jsep.Description, error) {
	d, err := jsep.Parse(text)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(setups, d.Setup) {
		return nil, fmt.Errorf("a=setup:%s, not %s", d.Setup, setups[0])
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
		hosts[k].failed = func() { // what was to change stays as it is
			if parties[k].Wishes() == 0 {
				ends[k].wants = ends[k].holds
			}
		}
		ends[k].wants, ends[k].holds = c.Sends[names[k]], c.Sends[names[k]]
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
	Wishes() int
	Shutdown(now simtime.Time)
}

// hangUp ends the signalling of an endpoint that leaves.
func (s *Simulation) hangUp(now simtime.Time, name string) {
	for _, h := range s.signalling {
		if party, ok := h.node.(changer); ok && h.name == name {
			party.Shutdown(now)
			h.work(now)
			h.host.drain(now)
		}
	}
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
