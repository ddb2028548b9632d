package hosted

import (
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/deadline"

	"rtpfabric/sim/packet"
)

// receiveBuffer is what Linux gives a socket that doesn't ask for more (net.core.rmem_default).
const receiveBuffer = 212992

// socket is a UDP socket.
type socket struct {
	host   *Host
	local  packet.Addr
	remote packet.Addr // zero if it isn't connected
	// The host's lock guards what has come.
	in      []Datagram
	waiting int // octets
	limit   int

	readable signal
	closed   chan struct{}
	once     sync.Once
	until    *deadline.Deadline
}

// signal is a condition that one goroutine at a time waits for.
type signal chan struct{}

func (s signal) set() {
	select {
	case s <- struct{}{}:
	default:
	}
}

var _ transport.UDPConn = (*socket)(nil)

// open makes a socket. A port of 0 stands for any that is free.
func (h *Host) open(local, remote packet.Addr) (*socket, error) {
	if local.IP != 0 && local.IP != h.addr {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: udpAddr(local), Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := func(port uint16) bool {
		for _, s := range h.sockets {
			if s.local.Port == port {
				return true
			}
		}
		return false
	}
	local.IP = h.addr
	switch {
	case local.Port == 0:
		for local.Port = h.ports(); taken(local.Port); local.Port = h.ports() {
		}
	case taken(local.Port):
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: udpAddr(local), Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	s := &socket{
		host: h, local: local, remote: remote, limit: receiveBuffer,
		readable: make(signal, 1), closed: make(chan struct{}), until: deadline.New(),
	}
	h.sockets = append(h.sockets, s)
	return s, nil
}

func (s *socket) wrap(op string, err error) error {
	e := &net.OpError{Op: op, Net: "udp", Source: s.LocalAddr(), Err: err}
	if s.remote != (packet.Addr{}) {
		e.Addr = udpAddr(s.remote)
	}
	return e
}

// next waits for a datagram.
func (s *socket) next() (Datagram, error) {
	for {
		select {
		case <-s.closed:
			return Datagram{}, s.wrap("read", net.ErrClosed)
		case <-s.until.Done():
			return Datagram{}, s.wrap("read", os.ErrDeadlineExceeded)
		default:
		}
		if d, ok := s.pop(); ok {
			return d, nil
		}
		select {
		case <-s.readable:
		case <-s.closed:
		case <-s.until.Done():
		}
	}
}

func (s *socket) pop() (Datagram, bool) {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	if len(s.in) == 0 {
		return Datagram{}, false
	}
	d := s.in[0]
	s.in[0] = Datagram{}
	if s.in = s.in[1:]; len(s.in) > 0 {
		s.readable.set() // for another reader
	} else {
		s.in = nil
	}
	s.waiting -= len(d.Payload)
	return d, true
}

// write sends a copy of b.
func (s *socket) write(b []byte, to packet.Addr) (int, error) {
	select {
	case <-s.closed:
		return 0, s.wrap("write", net.ErrClosed)
	default:
	}
	if len(b) > maxDatagram {
		return 0, s.wrap("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	}
	s.host.send(Datagram{Src: s.local, Dst: to, Payload: slices.Clone(b)})
	return len(b), nil
}

// maxDatagram is what UDP over IPv4 can carry without fragments of IP, which the fabric doesn't have, on
// links with the MTU of Ethernet.
const maxDatagram = 1500 - int(packet.HeaderIPv4UDP)

// Close closes the socket; whoever reads gets net.ErrClosed.
func (s *socket) Close() error {
	err := s.wrap("close", net.ErrClosed)
	s.once.Do(func() {
		s.host.close(s)
		close(s.closed)
		err = nil
	})
	return err
}

func (s *socket) LocalAddr() net.Addr { return udpAddr(s.local) }

func (s *socket) RemoteAddr() net.Addr {
	if s.remote == (packet.Addr{}) {
		return nil
	}
	return udpAddr(s.remote)
}

// SetDeadline sets that of reads; writes never wait.
func (s *socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetReadDeadline sets when reads end with os.ErrDeadlineExceeded: a nanosecond early, so that they come before a guest's own timers
// for the same instant. pion has two of these when it asks STUN servers, and goes on asking if the wrong one is first.
func (s *socket) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && t.After(time.Now()) {
		t = t.Add(-time.Nanosecond)
	}
	s.until.Set(t)
	return nil
}

// SetWriteDeadline does nothing, as writes never wait.
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// SetReadBuffer sets how many octets may wait for a reader.
func (s *socket) SetReadBuffer(n int) error {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	s.limit = max(n, 0)
	return nil
}

// SetWriteBuffer does nothing: what is sent is in the network at the same instant.
func (s *socket) SetWriteBuffer(int) error { return nil }

func (s *socket) Read(b []byte) (int, error) {
	n, _, err := s.ReadFromUDP(b)
	return n, err
}

func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromUDP(b)
	if err != nil {
		return n, nil, err
	}
	return n, from, nil
}

func (s *socket) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	d, err := s.next()
	if err != nil {
		return 0, nil, err
	}
	return copy(b, d.Payload), udpAddr(d.Src), nil
}

func (s *socket) ReadMsgUDP(b, _ []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, addr, err = s.ReadFromUDP(b)
	return n, 0, 0, addr, err
}

func (s *socket) Write(b []byte) (int, error) {
	if s.remote == (packet.Addr{}) {
		return 0, s.wrap("write", os.NewSyscallError("write", syscall.EDESTADDRREQ))
	}
	return s.write(b, s.remote)
}

func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	if s.remote != (packet.Addr{}) {
		return 0, s.wrap("write", net.ErrWriteToConnected)
	}
	a, ok := addrOf(to)
	if !ok || a.IP == 0 || a.Port == 0 {
		return 0, s.wrap("write", fmt.Errorf("no address of UDP over IPv4: %v", to))
	}
	return s.write(b, a)
}

func (s *socket) WriteToUDP(b []byte, to *net.UDPAddr) (int, error) { return s.WriteTo(b, to) }

func (s *socket) WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	if to == nil {
		n, err = s.Write(b)
	} else {
		n, err = s.WriteTo(b, to)
	}
	return n, len(oob), err
}
