package turn_test

import (
	"net"
	"net/netip"
	"sync"
	"testing/synctest"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// wire is what pion's stack and ours have in common: datagrams arrive at once, in the time of a bubble.
type wire struct {
	began time.Time
	mu    sync.Mutex
	socks map[packet.Addr]*socket
	hosts map[packet.IPv4]*host
}

type datagram struct {
	from, to packet.Addr
	payload  []byte
}

//nolint:forbidigo // a bubble's time is virtual
func newWire() *wire {
	return &wire{began: time.Now(), socks: map[packet.Addr]*socket{}, hosts: map[packet.IPv4]*host{}}
}

//nolint:forbidigo // a bubble's time is virtual
func (w *wire) now() simtime.Time { return simtime.At(time.Since(w.began)) }

//nolint:forbidigo // a bubble's time is virtual
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *wire) send(d datagram) {
	d.payload = append([]byte(nil), d.payload...)
	w.mu.Lock()
	s, h := w.socks[d.to], w.hosts[d.to.IP]
	w.mu.Unlock()
	switch {
	case h != nil:
		h.in <- d
	case s != nil:
		s.in <- d
	}
}

// socket is a net.PacketConn on the wire.
type socket struct {
	w      *wire
	addr   packet.Addr
	in     chan datagram
	closed chan struct{}
	once   sync.Once
}

func (w *wire) listen(a packet.Addr) *socket {
	s := &socket{w: w, addr: a, in: make(chan datagram, 1000), closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.socks[a] = s
	return s
}

func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-s.in:
		return copy(b, d.payload), udp(d.from), nil
	case <-s.closed:
		return 0, nil, net.ErrClosed
	}
}

func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.w.send(datagram{s.addr, fromUDP(to), b})
	return len(b), nil
}

func (s *socket) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		delete(s.w.socks, s.addr)
	})
	return nil
}

func (s *socket) LocalAddr() net.Addr            { return udp(s.addr) }
func (*socket) SetDeadline(time.Time) error      { return nil }
func (*socket) SetReadDeadline(time.Time) error  { return nil }
func (*socket) SetWriteDeadline(time.Time) error { return nil }

// read returns what came last, and from where.
func (s *socket) read() (last string, from packet.Addr) {
	for {
		select {
		case d := <-s.in:
			last, from = string(d.payload), d.from
		default:
			return last, from
		}
	}
}

func udp(a packet.Addr) *net.UDPAddr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.IP.Netip(), a.Port))
}

func fromUDP(a net.Addr) packet.Addr {
	u := a.(*net.UDPAddr)
	ip := u.IP.To4()
	return packet.Addr{IP: packet.IPv4(uint32(ip[0])<<24 | uint32(ip[1])<<16 | uint32(ip[2])<<8 | uint32(ip[3])), Port: uint16(u.Port)}
}

// host runs one of ours on the wire.
type host struct {
	in    chan datagram
	calls chan func(now simtime.Time)
	quit  chan struct{}
}

// passive is what a host knows of it.
type passive struct {
	handle  func(now simtime.Time, d datagram)
	timeout func(now simtime.Time)
	poll    func(now simtime.Time) (datagram, bool)
	next    func() simtime.Time
}

//nolint:forbidigo // a bubble's time is virtual
func (w *wire) run(ip packet.IPv4, p passive) *host {
	h := &host{in: make(chan datagram, 1000), calls: make(chan func(simtime.Time)), quit: make(chan struct{})}
	w.mu.Lock()
	w.hosts[ip] = h
	w.mu.Unlock()
	go func() {
		for {
			for d, ok := p.poll(w.now()); ok; d, ok = p.poll(w.now()) {
				w.send(d)
			}
			var due <-chan time.Time
			if next := p.next(); next != simtime.Never {
				due = time.After(next.Sub(w.now()))
			}
			select {
			case d := <-h.in:
				p.handle(w.now(), d)
			case f := <-h.calls:
				f(w.now())
			case <-due:
				p.timeout(w.now())
			case <-h.quit:
				return
			}
		}
	}()
	return h
}

// do lets something be done where nothing else is at the time, and all come of it that comes at once.
func (h *host) do(f func(now simtime.Time)) {
	done := make(chan struct{})
	h.calls <- func(now simtime.Time) {
		defer close(done)
		f(now)
	}
	<-done
	synctest.Wait()
}
