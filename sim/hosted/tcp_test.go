package hosted_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/transport/v4"
	"golang.org/x/net/nettest"

	"rtpfabric/sim/hosted/bubble"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// live runs f in a bubble while a world goes on around it.
func live(t *testing.T, w func() *world, f func(*world)) {
	t.Helper()
	err := bubble.Run(time.Minute, func() error {
		w := w()
		ctx, stop := context.WithCancel(context.Background())
		over := make(chan error, 1)
		go func() { over <- w.clock.Run(ctx, simtime.At(1000*time.Hour)) }()
		f(w)
		time.Sleep(5 * time.Minute) // TIME-WAIT
		if n := w.a.Sockets() + w.b.Sockets(); n != 0 {
			t.Errorf("%d sockets are open", n)
		}
		stop()
		<-over
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A connection between two hosts is what package net's is, whatever the link.
func TestConn(t *testing.T) {
	for _, c := range []struct {
		name string
		rate units.BitRate
		loss float64
	}{{"fast", 1000 * units.Mbps, 0}, {"lossy", 100 * units.Mbps, 0.02}} {
		live(t, func() *world { return newWorldWith(c.rate, time.Millisecond, c.loss) }, func(w *world) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				l, err := w.b.ListenTCP("tcp", nil)
				if err != nil {
					return nil, nil, nil, err
				}
				if c1, err = w.a.Dial("tcp", l.Addr().String()); err != nil {
					return nil, nil, nil, err
				}
				if c2, err = l.Accept(); err != nil {
					return nil, nil, nil, err
				}
				return c1, c2, func() {
					_, _, _ = c1.Close(), c2.Close(), l.Close()
				}, nil
			})
		})
	}
}

// An ordinary server of HTTP and an ordinary client, over a link of 8 Mbit/s that loses one packet in fifty.
func TestHTTP(t *testing.T) {
	live(t, func() *world { return newWorldWith(8*units.Mbps, 20*time.Millisecond, 0.02) }, func(w *world) {
		l, err := w.b.CreateListenConfig(nil).Listen(t.Context(), "tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
			n, _ := io.Copy(io.Discard, in.Body)
			_, _ = out.Write(bytes.Repeat([]byte{'.'}, 2*int(n)))
		})}
		go func() { _ = server.Serve(l) }()
		w.a.Names(func(name string) (packet.IPv4, bool) { return addrB, name == "server" })
		transport := &http.Transport{DialContext: w.a.DialContext}
		began := time.Now()
		for _, n := range []int{10, 100_000, 1_000_000} {
			answer, err := (&http.Client{Transport: transport}).Post("http://server/", "text/plain", bytes.NewReader(make([]byte, n)))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(answer.Body)
			if err != nil || len(b) != 2*n {
				t.Errorf("%d octets of %d came, and %v", len(b), 2*n, err)
			}
		}
		// 3.3 MB at 8 Mbit/s, and what losses and slow start cost.
		if took := time.Since(began); took < 3300*time.Millisecond || took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		transport.CloseIdleConnections()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// pair returns the two ends of a connection.
func pair(t *testing.T, w *world) (client, server transport.TCPConn) {
	t.Helper()
	l, err := w.b.ListenTCP("tcp4", &net.TCPAddr{Port: 7})
	if err != nil {
		t.Fatal(err)
	}
	if client, err = w.a.DialTCP("tcp4", nil, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 7}); err != nil {
		t.Fatal(err)
	}
	if server, err = l.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil { // the connection stays
		t.Fatal(err)
	}
	return client, server
}

// Errors are those of the system, and come when they would.
func TestStreamErrors(t *testing.T) {
	live(t, func() *world { return newWorldWith(10*units.Mbps, 10*time.Millisecond, 0) }, func(w *world) {
		in := func(what string, want error, least, most time.Duration, f func() error) {
			t.Helper()
			began := time.Now()
			if err := f(); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
			if took := time.Since(began); took < least || took > most {
				t.Errorf("%s took %v", what, took)
			}
		}
		dial := func(d *net.Dialer, address string) func() error {
			return func() error { _, err := w.a.CreateDialer(d).Dial("tcp", address); return err }
		}
		const ms = time.Millisecond
		in("nobody listens", syscall.ECONNREFUSED, 20*ms, 21*ms, dial(nil, "10.0.0.2:5"))
		in("nobody is there", syscall.ETIMEDOUT, 2*time.Minute, 5*time.Minute, dial(nil, "10.0.0.9:5"))
		in("nobody is there for long", os.ErrDeadlineExceeded, 3*time.Second, 3*time.Second, dial(&net.Dialer{Timeout: 3 * time.Second}, "10.0.0.9:5"))
		in("not here", syscall.EADDRNOTAVAIL, 0, 0, dial(&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9)}}, "10.0.0.2:5"))

		l, err := w.b.ListenTCP("tcp", &net.TCPAddr{Port: 80})
		if err != nil {
			t.Fatal(err)
		}
		in("taken", syscall.EADDRINUSE, 0, 0, func() error { _, err := w.b.ListenTCP("tcp", &net.TCPAddr{Port: 80}); return err })
		in("nobody calls", os.ErrDeadlineExceeded, 50*ms, 50*ms, func() error {
			_ = l.SetDeadline(time.Now().Add(50 * ms))
			_, err := l.Accept()
			return err
		})
		time.AfterFunc(30*ms, func() { _ = l.Close() })
		_ = l.SetDeadline(time.Time{})
		in("closed", net.ErrClosed, 30*ms, 30*ms, func() error { _, err := l.Accept(); return err })

		b := make([]byte, 1000)
		read := func(c net.Conn) func() error { return func() error { _, err := c.Read(b); return err } }
		write := func(c net.Conn) func() error { return func() error { _, err := c.Write(b); return err } }
		c, s := pair(t, w)
		_ = s.SetLinger(0)
		time.AfterFunc(5*ms, func() { _ = s.Close() })
		in("reset", syscall.ECONNRESET, 15*ms, 16*ms, read(c))
		in("reset before", syscall.ECONNRESET, 0, 0, write(c))
		_ = c.Close()
		in("twice", net.ErrClosed, 0, 0, c.Close)

		c, s = pair(t, w)
		_, _ = c.Write([]byte("more"))
		_ = c.CloseWrite()
		in("half closed", syscall.EPIPE, 0, 0, write(c))
		in("what came before", nil, 10*ms, 12*ms, read(s))
		in("the end", io.EOF, 0, ms, read(s))
		in("the other half", nil, 0, 0, write(s)) // which nobody reads
		time.Sleep(100 * ms)
		_ = c.Close()
		in("unread", syscall.ECONNRESET, 10*ms, 12*ms, func() error { time.Sleep(11 * ms); return write(s)() })
		_ = s.Close()

		c, s = pair(t, w)
		_ = c.Close()
		time.Sleep(50 * ms)
		in("the first is sent", nil, 0, 0, write(s))
		time.Sleep(50 * ms)
		in("and refused", syscall.ECONNRESET, 0, 0, write(s))
		_ = s.Close()
	})
}

// Who doesn't read makes the other end's writes wait, at a shut window; who reads again lets it go on. What the buffers of
// both ends hold is what they were told to.
func TestSlowReader(t *testing.T) {
	live(t, func() *world { return newWorldWith(10*units.Mbps, 10*time.Millisecond, 0.01) }, func(w *world) {
		c, s := pair(t, w)
		_ = s.SetReadBuffer(100_000)
		_ = c.SetWriteBuffer(30_000)
		_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
		n, err := c.Write(make([]byte, 1_000_000))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n < 120_000 || n > 131_000 {
			t.Errorf("%d octets were written, and %v", n, err)
		}
		time.Sleep(time.Minute) // no error: the other end is there
		_ = c.SetWriteDeadline(time.Time{})
		go func() {
			if _, err := c.Write(make([]byte, 1_000_000-n)); err != nil {
				t.Error(err)
			}
			_ = c.Close()
		}()
		began := time.Now()
		b, err := io.ReadAll(s)
		if took := time.Since(began); err != nil || len(b) != 1_000_000 || took < 700*time.Millisecond || took > 30*time.Second {
			t.Errorf("%d octets came in %v, and %v", len(b), took, err)
		}
		_ = s.Close()
	})
}

// The same guests send the same segments each time, whoever of them is first.
func TestStreamsAreTheSame(t *testing.T) {
	digests := map[string]int{}
	for i := range 8 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1 + i%2))
		live(t, func() *world { return newWorldWith(5*units.Mbps, 10*time.Millisecond, 0.02) }, func(w *world) {
			var over sync.WaitGroup
			for port := range 5 {
				l, err := w.b.ListenTCP("tcp", &net.TCPAddr{Port: 80 + port})
				if err != nil {
					t.Fatal(err)
				}
				over.Go(func() {
					s, err := l.Accept()
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(s, s) // an echo
					_, _ = s.Close(), l.Close()
				})
				over.Go(func() {
					time.Sleep(time.Duration(port) * time.Millisecond)
					c, err := w.a.Dial("tcp", l.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					go func() {
						_, _ = c.Write(make([]byte, 100_000))
						_ = c.(transport.TCPConn).CloseWrite()
					}()
					if b, err := io.ReadAll(c); len(b) != 100_000 || err != nil {
						t.Errorf("%d octets, %v", len(b), err)
					}
					_ = c.Close()
				})
			}
			over.Wait()
			digests[w.fabric.Digest()]++
		})
	}
	if len(digests) != 1 {
		t.Errorf("%v", digests)
	}
}

// Messages that a guest with locks writes to a TURN server don't wait, and go in an order that doesn't depend on who was first;
// what isn't such a message goes as it was written.
func TestWriteAhead(t *testing.T) {
	live(t, func() *world { return newWorldWith(units.Mbps, 10*time.Millisecond, 0) }, func(w *world) {
		w.a.WriteAhead()
		const request, data, report = "\x00\x08\x00\x00\x21\x12\xa4\x42abcdefghijkl", "\x40\x01\x00\x04\x80\x60\x00\x01", "\x40\x01\x00\x04\x80\xc8\x00\x01"
		for _, c := range []struct{ written, read []string }{
			{[]string{report, data, request}, []string{data, report, request}},
			{[]string{report, "or", data}, []string{report, "or", data}},
		} {
			client, server := pair(t, w)
			for _, b := range c.written {
				_, _ = client.Write([]byte(b))
			}
			time.Sleep(time.Millisecond)
			if n, err := client.Write(make([]byte, 1_000_000)); n != 1_000_000 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			_ = client.CloseWrite()
			want := strings.Join(c.read, "")
			if got, err := io.ReadAll(server); err != nil || !strings.HasPrefix(string(got), want) || len(got) != len(want)+1_000_000 {
				t.Errorf("%d octets came, %v, and not %q", len(got), err, want)
			}
			_, _ = client.Close(), server.Close()
		}
		if s := w.a.Stats(); s.MostWaiting < 1_000_000 || s.Segments < 700 || s.Repeated != 0 {
			t.Errorf("%+v", s)
		}
	})
}
