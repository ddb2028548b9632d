package theory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic"
	"rtpfabric/sim/units"
)

// The schedules of RFC 8867: ratio · r, and the UDP that leaves as much of a link
// of 4 Mbit/s (Tables 1, 3 and 4).
var schedules = map[string]struct {
	starts   []time.Duration
	capacity []units.BitRate
	udp      []units.BitRate
}{
	"table 1": {
		[]time.Duration{0, 40 * time.Second, 60 * time.Second, 80 * time.Second},
		[]units.BitRate{1000 * units.Kbps, 2500 * units.Kbps, 600 * units.Kbps, 1000 * units.Kbps},
		[]units.BitRate{3000 * units.Kbps, 1500 * units.Kbps, 3400 * units.Kbps, 3000 * units.Kbps},
	},
	"table 3": {
		[]time.Duration{0, 25 * time.Second, 50 * time.Second, 75 * time.Second, 100 * time.Second},
		[]units.BitRate{4000 * units.Kbps, 2000 * units.Kbps, 3500 * units.Kbps, 1000 * units.Kbps, 2000 * units.Kbps},
		[]units.BitRate{0, 2000 * units.Kbps, 500 * units.Kbps, 3000 * units.Kbps, 2000 * units.Kbps},
	},
}

// RFC 8867 §4.2: changing the rate of a link, and background UDP on a link of
// fixed capacity, leave the same capacity to others within 2 %. A probe of
// constant rate finds out: 2 % below the capacity of the table the queue never
// overflows, 2 % above it does, in every stretch of both.
//
// conformance: RFC8867-4.2, RFC8868-5.3
func TestCapacityByRateAndByBackground(t *testing.T) {
	for name, s := range schedules {
		for _, background := range []bool{false, true} {
			for i := range s.starts {
				for _, probe := range []struct {
					factor float64
					fits   bool
				}{{0.98, true}, {1.02, false}} {
					what := fmt.Sprintf("%s, stretch %d, background %v, probe at %.2f", name, i, background, probe.factor)
					rate := units.BitRate(probe.factor * float64(s.capacity[i]))
					link := s.capacity[i]
					if background {
						link = 4 * units.Mbps
					}
					udp := units.BitRate(0)
					if background {
						udp = s.udp[i]
					}
					if n := refused(t, link, udp, rate); (n == 0) != probe.fits {
						t.Errorf("%s: the queue refused %d packets", what, n)
					}
				}
			}
		}
	}
}

// refused sends a probe over a link beside background traffic, and returns how
// many packets the queue of 300 ms refused in 5 min.
func refused(t *testing.T, link, background, probe units.BitRate) uint64 {
	t.Helper()
	loop := &engine.Loop{}
	f := fabric.New(loop, rng.New(1))
	a, b := f.AddNode("A"), f.AddNode("B")
	l := f.AddLink(a, b, fabric.LinkConfig{
		Name: "bottleneck", Rate: link, Delay: 50 * time.Millisecond,
		Queue: fabric.NewDropTail(fabric.Limit{Time: 300 * time.Millisecond}),
	})
	ends := []*end{newSender(t, loop, f, a, 1, 2, background), newSink(loop, f, b, 2), newSender(t, loop, f, a, 3, 4, probe), newSink(loop, f, b, 4)}
	f.Route()
	for _, e := range ends {
		if e != nil {
			e.drain(0)
		}
	}
	if err := loop.Run(context.Background(), simtime.At(5*time.Minute)); err != nil {
		t.Fatal(err)
	}
	return l.Stats().Refused
}

// passive is a source or sink of package traffic.
type passive interface {
	HandlePacket(now simtime.Time, p *packet.Packet)
	HandleTimeout(now simtime.Time)
	PollPacket(now simtime.Time) *packet.Packet
	NextTimeout() simtime.Time
}

// end drives one.
type end struct {
	passive
	port  *fabric.Port
	timer *engine.Timer
}

func newEnd(loop *engine.Loop, f *fabric.Fabric, n *fabric.Node, addr packet.IPv4, p passive) *end {
	e := &end{passive: p}
	e.port = f.Attach(n, addr, e)
	e.timer = loop.NewTimer(e)
	return e
}

func newSender(t *testing.T, loop *engine.Loop, f *fabric.Fabric, n *fabric.Node, from, to packet.IPv4, rate units.BitRate) *end {
	t.Helper()
	if rate == 0 {
		return nil
	}
	s, err := traffic.NewUDPSource(traffic.UDPConfig{
		Local: packet.Addr{IP: from, Port: 1}, Remote: packet.Addr{IP: to, Port: 1},
		Pattern: traffic.ConstantRate(rate, 0),
	}, f.Pool())
	if err != nil {
		t.Fatal(err)
	}
	return newEnd(loop, f, n, from, s)
}

func newSink(loop *engine.Loop, f *fabric.Fabric, n *fabric.Node, addr packet.IPv4) *end {
	return newEnd(loop, f, n, addr, traffic.NewUDPSink(f.Pool()))
}

// Receive implements fabric.Receiver.
func (e *end) Receive(now simtime.Time, p *packet.Packet) {
	e.HandlePacket(now, p)
	e.drain(now)
}

// Fire implements engine.Handler.
func (e *end) Fire(now simtime.Time) {
	e.HandleTimeout(now)
	e.drain(now)
}

func (e *end) drain(now simtime.Time) {
	for p := e.PollPacket(now); p != nil; p = e.PollPacket(now) {
		e.port.Send(now, p)
	}
	e.timer.SetIfMoved(e.NextTimeout())
}
