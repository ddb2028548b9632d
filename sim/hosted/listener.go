package hosted

import (
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

// listener accepts connections of TCP.
type listener struct {
	host  *Host
	local packet.Addr
	// The host's lock guards what waits: coming are connections whose handshakes aren't over.
	queue  []*stream
	coming int

	ready  signal
	closed chan struct{}
	once   sync.Once
	until  *deadline.Deadline
}

var _ transport.TCPListener = (*listener)(nil)

// listenTCP opens a listener. A port of 0 stands for any that is free.
func (h *Host) listenTCP(network string, local *net.TCPAddr) (*listener, error) {
	if local == nil {
		local = &net.TCPAddr{}
	}
	if err := h.checkTCP("listen", network, local); err != nil {
		return nil, err
	}
	fail := func(errno syscall.Errno) (*listener, error) {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: local, Err: os.NewSyscallError("bind", errno)}
	}
	at, ok := tcpAddrOf(local)
	if !ok || at.IP != 0 && at.IP != h.addr {
		return fail(syscall.EADDRNOTAVAIL)
	}
	at.IP = h.addr
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.streams
	taken := func(port uint16) bool {
		return slices.ContainsFunc(t.listeners, func(l *listener) bool { return l.local.Port == port })
	}
	if at.Port == 0 {
		for at.Port = firstStreamPort; taken(at.Port); at.Port++ {
		}
	}
	if t.host.Listen(at.Port, transmissionControl()) != nil {
		return fail(syscall.EADDRINUSE)
	}
	l := &listener{host: h, local: at, ready: make(signal, 1), closed: make(chan struct{}), until: deadline.New()}
	t.listeners = append(t.listeners, l)
	return l, nil
}

func (l *listener) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}

// Accept waits for a connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err // rather than a nil in an interface
	}
	return c, nil
}

// AcceptTCP waits for a connection.
func (l *listener) AcceptTCP() (transport.TCPConn, error) {
	for {
		select {
		case <-l.closed:
			return nil, l.wrap("accept", net.ErrClosed)
		case <-l.until.Done():
			return nil, l.wrap("accept", os.ErrDeadlineExceeded)
		default:
		}
		if s := l.next(); s != nil {
			return s, nil
		}
		select {
		case <-l.ready:
		case <-l.closed:
		case <-l.until.Done():
		}
	}
}

func (l *listener) next() *stream {
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	s := l.queue[0]
	s.from = nil
	if l.queue = slices.Delete(l.queue, 0, 1); len(l.queue) > 0 {
		l.ready.set() // for another one
	}
	return s
}

// Close ends listening. Connections that nobody has accepted are reset.
func (l *listener) Close() error {
	err := l.wrap("close", net.ErrClosed)
	l.once.Do(func() {
		err = nil
		close(l.closed)
		h := l.host
		h.mu.Lock()
		h.streams.listeners = slices.DeleteFunc(h.streams.listeners, func(o *listener) bool { return o == l })
		h.streams.host.Unlisten(l.local.Port)
		for _, s := range h.streams.open {
			if s.from == l {
				s.conn.Abort()
			}
		}
		h.mu.Unlock()
		h.Wake()
	})
	return err
}

// Addr returns where the listener is.
func (l *listener) Addr() net.Addr { return tcpAddr(l.local) }

// SetDeadline sets when waiting ends with os.ErrDeadlineExceeded.
func (l *listener) SetDeadline(t time.Time) error {
	l.until.Set(t)
	return nil
}
