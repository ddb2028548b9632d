package topologies

import (
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
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
	// Sends are the media that ends want to send at first, by their names, of which encodings have that of their
	// picture; without an entry all.
	Sends map[string][]string
	// Simulcast is how many encodings of a picture ends take at the same time; without an entry one alone, as browsers
	// do (RFC 8829 §3.7).
	Simulcast map[string]int
	// Offers are the changes that ends want, the first of which is the call itself.
	Offers []SignalledOffer
	// Fork is how the call of a [Fork] forks; nil elsewhere.
	Fork *Forking
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
	// Restart lets checks begin anew with it (RFC 8445 §9).
	Restart bool
}

// SignallingPassed is a message that has arrived.
type SignallingPassed struct {
	Sent, Arrived simtime.Time
	From, To      string // nodes of the signalling: endpoints, "server" or "gateway"
	Protocol      string // ROAP or SIP
	Message       signalling.Message
}

// signal puts the nodes of the signalling into the network.
func (s *Simulation) signal(call *Call, ends [2]*negotiation) {
	c := s.config.Signalling
	names := [2]string{call.A, call.B}
	middle := "server"
	if c.Gateway != nil {
		middle = "gateway"
	}
	hosts := [2]*signallingHost{s.addSignallingHost(call.A), s.addSignallingHost(call.B)}
	between := s.addSignallingHost(middle)
	var parties [2]changer
	if c.Gateway == nil {
		a, b := s.agent(names, 0, call.B, ends[0]), s.agent(names, 1, call.A, ends[1])
		hosts[0].node, hosts[1].node, between.node = a, b, roap.NewServer(middle, c.Resolves)
		parties = [2]changer{a, b}
		s.web(hosts[1], between, 1, c.Delivery[call.B])
	} else {
		a := s.agent(names, 0, middle, ends[0])
		g, u := s.gateway(names, ends[1])
		hosts[0].node, hosts[1].node, between.node = a, u, g
		parties = [2]changer{a, u}
		s.sip(between, gateway.SIP, hosts[1], 0)
	}
	s.web(hosts[0], between, 0, c.Delivery[call.A])
	s.plan(names, hosts, parties, ends)
}

// plan says what ends want at first, and when they want changes.
func (s *Simulation) plan(names [2]string, hosts [2]*signallingHost, parties [2]changer, ends [2]*negotiation) {
	c := s.config.Signalling
	for k := range ends {
		s.byName[names[k]].host.inside = func(e endpoints.Event) bool {
			s.announce(e, ends[k], hosts[k], parties[k])
			if g := ends[k].gathering; g != nil {
				g.handle(e)
			}
			return false
		}
		hosts[k].failed = func() { // what was to change stays as it is
			if parties[k].Wishes() == 0 {
				ends[k].wants, ends[k].restarts.wanted = ends[k].holds, false
			}
		}
		if g := ends[k].gathering; g != nil {
			s.gatherFor(g, hosts[k], parties[k])
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
			ends[k].restarts.wanted = ends[k].restarts.wanted || o.Restart
			offer := func(now simtime.Time) {
				parties[k].Change(now)
				hosts[k].work(now)
				hosts[k].host.drain(now)
			}
			if g := ends[k].gathering; g != nil {
				g.when(now, o.Restart, offer)
				return
			}
			offer(now)
		})).Set(o.At)
	}
}

// trickler is a party that can tell the other end of candidates.
type trickler interface{ Trickle(fragment string) }

// gatherFor joins the gathering of an end to its party.
func (s *Simulation) gatherFor(g *gathering, h *signallingHost, party signalling.Node) {
	if t, ok := party.(trickler); ok && s.config.Gathering.Trickle {
		g.trickle = func(now simtime.Time, fragment string) {
			t.Trickle(fragment)
			h.work(now)
			h.host.drain(now)
		}
	}
	h.holds = func(now simtime.Time, m signalling.Message) bool {
		offer := offerIn(m)
		if offer == "" || !g.awaited(now, offer) {
			return false
		}
		g.wake = func(now simtime.Time) {
			h.work(now)
			h.host.drain(now)
		}
		return true
	}
	if s.config.Gathering.Pool {
		s.Loop.NewTimer(engine.HandlerFunc(g.begin)).Set(s.Loop.Now())
	}
}

// offerIn returns the offer that a message has; "" if it has none.
func offerIn(m signalling.Message) string {
	switch m := m.(type) {
	case *roap.Message:
		if m.Type == roap.TypeOffer {
			return m.SDP
		}
	case *sip.Message:
		if m.Method == sip.Invite {
			return m.Body
		}
	}
	return ""
}

// announce offers anew when an end has another SSRC than it has described (RFC 5576 §5), a moment later, as its endpoint
// is at work.
func (s *Simulation) announce(e endpoints.Event, end *negotiation, h *signallingHost, party changer) {
	if e.Kind != endpoints.SSRCChanged || e.Session != end.session || !end.mentions(e.Previous) {
		return
	}
	s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		party.Change(now)
		h.work(now)
		h.host.drain(now)
	})).Set(e.At)
}

// signallingParty is a node of signalling that can end it.
type signallingParty interface {
	signalling.Node
	Shutdown(now simtime.Time)
}

// changer is a party that may want changes.
type changer interface {
	signallingParty
	Change(now simtime.Time)
	Wishes() int
}

// hangUp ends the signalling of an endpoint that leaves.
func (s *Simulation) hangUp(now simtime.Time, name string) {
	for _, h := range s.signalling {
		if party, ok := h.node.(signallingParty); ok && h.name == name {
			party.Shutdown(now)
			h.work(now)
			h.host.drain(now)
		}
	}
}

// agent makes the application of one of the two ends.
func (s *Simulation) agent(names [2]string, i int, peer string, end *negotiation) *roap.Agent {
	c := s.config.Signalling
	return roap.NewAgent(roap.AgentConfig{
		Name: names[i], Session: names[i], Peer: peer, Resolution: c.Resolution, Owner: i == 0 && !c.UserAgent.Owner,
		Polite: i == 1 || c.Gateway != nil, Random: s.random.Stream("signalling/" + names[i]), TieBreakerBits: c.TieBreakerBits, Describe: end,
	})
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
