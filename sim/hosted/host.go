package hosted

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"rtpfabric/sim/packet"
)

// Host is a host of the fabric as guests see it: its interface, its address and its sockets. It is a
// transport.Net of pion's.
//
// UDP over IPv4 works as on Linux, and so does TCP if the host has it ([Host.CarryTCP]). Names are those of a table; see
// [Host.Names].
type Host struct {
	clock *Clock
	addr  packet.IPv4
	ports func() uint16
	names func(name string) (packet.IPv4, bool) // nil knows none

	stirred atomic.Bool
	mu      sync.Mutex
	sockets []*socket
	streams streams
	out     []Datagram
	stats   Stats
}

// Stats counts what became of datagrams at a host.
type Stats struct {
	Delivered uint64
	// Unreachable came for ports that nobody listens at, Overflowed found a socket's buffer full.
	Unreachable, Overflowed uint64
	// Refused are connections that a full backlog has kept out, and Strangers segments of none, most of which a RST has answered.
	Refused, Strangers uint64
	// Segments were sent, of which Repeated had been sent before. MostWaiting is how many octets have waited for one stream at
	// most, to be sent or to be acknowledged.
	Segments, Repeated, MostWaiting uint64
}

// Datagram is what a guest has sent.
type Datagram struct {
	Src, Dst packet.Addr
	Payload  []byte
}

// NewHost returns a host with an address. ports gives a free port to sockets that don't ask for a certain
// one.
func NewHost(c *Clock, addr packet.IPv4, ports func() uint16) *Host {
	return &Host{clock: c, addr: addr, ports: ports}
}

// Wake says that a guest of this host has something for the run; see [Clock.Wake].
func (h *Host) Wake() {
	h.stirred.Store(true)
	h.clock.Wake()
}

// Stirred reports whether a guest of this host has said so, or has sent something, since [Host.Calm].
func (h *Host) Stirred() bool { return h.stirred.Load() }

// Calm says that what guests have is about to be taken.
func (h *Host) Calm() { h.stirred.Store(false) }

// Stats returns the totals so far.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	if t := &h.streams; t.host != nil {
		sum := t.totals
		for _, c := range t.host.Conns() {
			sum = add(sum, c.Stats())
		}
		s.Refused, s.Strangers = t.refused, t.host.Unexpected()
		s.Segments, s.Repeated, s.MostWaiting = sum.SegmentsSent, sum.Retransmitted, uint64(t.most)
	}
	return s
}

// Sockets returns how many sockets, listeners and streams are open.
func (h *Host) Sockets() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.sockets) + len(h.streams.listeners)
	for _, s := range h.streams.open {
		if !s.gone {
			n++
		}
	}
	return n
}

// Deliver gives a datagram to the socket that it is for, and returns when its guest has done what it does
// about it at this instant. The payload stays the caller's. Only the run's goroutine may call it.
func (h *Host) Deliver(src, dst packet.Addr, payload []byte) {
	if s := h.take(src, dst, payload); s != nil {
		s.readable.set()
		h.clock.Settle()
	}
}

// take puts a datagram into a socket's buffer; nil if it goes nowhere.
func (h *Host) take(src, dst packet.Addr, payload []byte) *socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	var to *socket
	for _, s := range h.sockets {
		if s.local.Port == dst.Port && (s.remote == packet.Addr{} || s.remote == src) {
			to = s
			break
		}
	}
	switch {
	case to == nil:
		h.stats.Unreachable++
	case to.waiting+len(payload) > to.limit:
		h.stats.Overflowed++
		to = nil
	default:
		h.stats.Delivered++
		to.waiting += len(payload)
		to.in = append(to.in, Datagram{Src: src, Dst: dst, Payload: slices.Clone(payload)})
	}
	return to
}

// Sent returns what guests have sent since the last time, in an order that depends on what it is rather
// than on which goroutine was first: by socket, then STUN, DTLS, RTP, RTCP (RFC 7983), RTCP by type and
// length; what is the same in all that as it was sent, as are all packets of RTP.
func (h *Host) Sent() []Datagram {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.out
	h.out = nil
	slices.SortStableFunc(out, func(a, b Datagram) int {
		if c := cmp.Compare(a.Src.Port, b.Src.Port); c != 0 {
			return c
		}
		return compareRanks(rankOf(a.Payload), rankOf(b.Payload))
	})
	return out
}

// send takes a datagram from a guest.
func (h *Host) send(d Datagram) {
	h.mu.Lock()
	h.out = append(h.out, d)
	h.mu.Unlock()
	h.Wake()
}

// close forgets a socket.
func (h *Host) close(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets = slices.DeleteFunc(h.sockets, func(o *socket) bool { return o == s })
}

// addrOf converts an address; false if it isn't of IPv4.
func addrOf(a net.Addr) (packet.Addr, bool) {
	u, ok := a.(*net.UDPAddr)
	if !ok || u == nil {
		return packet.Addr{}, false
	}
	if len(u.IP) == 0 {
		return packet.Addr{Port: uint16(u.Port)}, true
	}
	b := u.IP.To4()
	if b == nil || u.Port < 0 || u.Port > 0xffff {
		return packet.Addr{}, false
	}
	return packet.Addr{IP: packet.IPv4(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])), Port: uint16(u.Port)}, true
}

func udpAddr(a packet.Addr) *net.UDPAddr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.IP.Netip(), a.Port))
}
