package hosted

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/deadline"

	"rtpfabric/sim/traffic/tcp"
)

// stream is a connection of TCP as a guest has it. The host's lock guards conn and all that isn't a channel.
type stream struct {
	host *Host
	conn *tcp.Conn
	from *listener // that it waits at, nil when it has been accepted

	written               [][]byte // in this instant, by a guest whose writes don't wait
	linger                int      // see SetLinger
	writeBuffer           int      // octets; 0 is as much as the congestion window wants
	readShut, writeShut   bool     // by CloseRead and CloseWrite
	gone                  bool     // closed by its guest
	opened                chan struct{}
	known                 bool // that the handshake is over, one way or the other
	readable, writable    signal
	writing               chan struct{} // held by who writes
	closed                chan struct{}
	once                  sync.Once
	readUntil, writeUntil *deadline.Deadline
}

var _ transport.TCPConn = (*stream)(nil)

func newStream(h *Host, c *tcp.Conn) *stream {
	return &stream{
		host: h, conn: c, linger: -1, opened: make(chan struct{}), readable: make(signal, 1), writable: make(signal, 1),
		writing: make(chan struct{}, 1), closed: make(chan struct{}), readUntil: deadline.New(), writeUntil: deadline.New(),
	}
}

// stir tells whoever waits that something has changed. What comes for a stream that its guest has closed is answered with a
// RST, as on Linux.
func (s *stream) stir() {
	c := s.conn
	over := c.State() == tcp.Closed
	if !s.known && (c.Established() || over) {
		s.known = true
		close(s.opened)
		if l := s.from; l != nil {
			l.coming--
			if !over {
				l.queue = append(l.queue, s)
				l.ready.set()
			}
		}
	}
	switch {
	case s.gone && c.Unread() > 0:
		c.Abort()
	case c.Unread() > 0 || c.PeerClosed() || over:
		s.readable.set()
	}
	if over || s.room() >= s.sendBuffer()/3 {
		s.writable.set()
	}
}

// sendBuffer is how many octets may wait to be sent, or to be acknowledged: twice the congestion window, as Linux has it, unless
// the guest has said how many.
func (s *stream) sendBuffer() int {
	if s.writeBuffer > 0 {
		return s.writeBuffer
	}
	return min(2*int(max(s.conn.Cwnd(), 10*s.conn.SMSS())), mostUnsent)
}

func (s *stream) room() int { return s.sendBuffer() - s.conn.Unacknowledged() }

func (s *stream) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// failure says why nothing more comes, or goes.
func (s *stream) failure(op, call string) error {
	switch err := s.conn.Err(); {
	case errors.Is(err, tcp.ErrReset):
		return s.wrap(op, os.NewSyscallError(call, syscall.ECONNRESET))
	case errors.Is(err, tcp.ErrTimeout):
		return s.wrap(op, os.NewSyscallError(call, syscall.ETIMEDOUT))
	case op == "read":
		return io.EOF
	}
	return s.wrap(op, os.NewSyscallError(call, syscall.EPIPE))
}

// Read waits for octets, and returns those that have come. At the end of the stream it returns io.EOF.
func (s *stream) Read(b []byte) (int, error) {
	for {
		select {
		case <-s.closed:
			return 0, s.wrap("read", net.ErrClosed)
		case <-s.readUntil.Done():
			return 0, s.wrap("read", os.ErrDeadlineExceeded)
		default:
		}
		if n, err := s.take(b); n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		select {
		case <-s.readable:
		case <-s.closed:
		case <-s.readUntil.Done():
		}
	}
}

func (s *stream) take(b []byte) (int, error) {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	n := s.conn.Read(b)
	switch {
	case n > 0:
		s.host.Wake() // the window may have opened
		if s.conn.Unread() > 0 || s.conn.PeerClosed() || s.conn.State() == tcp.Closed {
			s.readable.set() // for another reader
		}
		return n, nil
	case s.readShut || s.conn.PeerClosed():
		s.readable.set()
		return 0, io.EOF
	case s.conn.State() == tcp.Closed:
		s.readable.set()
		return 0, s.failure("read", "read")
	}
	return 0, nil
}

// Write queues octets, and waits while the send buffer is full.
func (s *stream) Write(b []byte) (int, error) {
	select {
	case s.writing <- struct{}{}:
	case <-s.closed:
		return 0, s.wrap("write", net.ErrClosed)
	case <-s.writeUntil.Done():
		return 0, s.wrap("write", os.ErrDeadlineExceeded)
	}
	defer func() { <-s.writing }()
	written := 0
	for {
		select {
		case <-s.closed:
			return written, s.wrap("write", net.ErrClosed)
		case <-s.writeUntil.Done():
			return written, s.wrap("write", os.ErrDeadlineExceeded)
		default:
		}
		n, err := s.put(b[written:])
		if written += n; err != nil || written == len(b) {
			return written, err
		}
		select {
		case <-s.writable:
		case <-s.closed:
		case <-s.writeUntil.Done():
		}
	}
}

func (s *stream) put(b []byte) (int, error) {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	if s.writeShut || s.conn.State() == tcp.Closed {
		return 0, s.failure("write", "write")
	}
	if s.host.streams.ahead {
		s.written = append(s.written, slices.Clone(b))
		s.host.Wake()
		return len(b), nil
	}
	n := max(min(s.room(), len(b)), 0)
	if n > 0 {
		s.send(b[:n])
		s.host.Wake()
	}
	return n, nil
}

func (s *stream) send(b []byte) {
	s.conn.WriteContent(b)
	s.host.streams.most = max(s.host.streams.most, s.conn.Unacknowledged())
}

// flush queues what a guest has written in this instant: messages for a TURN server, of which one is in each write, in an order
// that doesn't depend on which goroutine was first.
func (s *stream) flush() {
	if len(s.written) > 1 && !slices.ContainsFunc(s.written, func(b []byte) bool { return !isTURN(b) }) {
		slices.SortStableFunc(s.written, func(a, b []byte) int { return compareRanks(rankOf(a), rankOf(b)) })
	}
	for _, b := range s.written {
		s.send(b)
	}
	s.written = nil
}

// ReadFrom writes what a reader has.
func (s *stream) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{s}, r)
}

// Close ends both directions. What has been written is still sent, unless SetLinger says otherwise; if something has come that
// nobody has read, the other end gets a RST (RFC 2525 §2.17).
func (s *stream) Close() error {
	err := s.wrap("close", net.ErrClosed)
	s.once.Do(func() {
		err = nil
		close(s.closed)
		s.host.mu.Lock()
		s.gone = true
		s.flush()
		if s.linger == 0 || s.conn.Unread() > 0 {
			s.conn.Abort()
		} else {
			s.conn.Close()
		}
		s.host.mu.Unlock()
		s.host.Wake()
	})
	return err
}

// CloseRead lets reads return io.EOF when what has come is read. The other end isn't told.
func (s *stream) CloseRead() error {
	return s.change("close", func() {
		s.readShut = true
		s.readable.set()
	})
}

// CloseWrite sends a FIN behind what has been written.
func (s *stream) CloseWrite() error {
	return s.change("close", func() {
		s.flush()
		s.writeShut = true
		s.conn.Close()
		s.writable.set()
		s.host.Wake()
	})
}

// change does something to a stream that isn't closed.
func (s *stream) change(op string, f func()) error {
	select {
	case <-s.closed:
		return s.wrap(op, net.ErrClosed)
	default:
	}
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	f()
	return nil
}

// LocalAddr returns this end's address.
func (s *stream) LocalAddr() net.Addr { return tcpAddr(s.conn.Local()) }

// RemoteAddr returns the other end's address.
func (s *stream) RemoteAddr() net.Addr { return tcpAddr(s.conn.Remote()) }

// SetDeadline sets both deadlines.
func (s *stream) SetDeadline(t time.Time) error {
	return s.change("set", func() {
		s.readUntil.Set(t)
		s.writeUntil.Set(t)
	})
}

// SetReadDeadline sets when reads end with os.ErrDeadlineExceeded.
func (s *stream) SetReadDeadline(t time.Time) error {
	return s.change("set", func() { s.readUntil.Set(t) })
}

// SetWriteDeadline sets when writes that wait end with os.ErrDeadlineExceeded.
func (s *stream) SetWriteDeadline(t time.Time) error {
	return s.change("set", func() { s.writeUntil.Set(t) })
}

// SetLinger sets what becomes of unsent octets when the stream is closed: with 0 they are discarded, and the other end gets a RST;
// otherwise they are sent.
func (s *stream) SetLinger(sec int) error { return s.change("set", func() { s.linger = sec }) }

// SetKeepAlive switches keep-alives on, every 15 s, or off. They are on at first, as those of package net are.
func (s *stream) SetKeepAlive(on bool) error {
	period := keepAlivePeriod
	if !on {
		period = 0
	}
	return s.SetKeepAlivePeriod(period)
}

// SetKeepAlivePeriod sets after which silence keep-alives are sent, and how often.
func (s *stream) SetKeepAlivePeriod(d time.Duration) error {
	return s.change("set", func() {
		s.conn.KeepAlive(s.host.clock.Now(), d)
		s.host.Wake()
	})
}

// SetNoDelay switches Nagle's algorithm off, as it is at first, or on.
func (s *stream) SetNoDelay(noDelay bool) error {
	return s.change("set", func() {
		s.conn.Nagle(!noDelay)
		s.host.Wake()
	})
}

// SetReadBuffer sets how many octets may wait for a reader.
func (s *stream) SetReadBuffer(n int) error {
	return s.change("set", func() { s.conn.ReceiveBuffer(int64(n)) })
}

// SetWriteBuffer sets how many octets may wait to be sent, or to be acknowledged.
func (s *stream) SetWriteBuffer(n int) error {
	return s.change("set", func() {
		s.writeBuffer = max(n, 1)
		s.writable.set()
	})
}
