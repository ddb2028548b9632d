package tcp

import (
	"context"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// passive is the shape of everything in this package.
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
	loop  *engine.Loop
	port  *fabric.Port
	timer *engine.Timer
	obj   passive
	// after runs behind every event.
	after func(now simtime.Time)
}

func attach(t testing.TB, loop *engine.Loop, f *fabric.Fabric, n *fabric.Node, addr packet.IPv4) *host {
	h := &host{t: t, loop: loop}
	h.timer = loop.NewTimer(h)
	h.port = f.Attach(n, addr, h)
	return h
}

func (h *host) Receive(now simtime.Time, p *packet.Packet) {
	h.obj.HandlePacket(now, p)
	h.drain(now)
}

func (h *host) Fire(now simtime.Time) {
	h.obj.HandleTimeout(now)
	h.drain(now)
}

func (h *host) drain(now simtime.Time) {
	for p := h.obj.PollPacket(now); p != nil; p = h.obj.PollPacket(now) {
		h.port.Send(now, p)
	}
	if h.after != nil {
		h.after(now)
	}
	next := h.obj.NextTimeout()
	if next <= now {
		h.t.Fatalf("%v: next timeout %v isn't in the future", now, next)
	}
	h.timer.SetIfMoved(next)
}

// A net is a bottleneck from A to B with a fast way back, and pairs of hosts
// behind access links without a rate, each with a delay of its own.
type net struct {
	t         testing.TB
	loop      *engine.Loop
	f         *fabric.Fabric
	random    *rng.Source
	a, b      *fabric.Node
	fwd, back *fabric.Link
	ends      []*host
	nPairs    int
}

func newNet(t testing.TB, seed uint64, forward, back fabric.LinkConfig) *net {
	n := &net{t: t, loop: &engine.Loop{}, random: rng.New(seed)}
	n.f = fabric.New(n.loop, n.random)
	n.a, n.b = n.f.AddNode("A"), n.f.AddNode("B")
	forward.Name, back.Name = "A-B", "B-A"
	n.fwd = n.f.AddLink(n.a, n.b, forward)
	n.back = n.f.AddLink(n.b, n.a, back)
	return n
}

// pair is a connection from behind A to behind B.
type pair struct {
	snd, rcv *Conn
	src, dst *host
	start    simtime.Time
}

// connect adds two hosts with a connection that opens at a time; delay is the
// extra one-way delay of the pair.
func (n *net) connect(at, delay time.Duration, client, server Config) *pair {
	n.t.Helper()
	n.nPairs++
	src, dst := n.a, n.b
	if delay > 0 {
		src = n.f.AddNode("access")
		n.f.AddLink(src, n.a, fabric.LinkConfig{Name: "up", Rate: fabric.Unlimited, Delay: delay})
		n.f.AddLink(n.a, src, fabric.LinkConfig{Name: "down", Rate: fabric.Unlimited})
	}
	client.Local = packet.Addr{IP: packet.IPv4(0x0a000000 + n.nPairs), Port: 40000}
	client.Remote = packet.Addr{IP: packet.IPv4(0x0a010000 + n.nPairs), Port: 80}
	server.Local = client.Remote
	p := &pair{start: simtime.At(at)}
	p.src = attach(n.t, n.loop, n.f, src, client.Local.IP)
	p.dst = attach(n.t, n.loop, n.f, dst, client.Remote.IP)
	n.ends = append(n.ends, p.src, p.dst)
	var err error
	if p.rcv, err = Listen(server, n.f.Pool()); err != nil {
		n.t.Fatal(err)
	}
	if p.snd, err = Dial(client, n.f.Pool(), p.start); err != nil {
		n.t.Fatal(err)
	}
	p.src.obj, p.dst.obj = p.snd, p.rcv
	n.loop.NewTimer(engine.HandlerFunc(p.src.drain)).Set(p.start)
	return p
}

// do runs something on a sender at a time.
func (n *net) do(at time.Duration, p *pair, f func()) {
	n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		f()
		p.src.drain(now)
	})).Set(simtime.At(at))
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
	held := 0
	for _, h := range n.ends {
		held += h.obj.Held()
	}
	if err := n.f.CheckConservation(held); err != nil {
		n.t.Fatal(err)
	}
}

// bottleneck is a link with a drop-tail queue.
func bottleneck(rate units.BitRate, delay, queue time.Duration) fabric.LinkConfig {
	return fabric.LinkConfig{Rate: rate, Delay: delay, Queue: fabric.NewDropTail(fabric.Limit{Time: queue})}
}

// pipe is a link without a rate.
func pipe(delay time.Duration) fabric.LinkConfig {
	return fabric.LinkConfig{Rate: fabric.Unlimited, Delay: delay}
}

const ms = time.Millisecond

// A tap is an impairment that decides by a function about every segment that
// comes to a link, and notes what it saw.
type tap struct {
	seen []tapped
	// fate may be nil; data counts the segments with a body from 0.
	fate func(s tapped) fabric.Fate
	data int
}

type tapped struct {
	Header
	at   simtime.Time
	body units.Bytes
	ecn  packet.ECN
	// nth numbers segments with a body; -1 without one.
	nth  int
	p    *packet.Packet
	size units.Bytes
}

func (x *tap) Impair(now simtime.Time, p *packet.Packet) fabric.Fate {
	s := tapped{at: now, body: p.Body, ecn: p.ECN, nth: -1, p: p, size: p.Size}
	if err := s.Parse(p.Payload); err != nil {
		panic(err)
	}
	if p.Body > 0 {
		s.nth = x.data
		x.data++
	}
	fate := fabric.Pass
	if x.fate != nil {
		fate = x.fate(s)
	}
	s.p = nil
	x.seen = append(x.seen, s)
	return fate
}

// tapped links of a net without a rate.
func newTapped(t testing.TB, delay time.Duration) (n *net, fwd, back *tap) {
	fwd, back = &tap{}, &tap{}
	f, b := pipe(delay), pipe(delay)
	f.Impairments, b.Impairments = []fabric.Impairment{fwd}, []fabric.Impairment{back}
	return newNet(t, 1, f, b), fwd, back
}

// dataIn returns how many segments with a body a tap saw from a time up to, but
// not at, another one.
func (x *tap) dataIn(from, to time.Duration) int {
	n := 0
	for _, s := range x.seen {
		if s.body > 0 && s.at >= simtime.At(from) && s.at < simtime.At(to) {
			n++
		}
	}
	return n
}

// drop loses the data segments with these numbers.
func drop(nth ...int) func(tapped) fabric.Fate {
	return func(s tapped) fabric.Fate {
		if s.nth >= 0 && slices.Contains(nth, s.nth) {
			return fabric.Lose
		}
		return fabric.Pass
	}
}
