package topologies

import (
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Gathering is how the ends of a call learn of their candidates (RFC 8445 §5.1.1).
type Gathering struct {
	// At is the node of the server of STUN, which with Relays is one of TURN as well.
	At     string
	Relays bool
	// Trickle lets descriptions leave before servers have answered; candidates follow (RFC 8838).
	Trickle bool
	// RelayOnly lets ends use nothing but relayed candidates (RFC 8829 §3.5.3).
	RelayOnly bool
	// Pool lets them ask when the run begins, rather than when there is something to describe (RFC 8829 §3.5.4).
	Pool bool
	// NominateAfter is how long the end that nominates, and has a pair that works, waits for a better one.
	NominateAfter time.Duration
}

// gathering is how an end of a call gathers candidates.
type gathering struct {
	n         *negotiation
	socket    *ice.Socket
	transport *ice.Transport
	// waiting is what is to be done when descriptions can be made, told the candidates that the other end knows of, or will as
	// soon as a description with these credentials leaves.
	waiting []func(simtime.Time)
	wake    func(simtime.Time) // lets an offer be looked at that waits as well; nil if none does
	told    []ice.Candidate
	of      ice.Credentials
	ended   bool // that there are no more was told as well
	// theirs says that the other end has told all its candidates.
	theirs bool
	// answering are the credentials of the offer for which servers were asked.
	answering ice.Credentials
	// trickle tells the other end of more.
	trickle func(now simtime.Time, fragment string)
	// early are fragments that came before the description that they are parts of.
	early []*jsep.Fragment
}

// maxEarlyFragments bounds what is kept of them.
const maxEarlyFragments = 64

func (s *Simulation) newGathering(n *negotiation, peer string) *gathering {
	g := s.config.Gathering
	socket := s.sockets[n.local]
	if socket == nil {
		c := ice.SocketConfig{
			Local: n.local, STUN: iceServerAddr, RelayOnly: g.RelayOnly, Random: s.random.Stream("ice/" + n.self + "/" + peer + "/gathering"),
		}
		if g.Relays {
			c.TURN, c.Username, c.Password = iceServerAddr, n.self, password(s.random, n.self)
		}
		socket = ice.NewSocket(c)
		s.sockets[n.local] = socket
	}
	return &gathering{n: n, socket: socket, transport: ice.NewTransport(n.step, socket, n.remote)}
}

// begin asks the servers.
func (g *gathering) begin(now simtime.Time) {
	g.socket.Gather(now)
	g.n.stir(now)
}

// ready reports whether a description can be made: with all candidates, unless they may follow.
func (g *gathering) ready() bool {
	return g.socket.Begun() && (g.n.s.config.Gathering.Trickle || g.socket.Complete())
}

// when does something as soon as a description can be made, for which it asks the servers if need be.
func (g *gathering) when(now simtime.Time, again bool, do func(simtime.Time)) {
	if !g.socket.Begun() || again {
		g.begin(now)
	}
	if g.ready() {
		do(now)
		return
	}
	g.waiting = append(g.waiting, do)
}

// awaited reports whether an offer has to wait for candidates before it can be answered, and asks for them.
func (g *gathering) awaited(now simtime.Time, offer string) bool {
	if g.n.s.config.Gathering.Trickle {
		return false
	}
	d, err := jsep.Parse(offer)
	if err != nil {
		return false // which its end will say
	}
	if d.ICE != g.answering {
		if !g.socket.Begun() || g.n.restartsBy(d.ICE) {
			g.begin(now)
		}
		g.answering = d.ICE
	}
	return !g.ready()
}

// describe puts what is known into a description.
func (g *gathering) describe(d *jsep.Description) {
	d.Candidates, d.Complete = g.socket.Candidates(), g.socket.Complete()
	d.Addr = byDefault(d.Candidates)
	g.told, g.ended, g.of = d.Candidates, d.Complete, d.ICE
}

// byDefault returns the address that an end without ICE would be told: the one that is most likely to work (RFC 5245 §4.1.4,
// RFC 8839 §4.2.1.2); zero if none is known.
func byDefault(list []ice.Candidate) packet.Addr {
	var best ice.Candidate
	for _, c := range list {
		if best.Addr == (packet.Addr{}) || c.Type > best.Type {
			best = c
		}
	}
	return best.Addr
}

// handle takes what has become of addresses: what waits goes on, and the other end is told of more candidates.
func (g *gathering) handle(e endpoints.Event) {
	if e.Kind != endpoints.CandidateGathered && e.Kind != endpoints.GatheringComplete {
		return
	}
	g.n.s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) { // the endpoint is at work
		if g.ready() {
			waiting, wake := g.waiting, g.wake
			g.waiting, g.wake = nil, nil
			for _, do := range waiting {
				do(now)
			}
			if wake != nil {
				wake(now)
			}
		}
		g.tell(now)
	})).Set(e.At)
}

// expect lets the agent know whether candidates may still come.
func (g *gathering) expect(now simtime.Time) {
	g.n.checks.Agent().Expect(now, !g.socket.Complete() || !g.theirs)
}

// tell tells the other end of candidates that it doesn't know of, once it has a description.
func (g *gathering) tell(now simtime.Time) {
	if g.n.checks != nil {
		g.expect(now)
		g.n.stir(now)
	}
	if g.of == (ice.Credentials{}) || g.trickle == nil || g.ended { // what is found later waits for the next description (RFC 8838 §13)
		return
	}
	var news []ice.Candidate
	for _, c := range g.socket.Candidates() {
		if !slices.Contains(g.told, c) {
			news = append(news, c)
		}
	}
	complete := g.socket.Complete()
	if len(news) == 0 && !complete {
		return
	}
	g.told, g.ended = append(slices.Clone(g.told), news...), complete
	g.trickle(now, g.n.own.Fragment(complete, news...).String())
}

// Gathers reports whether ends gather candidates.
func (s *Simulation) Gathers() bool { return s.icePort != nil }
