package hosted

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
	"rtpfabric/sim/units"
)

const (
	// streamBuffer is how many octets wait for a reader who doesn't ask for another size. Linux begins with an eighth of that, and
	// lets fast streams have six times as much.
	streamBuffer units.Bytes = 1 << 20
	// mostUnsent bounds what waits to be sent or acknowledged (net.ipv4.tcp_wmem).
	mostUnsent = 4 << 20
	// usualBacklog is how many connections may wait to be accepted (net.core.somaxconn).
	usualBacklog = 4096
	// keepAlivePeriod is that of package net.
	keepAlivePeriod = 15 * time.Second
	// firstStreamPort begins the dynamic ports (RFC 6335 §6).
	firstStreamPort = 49152
)

// streams are the TCP of a host. The host's lock guards it.
type streams struct {
	host      *tcp.Host // nil if there is no TCP
	open      []*stream // those that haven't ended, closed by their guests or not
	listeners []*listener
	refused   uint64 // by a full backlog
	silent    bool   // nobody dials any more
	ahead     bool   // writes don't wait
	most      int    // octets that have waited for one stream, or for its acknowledgments
	totals    tcp.Stats
}

// CarryTCP gives the host TCP, whose segments come from a pool. Whoever drives it calls HandleSegment, HandleTimeout, PollSegment
// and NextTimeout as for a passive object.
func (h *Host) CarryTCP(pool *packet.Pool) {
	t := &h.streams
	t.host = tcp.NewHost(h.addr, pool)
	t.host.Refuse, t.host.Number = true, initialNumber
	t.host.Accepted = func(now simtime.Time, c *tcp.Conn) {
		i := slices.IndexFunc(t.listeners, func(l *listener) bool { return l.local.Port == c.Local().Port })
		s := h.newStream(c)
		s.from = t.listeners[i]
		s.from.coming++
		c.KeepAlive(now, keepAlivePeriod)
	}
	t.host.Retired = func(_ simtime.Time, c *tcp.Conn) { t.totals = add(t.totals, c.Stats()) }
	t.host.Admit = func(local, _ packet.Addr) bool {
		i := slices.IndexFunc(t.listeners, func(l *listener) bool { return l.local.Port == local.Port })
		if l := t.listeners[i]; l.coming+len(l.queue) >= usualBacklog {
			t.refused++
			return false
		}
		return true
	}
}

// StopDialling ends the attempts to open connections that are under way, and lets all others fail at once. Guests that close may
// wait for them.
func (h *Host) StopDialling() {
	h.abort(func(s *stream) bool { return !s.known && s.from == nil })
}

// Abandon does that, and ends all streams without a word, as when the machine is switched off: nobody waits for them any more.
func (h *Host) Abandon() { h.abort(func(*stream) bool { return true }) }

func (h *Host) abort(which func(*stream) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams.silent = true
	for _, s := range h.streams.open {
		if which(s) {
			s.conn.Abort()
		}
	}
	h.stir()
}

// transmissionControl is that of guests: as Linux has it, but for pacing and RACK.
func transmissionControl() tcp.Config {
	return tcp.Config{
		Control: tcp.ControlCubic, MinRTO: 200 * time.Millisecond, ReceiveWindow: streamBuffer, Backpressure: true, HalfClose: true,
	}
}

// add adds up what connections have done, as far as it is told.
func add(a, b tcp.Stats) tcp.Stats {
	a.SegmentsSent += b.SegmentsSent
	a.Retransmitted += b.Retransmitted
	return a
}

// initialNumber returns the number with which a connection begins (RFC 9293 §3.4.1): from its addresses, and a clock that
// ticks every 4 µs.
func initialNumber(now simtime.Time, local, remote packet.Addr) uint32 {
	var b [12]byte
	binary.BigEndian.PutUint32(b[0:], uint32(local.IP))
	binary.BigEndian.PutUint32(b[4:], uint32(remote.IP))
	binary.BigEndian.PutUint16(b[8:], local.Port)
	binary.BigEndian.PutUint16(b[10:], remote.Port)
	f := fnv.New32a()
	_, _ = f.Write(b[:])
	return f.Sum32() + uint32(now.Duration()/(4*time.Microsecond))
}

// WriteAhead lets writes to streams never wait: what waits to be sent has no bound then. It is for guests that hold a lock while
// they write, for which others wait: in a bubble that would stop time.
func (h *Host) WriteAhead() { h.streams.ahead = true }

// HandleSegment takes a segment that has come, and its ownership, and returns when guests have done what they do about it at this
// instant. Only the run's goroutine may call it.
func (h *Host) HandleSegment(now simtime.Time, p *packet.Packet) {
	h.mu.Lock()
	h.streams.host.HandlePacket(now, p)
	h.stir()
	h.mu.Unlock()
	h.clock.Settle()
}

// HandleTimeout does what is due of TCP. Only the run's goroutine may call it.
func (h *Host) HandleTimeout(now simtime.Time) {
	if h.NextTimeout() > now {
		return
	}
	h.mu.Lock()
	h.streams.host.HandleTimeout(now)
	h.stir()
	h.mu.Unlock()
	h.clock.Settle()
}

// PollSegment returns a segment to send, whose ownership passes to the caller; nil when there is none.
func (h *Host) PollSegment(now simtime.Time) *packet.Packet {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams.host == nil {
		return nil
	}
	for _, s := range h.streams.open {
		s.flush()
	}
	p := h.streams.host.PollPacket(now)
	if p != nil {
		p.Drawn = true
	}
	return p
}

// NextTimeout returns TCP's next deadline; simtime.Never if there is none.
func (h *Host) NextTimeout() simtime.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams.host == nil {
		return simtime.Never
	}
	return h.streams.host.NextTimeout()
}

// stir tells guests what has become of their streams, in the order in which these were made.
func (h *Host) stir() {
	t := &h.streams
	for _, s := range t.open {
		s.stir()
	}
	t.open = slices.DeleteFunc(t.open, func(s *stream) bool { return s.conn.State() == tcp.Closed })
}

func (h *Host) newStream(c *tcp.Conn) *stream {
	s := newStream(h, c)
	h.streams.open = append(h.streams.open, s)
	return s
}

// checkTCP returns an error unless the host has the network.
func (h *Host) checkTCP(op, network string, addr net.Addr) error {
	if network != "tcp" && network != "tcp4" {
		return &net.OpError{Op: op, Net: network, Addr: addr, Err: net.UnknownNetworkError(network)}
	}
	if h.streams.host == nil {
		return &net.OpError{Op: op, Net: network, Addr: addr, Err: errNoTCP}
	}
	return nil
}

// tcpAddrOf converts an address. One without IP has the port alone; false if it isn't of IPv4.
func tcpAddrOf(a *net.TCPAddr) (packet.Addr, bool) {
	switch {
	case a == nil:
		return packet.Addr{}, true
	case a.Port < 0 || a.Port > 0xffff:
		return packet.Addr{}, false
	case len(a.IP) == 0 || a.IP.IsUnspecified():
		return packet.Addr{Port: uint16(a.Port)}, true
	}
	return addrOf(&net.UDPAddr{IP: a.IP, Port: a.Port})
}

func tcpAddr(a packet.Addr) *net.TCPAddr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.IP.Netip(), a.Port))
}

// dial opens a connection, and gives it up when done is closed, for the reason that gaveUp returns.
func (h *Host) dial(network string, local, remote *net.TCPAddr, done <-chan struct{}, gaveUp func() error) (*stream, error) {
	if err := h.checkTCP("dial", network, remote); err != nil {
		return nil, err
	}
	fail := func(err error) (*stream, error) {
		e := &net.OpError{Op: "dial", Net: "tcp", Err: err}
		if local != nil {
			e.Source = local
		}
		if remote != nil {
			e.Addr = remote
		}
		return nil, e
	}
	from, ok := tcpAddrOf(local)
	if !ok || from.IP != 0 && from.IP != h.addr {
		return fail(os.NewSyscallError("bind", syscall.EADDRNOTAVAIL))
	}
	to, ok := tcpAddrOf(remote)
	if !ok || remote == nil || to.Port == 0 {
		return fail(&net.AddrError{Err: "missing or unusable address", Addr: remote.String()})
	}
	if to.IP == 0 {
		to.IP = h.addr
	}
	s, err := h.call(from, to)
	if err != nil {
		return fail(err)
	}
	h.Wake()
	select {
	case <-s.opened:
	case <-done:
		_ = s.Close()
		return fail(gaveUp())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch err := s.conn.Err(); {
	case errors.Is(err, tcp.ErrReset):
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case errors.Is(err, tcp.ErrAborted):
		return fail(net.ErrClosed)
	case err != nil:
		return fail(os.NewSyscallError("connect", syscall.ETIMEDOUT))
	}
	return s, nil
}

// call sends a SYN.
func (h *Host) call(from, to packet.Addr) (*stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams.silent {
		return nil, net.ErrClosed
	}
	now := h.clock.Now()
	c := transmissionControl()
	c.Local.Port, c.Remote = from.Port, to
	conn, err := h.streams.host.Dial(now, c)
	if err != nil {
		return nil, os.NewSyscallError("connect", syscall.EADDRINUSE)
	}
	conn.KeepAlive(now, keepAlivePeriod)
	return h.newStream(conn), nil
}
