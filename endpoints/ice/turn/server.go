package turn

import (
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// ServerConfig describes a server.
type ServerConfig struct {
	Name string
	// Addr is where it listens, usually at [Port]. Its relayed addresses have the same IP address.
	Addr packet.Addr
	// Users are passwords by name. Without any the server answers Binding requests alone.
	Users map[string]string
	// Realm is what users are told that the server belongs to, usually a domain name (RFC 8489 §9.2.4).
	Realm string
	// FirstPort and LastPort are the range of relayed addresses; 0 is 49152, and 65535 (RFC 8656 §7.2).
	FirstPort, LastPort uint16
	// NonceLifetime is how long a nonce can be used; 0 is one hour.
	NonceLifetime time.Duration
	// MaxLifetime is the most that an allocation is granted at once, in whole seconds; 0 is one hour (RFC 8656 §7.2).
	MaxLifetime time.Duration
	// Quota is how many allocations a user can have; 0 is no limit.
	Quota  int
	Random *rng.Stream
	Pool   *packet.Pool
}

// Server is a STUN server, and a TURN server if it has users. It is passive. After any other method its host drains
// PollPacket, and reads NextTimeout again. It takes all packets for its IP address, of which it knows by their ports what
// they are.
//
// What it relays goes on in the packet in which it came, as who sent it would have it: with its DSCP and ECN bits (RFC 8656
// §14), with all that observers follow it by, and marked as passed on. Packets with wrong checksums never come here: the
// fabric drops them.
type Server struct {
	config   ServerConfig
	secret   [32]byte // of nonces
	byClient map[client]*allocation
	byPort   map[uint16]*allocation
	byUser   map[string]int // how many
	ordered  []*allocation  // as they were made
	gone     []grave
	next     simtime.Time // when the first allocation ends, or a grave is forgotten
	out      packet.FIFO
	streamed packet.FIFO
	in       stun.Message // being read
	counts   ServerCounts
}

// ServerCounts are what a server has done.
type ServerCounts struct {
	// Bindings are answered Binding requests.
	Bindings uint64
	// Allocations were granted; of those, Expired ended by time and Deleted because their clients wanted it.
	Allocations, Expired, Deleted uint64
	// Challenged are requests without credentials or with an old nonce, which clients are expected to send again with what
	// they were given; Refused are all others that got an error.
	Challenged, Refused uint64
	// Relayed are packets that were passed on, in either direction.
	Relayed uint64
	// NoPermission are packets that were dropped as nobody has asked for them (RFC 8656 §9).
	NoPermission uint64
	// Ignored are packets that are malformed, for nobody, or of a kind that the server doesn't have.
	Ignored uint64
}

// NewServer returns a server without allocations.
func NewServer(c ServerConfig) *Server {
	if c.FirstPort == 0 {
		c.FirstPort = 49152
	}
	if c.LastPort == 0 {
		c.LastPort = 65535
	}
	if c.NonceLifetime == 0 {
		c.NonceLifetime = time.Hour
	}
	if c.MaxLifetime == 0 {
		c.MaxLifetime = time.Hour
	}
	s := &Server{
		config: c, byClient: map[client]*allocation{}, byPort: map[uint16]*allocation{}, byUser: map[string]int{}, next: simtime.Never,
	}
	_, _ = c.Random.Read(s.secret[:])
	return s
}

// Name returns the server's name.
func (s *Server) Name() string { return s.config.Name }

// Counts returns what the server has done so far.
func (s *Server) Counts() ServerCounts { return s.counts }

// Held returns how many packets the server owns.
func (s *Server) Held() int { return s.out.Len() + s.streamed.Len() }

// HandlePacket takes a packet for the server's IP address, and owns it.
func (s *Server) HandlePacket(now simtime.Time, p *packet.Packet) {
	s.HandleTimeout(now)
	switch {
	case p.Protocol != packet.UDP || p.Dst.IP != s.config.Addr.IP:
		s.ignore(p)
	case p.Dst.Port != s.config.Addr.Port:
		s.fromPeer(now, p)
	default:
		s.fromClient(now, p, client{Addr: p.Src})
	}
}

// fromClient takes what a client has sent.
func (s *Server) fromClient(now simtime.Time, p *packet.Packet, from client) {
	if isChannelData(p.Payload) {
		s.fromChannel(now, p, from)
	} else {
		s.handleMessage(now, p, from)
	}
}

// handleMessage takes a STUN message of a client.
func (s *Server) handleMessage(now simtime.Time, p *packet.Packet, from client) {
	m := &s.in
	switch {
	case !decode(m, p.Payload):
		s.ignore(p)
	case m.Type == sendIndication:
		s.fromIndication(now, p, m, from)
	case m.Type.Class != stun.ClassRequest:
		s.ignore(p)
	default:
		if answer := s.handleRequest(now, from, m); answer != nil {
			s.send(from, answer)
			s.config.Pool.Release(p)
			return
		}
		s.ignore(p)
	}
}

var sendIndication = stun.NewType(stun.MethodSend, stun.ClassIndication)

// ignore drops a packet that is of no use.
func (s *Server) ignore(p *packet.Packet) {
	s.counts.Ignored++
	s.config.Pool.Release(p)
}

// send sends a message of the server's own.
func (s *Server) send(to client, payload []byte) {
	p := s.config.Pool.New()
	copy(p.SetPayload(len(payload)), payload)
	p.Src, p.Dst = s.config.Addr, to.Addr
	s.push(p, to)
}

// HandleTimeout ends allocations whose time is over.
func (s *Server) HandleTimeout(now simtime.Time) {
	if s.next > now {
		return
	}
	for i := 0; i < len(s.ordered); {
		if a := s.ordered[i]; a.expires <= now {
			s.counts.Expired++
			s.remove(now, a)
			continue
		}
		i++
	}
	s.schedule(now)
}

// PollPacket returns a packet to send, which is the caller's then; nil when drained.
func (s *Server) PollPacket(simtime.Time) *packet.Packet { return s.out.Pop() }

// NextTimeout returns when there is something to do; Never if there are no allocations.
func (s *Server) NextTimeout() simtime.Time { return s.next }
