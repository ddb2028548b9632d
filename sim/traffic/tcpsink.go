package traffic

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

// TCPSink accepts connections at one address and reads what they bring.
type TCPSink struct {
	host     *tcp.Host
	received units.Bytes // of connections that have ended
	accepted int
}

// NewTCPSink listens on a port. The configuration's Local.IP is the sink's
// address and Local.Port the port; ECN, SACK and the receive window are what
// matters of the rest. An error says what is wrong with it.
func NewTCPSink(c tcp.Config, pool *packet.Pool) (*TCPSink, error) {
	s := &TCPSink{host: tcp.NewHost(c.Local.IP, pool)}
	s.host.Accepted = func(simtime.Time, *tcp.Conn) { s.accepted++ }
	s.host.Retired = func(_ simtime.Time, c *tcp.Conn) { s.received += c.Received() }
	return s, s.host.Listen(c.Local.Port, c)
}

// HandlePacket takes a packet and its ownership.
func (s *TCPSink) HandlePacket(now simtime.Time, p *packet.Packet) { s.host.HandlePacket(now, p) }

// HandleTimeout does everything that is due. An early call does nothing.
func (s *TCPSink) HandleTimeout(now simtime.Time) { s.host.HandleTimeout(now) }

// PollPacket returns a packet to send, whose ownership passes to the caller;
// nil when there is none.
func (s *TCPSink) PollPacket(now simtime.Time) *packet.Packet { return s.host.PollPacket(now) }

// NextTimeout returns the next deadline; simtime.Never if there is none.
func (s *TCPSink) NextTimeout() simtime.Time { return s.host.NextTimeout() }

// Held returns how many packets the sink owns between calls: none.
func (s *TCPSink) Held() int { return 0 }

// Received returns how much data has come in order, over all connections.
func (s *TCPSink) Received() units.Bytes {
	n := s.received
	for _, c := range s.host.Conns() {
		n += c.Received()
	}
	return n
}

// Accepted returns how many connections there have been.
func (s *TCPSink) Accepted() int { return s.accepted }

// Host returns the sink's connections.
func (s *TCPSink) Host() *tcp.Host { return s.host }
