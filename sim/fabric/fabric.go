// Package fabric is the virtual network: nodes, links with loss, a queue, a
// serializer, propagation and jitter, and static routes over any graph of
// them. Every packet event goes into the run's digest.
package fabric

import (
	"fmt"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Receiver is what stands at an address. Receive takes ownership of p.
type Receiver interface {
	Receive(now simtime.Time, p *packet.Packet)
}

// Fabric is one network. Build it with AddNode, AddLink and Attach, then call
// [Fabric.Route] once before the first packet.
type Fabric struct {
	loop     *engine.Loop
	random   *rng.Source
	pool     packet.Pool
	nodes    []*Node
	links    []*Link
	ports    []*Port
	portOf   map[packet.IPv4]int32
	observer Observer
	routings int
	digest   Digest

	sent, delivered, unroutable, blocked, damaged uint64
}

// New returns an empty network on the given loop.
func New(loop *engine.Loop, random *rng.Source) *Fabric {
	return &Fabric{loop: loop, random: random, portOf: map[packet.IPv4]int32{}, observer: Nobody}
}

// Observe sets who is told of packet events. An observer only looks.
func (f *Fabric) Observe(o Observer) { f.observer = o }

// Pool returns the run's free list of packets.
func (f *Fabric) Pool() *packet.Pool { return &f.pool }

// Digest returns the hash over every packet event so far.
func (f *Fabric) Digest() string { return f.digest.String() }

// Links returns all link directions in the order they were added.
func (f *Fabric) Links() []*Link { return f.links }

// Sent returns how many packets entered the network so far.
func (f *Fabric) Sent() uint64 { return f.sent }

// Hops returns how many times a packet crossed a link so far.
func (f *Fabric) Hops() uint64 {
	var n uint64
	for _, l := range f.links {
		n += l.stats.Delivered
	}
	return n
}

// Node is a switching point: it forwards along the route to the destination.
type Node struct {
	Name  string
	index int
	boxes []Middlebox
	route []*Link // by destination node
	out   []*Link
}

// AddNode adds a node with a name that is new.
func (f *Fabric) AddNode(name string) *Node {
	n := &Node{Name: name, index: len(f.nodes)}
	f.nodes = append(f.nodes, n)
	return n
}

// Port is where a receiver meets the network: one address at one node.
type Port struct {
	fabric *Fabric
	node   *Node
	index  int32
	addr   packet.IPv4
	to     Receiver
	// lenient ports take damaged packets.
	lenient bool
	local   packet.FIFO // packets between two ports of one node
	timer   *engine.Timer
}

// Attach puts a receiver at a node under an address that is new.
func (f *Fabric) Attach(n *Node, addr packet.IPv4, to Receiver) *Port {
	if _, taken := f.portOf[addr]; taken {
		panic(fmt.Sprintf("fabric: address %v attached twice", addr))
	}
	p := &Port{fabric: f, node: n, index: int32(len(f.ports)), addr: addr, to: to}
	p.timer = f.loop.NewTimer(engine.HandlerFunc(p.deliverLocal))
	f.ports = append(f.ports, p)
	f.portOf[addr] = p.index
	return p
}

// Addr returns the port's address.
func (t *Port) Addr() packet.IPv4 { return t.addr }

// AcceptDamaged makes the port take packets with flipped bits, as a receiver
// does that doesn't use UDP's checksum. Others drop them (RFC 768).
func (t *Port) AcceptDamaged() { t.lenient = true }

// Send lets a packet into the network and takes ownership of it. A packet for
// an address that nobody has is counted and dropped.
func (t *Port) Send(now simtime.Time, p *packet.Packet) {
	f := t.fabric
	f.sent++
	p.ID = f.sent
	if !p.Passed {
		p.SentAt = now
	}
	p.Origin = p.Src.IP
	f.digest.sent(now, p)
	f.observer.PacketSent(now, p)
	if f.resolve(now, p) {
		f.forward(now, t.node, p, nil)
	}
}

// resolve finds the port that p is for. It reports false if there is none, in
// which case p is gone.
func (f *Fabric) resolve(now simtime.Time, p *packet.Packet) bool {
	hop, ok := f.portOf[p.Dst.IP]
	if !ok {
		f.unroutable++
		f.drop(now, nil, p, NoRoute)
		return false
	}
	p.Hop = hop
	return true
}

// forward moves a packet on from a node, to a link or to the port it is for.
// from is the link that brought it.
func (f *Fabric) forward(now simtime.Time, n *Node, p *packet.Packet, from *Link) {
	if n.boxes != nil && !f.pass(now, n, p, from) {
		return
	}
	dst := f.ports[p.Hop]
	if dst.node != n {
		if l := n.route[dst.node.index]; l != nil {
			l.receive(now, p)
			return
		}
		f.unroutable++
		f.drop(now, nil, p, NoRoute)
		return
	}
	// A packet straight from another port of this node waits for its own
	// event, so that a receiver never runs inside another one's turn.
	if from == nil {
		dst.local.Push(p)
		dst.timer.SetIfMoved(now)
		return
	}
	f.deliver(now, dst, p)
}

func (t *Port) deliverLocal(now simtime.Time) {
	for p := t.local.Pop(); p != nil; p = t.local.Pop() {
		t.fabric.deliver(now, t, p)
	}
}

func (f *Fabric) deliver(now simtime.Time, dst *Port, p *packet.Packet) {
	if p.Damaged && !dst.lenient {
		f.damaged++
		f.drop(now, nil, p, BadChecksum)
		return
	}
	f.delivered++
	f.digest.event(now, evDelivered, uint32(dst.index), p)
	f.observer.PacketDelivered(now, p)
	dst.to.Receive(now, p)
}

func (f *Fabric) drop(now simtime.Time, l *Link, p *packet.Packet, why DropReason) {
	place := ^uint32(0)
	if l != nil {
		place = l.index
	}
	f.digest.event(now, evDropped+eventKind(why), place, p)
	f.observer.PacketDropped(now, l, p, why)
	f.pool.Release(p)
}
