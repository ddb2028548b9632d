package topologies

import (
	"fmt"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
)

// iceServerAddr is where the server of STUN and TURN listens (RFC 8489 §18.6).
var iceServerAddr = packet.Addr{IP: 10<<24 + 5<<16 + 1, Port: turn.Port}

// iceServer hosts the server, which has clients over UDP and over TCP (RFC 8656 §2.1).
type iceServer struct {
	*turn.Server
	pool    *packet.Pool
	tcp     *tcp.Host
	streams []*turnStream
	// label returns the number of the stream of media that a packet is of, as observers know it; 0 of none.
	label func(payload []byte) int32
	full  uint64 // messages that were dropped, as too much waited for a stream
	// served says that there was a stream.
	served bool
}

// turnStream is a client's stream.
type turnStream struct {
	conn  *tcp.Conn
	in    []byte // a message that hasn't come completely
	drawn bool   // the client is a guest
	ended bool
}

// mostQueued is how many octets may wait for a stream, or to be acknowledged there. Data of peers that come then are lost, as
// in a queue of the network.
const mostQueued = 64 << 10

// addICEServer puts the server into the network. Every end has an account there.
func (s *Simulation) addICEServer() {
	g := s.config.Gathering
	if g == nil {
		return
	}
	c := turn.ServerConfig{Name: "ice-server", Addr: iceServerAddr, Realm: "example.org", Random: s.random.Stream("ice/server"), Pool: s.Fabric.Pool()}
	if g.Relays {
		c.Users = map[string]string{}
		for _, e := range s.config.Endpoints {
			c.Users[e.Name] = password(s.random, e.Name)
		}
	}
	s.iceServer = newICEServer(turn.NewServer(c), s.Fabric.Pool())
	s.iceServer.label = s.labelOf
	h := newHost(s.Loop, s.iceServer)
	h.port = s.Fabric.Attach(s.node(g.At), iceServerAddr.IP, h)
	s.icePort, s.hosts = h.port, append(s.hosts, h)
}

func password(random *rng.Source, name string) string {
	return fmt.Sprintf("%016x", random.Stream("ice/server/"+name).Uint64())
}

func newICEServer(server *turn.Server, pool *packet.Pool) *iceServer {
	s := &iceServer{Server: server, pool: pool, tcp: tcp.NewHost(iceServerAddr.IP, pool)}
	s.tcp.Refuse = true
	s.tcp.Accepted = func(_ simtime.Time, c *tcp.Conn) {
		s.streams, s.served = append(s.streams, &turnStream{conn: c}), true
	}
	if err := s.tcp.Listen(iceServerAddr.Port, tcp.Config{Control: tcp.ControlCubic, MinRTO: 200 * time.Millisecond}); err != nil {
		panic("topologies: " + err.Error())
	}
	return s
}

// StreamsFull returns how many messages the TURN server has dropped, as too much waited for a client's stream; false if none has
// had one.
func (s *Simulation) StreamsFull() (dropped uint64, streams bool) {
	if s.iceServer == nil {
		return 0, false
	}
	return s.iceServer.full, s.iceServer.served
}

// labelOf asks guests of which stream of media a packet is.
func (s *Simulation) labelOf(payload []byte) int32 {
	for i := range s.config.Endpoints {
		if g, ok := s.byName[s.config.Endpoints[i].Name].guest.(Labeller); ok {
			if n := g.Label(payload); n != 0 {
				return n
			}
		}
	}
	return 0
}

// HandlePacket takes a datagram, or a segment.
func (s *iceServer) HandlePacket(now simtime.Time, p *packet.Packet) {
	if p.Protocol != packet.TCP {
		s.Server.HandlePacket(now, p)
		s.write()
		return
	}
	from, drawn := p.Src, p.Drawn
	s.tcp.HandlePacket(now, p)
	for _, t := range s.streams {
		if t.conn.Remote() == from {
			t.drawn = drawn
		}
	}
	s.read(now)
}

// HandleTimeout does what is due.
func (s *iceServer) HandleTimeout(now simtime.Time) {
	s.Server.HandleTimeout(now)
	s.tcp.HandleTimeout(now)
	s.read(now)
}

// read takes messages out of streams. One in which nothing else can be found is ended.
func (s *iceServer) read(now simtime.Time) {
	kept := s.streams[:0]
	for _, t := range s.streams {
		t.in = append(t.in, t.conn.ReadContent()...)
		for !t.ended {
			length, taken, ok := turn.NextMessage(t.in)
			if !ok {
				t.conn.Abort()
			}
			if !ok || taken == 0 || taken > len(t.in) {
				break
			}
			s.take(now, t, t.in[:length])
			t.in = t.in[taken:]
		}
		if t.conn.State() == tcp.Closed || t.conn.PeerClosed() {
			s.Hangup(now, t.conn.Remote())
			continue
		}
		kept = append(kept, t)
	}
	clear(s.streams[len(kept):])
	s.streams = kept
	s.write()
}

// take hands a message to the server.
func (s *iceServer) take(now simtime.Time, t *turnStream, message []byte) {
	p := s.pool.New()
	copy(p.SetPayload(len(message)), message)
	p.Src, p.Dst, p.Drawn, p.Flow = t.conn.Remote(), iceServerAddr, t.drawn, s.label(turn.Unwrap(message))
	s.HandleStream(now, p)
}

// write puts messages into streams.
func (s *iceServer) write() {
	for p := s.PollStream(); p != nil; p = s.PollStream() {
		for _, t := range s.streams {
			if t.conn.Remote() != p.Dst {
				continue
			}
			if t.conn.Unacknowledged()+len(p.Payload) > mostQueued {
				s.full++
				break
			}
			t.conn.WriteContent(p.Payload)
			t.conn.WriteContent(make([]byte, -len(p.Payload)&3)) // RFC 8656 §12.5
		}
		s.pool.Release(p)
	}
}

// PollPacket returns a packet to send.
func (s *iceServer) PollPacket(now simtime.Time) *packet.Packet {
	if p := s.Server.PollPacket(now); p != nil {
		return p
	}
	return s.tcp.PollPacket(now)
}

// PollEvent returns no event: those of servers aren't an endpoint's.
func (*iceServer) PollEvent() (endpoints.Event, bool) { return endpoints.Event{}, false }

// NextTimeout returns when there is something to do.
func (s *iceServer) NextTimeout() (simtime.Time, endpoints.Reason) {
	return min(s.Server.NextTimeout(), s.tcp.NextTimeout()), endpoints.ReasonOther
}

// Held returns how many packets the server owns.
func (s *iceServer) Held() int { return s.Server.Held() + s.tcp.Held() }
