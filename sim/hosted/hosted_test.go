package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/hosted/bubble"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	addrA packet.IPv4 = 10<<24 + 1
	addrB packet.IPv4 = 10<<24 + 2
)

// world is two hosts at the ends of a link.
type world struct {
	loop   engine.Loop
	fabric *fabric.Fabric
	clock  *hosted.Clock
	a, b   *end
}

// end is a host and what joins it to the fabric.
type end struct {
	*hosted.Host
	world *world
	port  *fabric.Port
	timer *engine.Timer
}

func newWorld(delay time.Duration) *world { return newWorldWith(units.Mbps, delay, 0) }

func newWorldWith(rate units.BitRate, delay time.Duration, loss float64) *world {
	w := &world{}
	w.fabric = fabric.New(&w.loop, rng.New(1))
	w.clock = hosted.NewClock(&w.loop)
	a, b := w.fabric.AddNode("A"), w.fabric.AddNode("B")
	w.fabric.AddLink(a, b, fabric.LinkConfig{Name: "ab", Rate: rate, Delay: delay, Loss: loss})
	w.fabric.AddLink(b, a, fabric.LinkConfig{Name: "ba", Rate: rate, Delay: delay, Loss: loss})
	w.a, w.b = w.host(a, addrA), w.host(b, addrB)
	w.fabric.Route()
	return w
}

func (w *world) host(n *fabric.Node, addr packet.IPv4) *end {
	next := uint16(49151)
	e := &end{world: w, Host: hosted.NewHost(w.clock, addr, func() uint16 { next++; return next })}
	e.CarryTCP(w.fabric.Pool())
	e.port = w.fabric.Attach(n, addr, e)
	e.timer = w.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		e.HandleTimeout(now)
		e.drain(now)
	}))
	w.clock.OnWake(e.drain)
	return e
}

func (e *end) Receive(now simtime.Time, p *packet.Packet) {
	if p.Protocol == packet.TCP {
		e.HandleSegment(now, p)
		e.drain(now)
		return
	}
	e.Deliver(p.Src, p.Dst, p.Payload)
	e.world.fabric.Pool().Release(p)
	e.drain(now)
}

func (e *end) drain(now simtime.Time) {
	for _, d := range e.Sent() {
		p := e.world.fabric.Pool().New()
		copy(p.SetPayload(len(d.Payload)), d.Payload)
		p.Src, p.Dst = d.Src, d.Dst
		e.port.Send(now, p)
	}
	for p := e.PollSegment(now); p != nil; p = e.PollSegment(now) {
		e.port.Send(now, p)
	}
	e.timer.SetIfMoved(e.NextTimeout())
}

// run runs f's world in a bubble until the end, and then what stop does with the guests.
func run(t *testing.T, f func() (w *world, until time.Duration, stop func())) {
	t.Helper()
	err := bubble.Run(time.Minute, func() error {
		w, until, stop := f()
		err := w.clock.Run(t.Context(), simtime.At(until))
		stop()
		w.clock.Settle()
		return err
	})
	if err != nil {
		var failure *bubble.Failure
		if errors.As(err, &failure) {
			t.Log(failure.Dump)
		}
		t.Fatal(err)
	}
}

func listen(t *testing.T, e *end, port int) net.PacketConn {
	t.Helper()
	c, err := e.ListenPacket("udp4", fmt.Sprintf(":%d", port))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Goroutines that know nothing of the run talk to each other over its link: what they measure is the link.
func TestEcho(t *testing.T) {
	var times []time.Duration
	run(t, func() (*world, time.Duration, func()) {
		w := newWorld(50 * time.Millisecond)
		server := listen(t, w.b, 7)
		go func() {
			b := make([]byte, 1500)
			for {
				n, from, err := server.ReadFrom(b)
				if err != nil {
					return
				}
				time.Sleep(3 * time.Millisecond)
				_, _ = server.WriteTo(b[:n], from)
			}
		}()
		client, err := w.a.Dial("udp", "10.0.0.2:7")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			b := make([]byte, 1500)
			for range 10 {
				began := time.Now()
				if _, err := client.Write(make([]byte, 97)); err != nil {
					t.Error(err)
				}
				n, err := client.Read(b)
				if err != nil || n != 97 {
					t.Errorf("%d octets came, and %v", n, err)
				}
				times = append(times, time.Since(began))
				time.Sleep(20 * time.Millisecond)
			}
		}()
		return w, 2 * time.Second, func() { _, _ = client.Close(), server.Close() }
	})
	if len(times) != 10 {
		t.Fatalf("%d echoes came, want 10", len(times))
	}
	for i, d := range times {
		// 125 octets take 1 ms at 1 Mbit/s, twice.
		if want := 105 * time.Millisecond; d != want {
			t.Errorf("echo %d took %v, want %v", i, d, want)
		}
	}
}

// What several goroutines send in one instant goes in an order of its own, run for run.
func TestOrder(t *testing.T) {
	digests := map[string]int{}
	for range 50 {
		run(t, func() (*world, time.Duration, func()) {
			w := newWorld(time.Millisecond)
			for i := range 8 {
				c := listen(t, w.a, 100+i)
				go func() {
					defer c.Close()
					for range 20 {
						time.Sleep(10 * time.Millisecond)
						_, _ = c.WriteTo([]byte{128, byte(i), 0, 0, 0, 0, 0, byte(i)}, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 9})
					}
				}()
			}
			return w, time.Second, func() { digests[w.fabric.Digest()]++ }
		})
	}
	if len(digests) != 1 {
		t.Errorf("50 runs had %d digests: %v", len(digests), digests)
	}
}

// By class, then RTCP by what it is; media stay as they were.
func TestOrderOfClasses(t *testing.T) {
	sent := [][]byte{
		{0x80, 205, 0, 9, 1},
		{0x80, 96, 0, 2},
		{0x80, 111, 0, 1},
		{0x80, 200, 0, 6},
		{22, 254, 253},
		{0x81, 201, 0, 7},
		{0x80, 205, 0, 9},
		{0, 1, 0, 0},
		{0, 9, 0, 12},                         // ChannelBind
		{0x40, 1, 0, 4, 0x80, 201, 0, 7},      // in a channel
		{0x40, 2, 0, 4, 0x80, 96, 0, 3, 0, 0}, // with padding
		{0, 8, 0, 12},                         // CreatePermission
		{0, 0x16, 0, 12},                      // Send
		{1, 1, 0, 0},
	}
	want := []int{7, 13, 12, 4, 1, 2, 10, 3, 9, 5, 6, 0, 11, 8}
	run(t, func() (*world, time.Duration, func()) {
		w := newWorld(0)
		c := listen(t, w.a, 100)
		for _, b := range sent {
			_, _ = c.WriteTo(b, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 9})
		}
		for i, d := range w.a.Sent() {
			if string(d.Payload) != string(sent[want[i]]) {
				t.Errorf("place %d: got % x, want % x", i, d.Payload, sent[want[i]])
			}
		}
		return w, 0, func() { c.Close() }
	})
}

func TestDeadlines(t *testing.T) {
	run(t, func() (*world, time.Duration, func()) {
		w := newWorld(0)
		c := listen(t, w.a, 0)
		go func() {
			began := time.Now()
			_ = c.SetReadDeadline(began.Add(700 * time.Millisecond))
			_, _, err := c.ReadFrom(make([]byte, 10))
			if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 700*time.Millisecond-time.Nanosecond {
				t.Errorf("%v after %v", err, time.Since(began))
			}
			_ = c.SetReadDeadline(time.Time{})
			_, _, err = c.ReadFrom(make([]byte, 10))
			if !errors.Is(err, net.ErrClosed) || time.Since(began) != 2*time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}()
		return w, 2 * time.Second, func() { c.Close() }
	})
}

// A buffer that nobody reads overflows, a port where nobody listens is unreachable; both are counted.
func TestDrops(t *testing.T) {
	run(t, func() (*world, time.Duration, func()) {
		w := newWorld(0)
		from := listen(t, w.a, 0)
		to := listen(t, w.b, 9).(interface {
			net.PacketConn
			SetReadBuffer(int) error
		})
		_ = to.SetReadBuffer(250)
		for range 3 {
			_, _ = from.WriteTo(make([]byte, 100), &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 9})
		}
		_, _ = from.WriteTo(make([]byte, 100), &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 10})
		w.clock.Wake()
		return w, time.Second, func() {
			if got, want := w.b.Stats(), (hosted.Stats{Delivered: 2, Overflowed: 1, Unreachable: 1}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			_, _ = from.Close(), to.Close()
			if n := w.a.Sockets() + w.b.Sockets(); n != 0 {
				t.Errorf("%d sockets are open", n)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	run(t, func() (*world, time.Duration, func()) {
		w := newWorld(0)
		c := listen(t, w.a, 100)
		dialled, err := w.a.Dial("udp", "10.0.0.2:9")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []struct {
			want string
			do   func() error
		}{
			{"address already in use", func() error { _, err := w.a.ListenPacket("udp", ":100"); return err }},
			{"cannot assign requested address", func() error { _, err := w.a.ListenPacket("udp", "10.0.0.2:5"); return err }},
			{"unknown network udp6", func() error { _, err := w.a.ListenPacket("udp6", ":5"); return err }},
			{"no such host", func() error { _, err := w.a.Dial("udp", "example.org:5"); return err }},
			{"unknown network tcp6", func() error { _, err := w.a.Dial("tcp6", "10.0.0.2:5"); return err }},
			{"has no TCP", func() error { _, err := hosted.NewHost(nil, addrA, nil).Dial("tcp", "10.0.0.2:5"); return err }},
			{"message too long", func() error {
				_, err := c.WriteTo(make([]byte, 1473), &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 9})
				return err
			}},
			{"no address of UDP over IPv4", func() error { _, err := c.WriteTo(nil, &net.UDPAddr{IP: net.IPv6loopback, Port: 9}); return err }},
			{"use of WriteTo with pre-connected connection", func() error {
				_, err := dialled.(net.PacketConn).WriteTo(nil, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 9})
				return err
			}},
			{"use of closed network connection", func() error {
				c.Close()
				_, err := c.WriteTo(nil, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 9})
				return err
			}},
		} {
			if err := e.do(); err == nil || !strings.Contains(err.Error(), e.want) {
				t.Errorf("got %v, want %q", err, e.want)
			}
		}
		return w, 0, func() { dialled.Close() }
	})
}

// A run that is cancelled ends where it is.
func TestInterrupted(t *testing.T) {
	run(t, func() (*world, time.Duration, func()) {
		w := newWorld(0)
		ctx, cancel := context.WithCancel(context.Background())
		ticks := w.loop.NewTimer(engine.HandlerFunc(func(simtime.Time) {}))
		ticks.Set(simtime.At(time.Second))
		cancel()
		if err := w.clock.Run(ctx, simtime.At(time.Hour)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if w.loop.Now() != 0 {
			t.Errorf("it went on to %v", w.loop.Now())
		}
		return w, 0, func() {}
	})
}

// BenchmarkEcho is a thousand datagrams to a goroutine at the other end of a link and back.
func BenchmarkEcho(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := bubble.Run(0, echo); err != nil {
			b.Fatal(err)
		}
	}
}

func echo() error {
	w := newWorld(time.Millisecond)
	var sockets [2]net.PacketConn
	for i, e := range []*end{w.a, w.b} {
		c, err := e.ListenPacket("udp4", ":7")
		if err != nil {
			return err
		}
		sockets[i] = c
		go func() {
			buf := make([]byte, 1500)
			for {
				n, from, err := c.ReadFrom(buf)
				if err != nil {
					return
				}
				_, _ = c.WriteTo(buf[:n], from)
			}
		}()
	}
	if _, err := sockets[0].WriteTo(make([]byte, 97), &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 7}); err != nil {
		return err
	}
	err := w.clock.Run(context.Background(), simtime.At(4*time.Second))
	for _, c := range sockets {
		_ = c.Close()
	}
	w.clock.Settle()
	return err
}

// Names are those of a table; what isn't there, nobody has.
func TestNames(t *testing.T) {
	h := hosted.NewHost(nil, addrA, nil)
	if _, err := h.ResolveIPAddr("ip", "b"); err == nil {
		t.Error("a name is known without a table")
	}
	h.Names(func(name string) (packet.IPv4, bool) { return addrB, name == "b" })
	if a, err := h.ResolveUDPAddr("udp", "b:5000"); err != nil || a.String() != addrB.String()+":5000" {
		t.Errorf("b:5000 is %v, %v", a, err)
	}
	if a, err := h.ResolveTCPAddr("tcp", "10.9.8.7:80"); err != nil || a.String() != "10.9.8.7:80" {
		t.Errorf("10.9.8.7:80 is %v, %v", a, err)
	}
	if a, err := h.ResolveIPAddr("ip", ""); err != nil || !a.IP.IsUnspecified() {
		t.Errorf("no name is %v, %v", a, err)
	}
	var unknown *net.DNSError
	if _, err := h.ResolveUDPAddr("udp", "c:1"); !errors.As(err, &unknown) || !unknown.IsNotFound {
		t.Errorf("c gives %v", err)
	}
	for _, bad := range []string{"b", "b:port", "b:70000", "b:1:2"} {
		if a, err := h.ResolveUDPAddr("udp", bad); err == nil {
			t.Errorf("%q is %v", bad, a)
		}
	}
}
