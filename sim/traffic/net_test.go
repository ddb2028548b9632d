package traffic

import (
	"context"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

const ms = time.Millisecond

// passive is the shape of every source and sink.
type passive interface {
	HandlePacket(now simtime.Time, p *packet.Packet)
	HandleTimeout(now simtime.Time)
	PollPacket(now simtime.Time) *packet.Packet
	NextTimeout() simtime.Time
	Held() int
}

// A host drives a passive object on a fabric.
type host struct {
	t     testing.TB
	port  *fabric.Port
	timer *engine.Timer
	obj   passive
}

func (h *host) Receive(now simtime.Time, p *packet.Packet) {
	h.obj.HandlePacket(now, p)
	h.drain(now)
}

func (h *host) Fire(now simtime.Time) {
	h.obj.HandleTimeout(now)
	if h.drain(now); h.obj.NextTimeout() <= now {
		h.t.Fatalf("%v: next timeout %v isn't in the future", now, h.obj.NextTimeout())
	}
}

func (h *host) drain(now simtime.Time) {
	for p := h.obj.PollPacket(now); p != nil; p = h.obj.PollPacket(now) {
		h.port.Send(now, p)
	}
	// A packet may come at the very time of a deadline, which then is still due.
	h.timer.SetIfMoved(max(h.obj.NextTimeout(), now))
}

// A net is a link from A to B and one back.
type net struct {
	t    testing.TB
	loop *engine.Loop
	f    *fabric.Fabric
	a, b *fabric.Node
	fwd  *fabric.Link
}

func newNet(t testing.TB, seed uint64, forward fabric.LinkConfig) *net {
	n := &net{t: t, loop: &engine.Loop{}}
	n.f = fabric.New(n.loop, rng.New(seed))
	n.a, n.b = n.f.AddNode("A"), n.f.AddNode("B")
	forward.Name = "A-B"
	n.fwd = n.f.AddLink(n.a, n.b, forward)
	n.f.AddLink(n.b, n.a, fabric.LinkConfig{Name: "B-A", Rate: fabric.Unlimited, Delay: forward.Delay})
	return n
}

// attach drives an object at a node from its first deadline on.
func (n *net) attach(at *fabric.Node, addr packet.IPv4, obj passive) {
	h := &host{t: n.t, obj: obj}
	h.timer = n.loop.NewTimer(h)
	h.port = n.f.Attach(at, addr, h)
	h.timer.Set(obj.NextTimeout())
}

func (n *net) run(d time.Duration) {
	n.t.Helper()
	n.f.Route()
	n.resume(d)
}

func (n *net) resume(d time.Duration) {
	n.t.Helper()
	if err := n.loop.Run(context.Background(), simtime.At(d)); err != nil {
		n.t.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		n.t.Fatal(err)
	}
}

var (
	left  = packet.Addr{IP: 0x0a000001, Port: 40000}
	right = packet.Addr{IP: 0x0a010001, Port: 5000}
)
