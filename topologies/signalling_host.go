package topologies

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/carrier"
	"rtpfabric/endpoints/signalling/roap"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
)

// Ports of servers.
const (
	portHTTP = 80
	portSIP  = 5060
)

// signallingHost is a node of signalling with its connections.
type signallingHost struct {
	name     string
	addr     packet.IPv4
	node     signalling.Node
	tcp      *tcp.Host
	host     *host
	legs     []*signallingLeg
	callers  []*signallingCaller
	listens  []uint16
	dials    []func(now simtime.Time)
	passed   func(SignallingPassed)
	happened func(signalling.Event)
	failed   func() // hears of changes that came to nothing; nil if the node wants none
	// holds says that the node doesn't look at a message yet, nor at those after it; nil if it looks at once.
	holds func(now simtime.Time, m signalling.Message) bool
}

// signallingLeg is one of a node's legs.
type signallingLeg struct {
	end      carrier.End
	peer     *signallingHost
	peerLeg  int
	protocol string
	conns    []*tcp.Conn // by stream; nil until there is one
	opened   []bool
	broken   bool
	sent     []simtime.Time // of messages on their way
	held     signalling.Message
}

// addSignallingHost puts a node of signalling into the network.
func (s *Simulation) addSignallingHost(name string) *signallingHost {
	places := s.config.signallingPlaces()
	i := slices.IndexFunc(places, func(p signallingPlace) bool { return p.name == name })
	h := newSignallingHost(name, firstSignalling+packet.IPv4(i), s.Fabric.Pool())
	h.host = newHost(s.Loop, h)
	h.host.port = s.Fabric.Attach(s.node(places[i].at), h.addr, h.host)
	s.hosts = append(s.hosts, h.host)
	s.signalling = append(s.signalling, h)
	return h
}

func newSignallingHost(name string, addr packet.IPv4, pool *packet.Pool) *signallingHost {
	h := &signallingHost{
		name: name, addr: addr, tcp: tcp.NewHost(addr, pool), passed: func(SignallingPassed) {}, happened: func(signalling.Event) {},
	}
	h.tcp.Refuse = true
	h.tcp.Accepted = func(_ simtime.Time, c *tcp.Conn) { h.callers = append(h.callers, &signallingCaller{conn: c}) }
	return h
}

// web joins a browser's leg, of which it has one, to a server's.
func (s *Simulation) web(client *signallingHost, server *signallingHost, serverLeg int, d SignallingDelivery) {
	var ends [2]carrier.End
	switch {
	case d.Poll > 0:
		ends = [2]carrier.End{carrier.NewPollClient(client.name, server.name, parseROAP, d.Poll, simtime.At(d.Phase)), carrier.NewPollServer(parseROAP, 0)}
	case d.LongPoll > 0:
		ends = [2]carrier.End{carrier.NewPollClient(client.name, server.name, parseROAP, 0, simtime.At(d.Phase)), carrier.NewPollServer(parseROAP, d.LongPoll)}
	default:
		ends = [2]carrier.End{
			carrier.NewWebSocketClient(client.name, server.name, parseROAP, s.random.Stream("signalling/"+client.name+"/websocket")), carrier.NewWebSocketServer(parseROAP),
		}
	}
	s.joinLegs(client, 0, server, serverLeg, ends, "ROAP", portHTTP)
}

func parseROAP(b []byte) (signalling.Message, error) {
	m, err := roap.Parse(b)
	if err != nil {
		return nil, err // rather than a nil in an interface
	}
	return m, nil
}

// sip joins legs of nodes of SIP.
func (s *Simulation) sip(client *signallingHost, leg int, server *signallingHost, serverLeg int) {
	s.joinLegs(client, leg, server, serverLeg, [2]carrier.End{&carrier.SIP{}, &carrier.SIP{}}, "SIP", portSIP)
}

// joinLegs gives two legs their carriers, and lets the client open connections at the beginning.
func (s *Simulation) joinLegs(client *signallingHost, leg int, server *signallingHost, serverLeg int, ends [2]carrier.End, protocol string, port uint16) {
	client.setLeg(leg, &signallingLeg{end: ends[0], peer: server, peerLeg: serverLeg, protocol: protocol})
	server.setLeg(serverLeg, &signallingLeg{end: ends[1], peer: client, peerLeg: leg, protocol: protocol})
	if !slices.Contains(server.listens, port) { // once for all legs
		if err := server.tcp.Listen(port, tcp.Config{}); err != nil {
			panic("topologies: " + err.Error())
		}
		server.listens = append(server.listens, port)
	}
	client.dials = append(client.dials, func(now simtime.Time) {
		l := client.legs[leg]
		for stream := range l.conns {
			c, err := client.tcp.Dial(now, tcp.Config{
				Local: packet.Addr{Port: firstPort + uint16(stream)}, Remote: packet.Addr{IP: server.addr, Port: port},
				ISS: s.random.Stream(fmt.Sprintf("signalling/%s/%d", client.name, stream)).Uint32(),
			})
			if err != nil {
				panic("topologies: " + err.Error()) // all its ports are free
			}
			l.conns[stream] = c
		}
	})
}

func (h *signallingHost) setLeg(i int, l *signallingLeg) {
	l.conns, l.opened = make([]*tcp.Conn, l.end.Streams()), make([]bool, l.end.Streams())
	for len(h.legs) <= i {
		h.legs = append(h.legs, nil)
	}
	h.legs[i] = l
}

// Name returns the node's name.
func (h *signallingHost) Name() string { return h.name }

// HandlePacket takes a segment of TCP.
func (h *signallingHost) HandlePacket(now simtime.Time, p *packet.Packet) {
	h.tcp.HandlePacket(now, p)
	h.work(now)
}

// HandleTimeout does what is due.
func (h *signallingHost) HandleTimeout(now simtime.Time) {
	for _, dial := range h.dials {
		dial(now)
	}
	h.dials = nil
	h.tcp.HandleTimeout(now)
	for _, l := range h.legs {
		if l.end.NextTimeout() <= now {
			l.end.HandleTimeout(now)
		}
	}
	h.node.HandleTimeout(now)
	h.work(now)
}

// work takes messages to and from the node until nothing moves.
func (h *signallingHost) work(now simtime.Time) {
	for h.read(now) || h.write(now) {
	}
	for e, ok := h.node.PollEvent(); ok; e, ok = h.node.PollEvent() {
		if h.failed != nil && (e.Kind == signalling.Failed || e.Kind == signalling.ChangeCancelled) {
			h.failed()
		}
		h.happened(e)
	}
}

// read hands what has come on streams to the node, and reports whether there was a message.
func (h *signallingHost) read(now simtime.Time) bool {
	h.receive(now)
	moved := false
	for i, l := range h.legs {
		for stream, c := range l.conns {
			if c == nil || l.broken {
				continue
			}
			if c.Established() && !l.opened[stream] {
				l.opened[stream] = true
				l.end.Open(now, stream)
			}
			if b := c.ReadContent(); b != nil {
				if err := l.end.Feed(now, stream, b); err != nil {
					h.lose(now, l, err)
					continue
				}
			}
			if err := c.Err(); err != nil {
				h.lose(now, l, err)
			}
		}
		for m := h.next(now, l); m != nil; m = h.next(now, l) {
			h.node.HandleMessage(now, i, m)
			moved = true
		}
	}
	return moved
}

// next returns the next message on a leg that the node looks at.
func (h *signallingHost) next(now simtime.Time, l *signallingLeg) signalling.Message {
	m := l.held
	if m == nil {
		if m = l.end.PollMessage(); m == nil {
			return nil
		}
		h.arrived(now, l, m)
	}
	if l.held = nil; h.holds != nil && h.holds(now, m) {
		l.held = m
		return nil
	}
	return m
}

// lose gives up a leg, and lets the other end know, if it can be reached.
func (h *signallingHost) lose(now simtime.Time, l *signallingLeg, err error) {
	l.broken = true
	for _, c := range l.conns {
		if c != nil {
			c.Abort()
		}
	}
	h.happened(signalling.Event{At: now, Node: h.name, Kind: signalling.Disconnected, Reason: err.Error()})
}

// arrived tells of a message that a peer has sent.
func (h *signallingHost) arrived(now simtime.Time, l *signallingLeg, m signalling.Message) {
	from, sent := l.peer.legs[l.peerLeg], now
	if len(from.sent) > 0 { // otherwise it is of somebody who says that he is the peer
		sent = from.sent[0]
		from.sent = slices.Delete(from.sent, 0, 1)
	}
	h.passed(SignallingPassed{Sent: sent, Arrived: now, From: l.peer.name, To: h.name, Protocol: l.protocol, Message: m})
}

// write puts what the node and carriers have to say on streams, and reports whether there was a message.
func (h *signallingHost) write(now simtime.Time) bool {
	moved := false
	for leg, m := h.node.PollMessage(); m != nil; leg, m = h.node.PollMessage() {
		l := h.legs[leg]
		l.sent = append(l.sent, now)
		l.end.Send(now, m)
		moved = true
	}
	for _, l := range h.legs {
		for stream, c := range l.conns {
			if c == nil || l.broken {
				continue
			}
			if b := l.end.Output(stream); b != nil {
				c.WriteContent(b)
			}
		}
	}
	return moved
}

// PollPacket returns a segment to send.
func (h *signallingHost) PollPacket(now simtime.Time) *packet.Packet { return h.tcp.PollPacket(now) }

// PollEvent returns no event: those of signalling aren't an endpoint's.
func (h *signallingHost) PollEvent() (endpoints.Event, bool) { return endpoints.Event{}, false }

// NextTimeout returns the next deadline.
func (h *signallingHost) NextTimeout() (simtime.Time, endpoints.Reason) {
	if h.dials != nil {
		return 0, endpoints.ReasonOther
	}
	at := min(h.tcp.NextTimeout(), h.node.NextTimeout())
	for _, l := range h.legs {
		at = min(at, l.end.NextTimeout())
	}
	return at, endpoints.ReasonOther
}

// Held returns how many packets the host owns.
func (h *signallingHost) Held() int { return h.tcp.Held() }
