package middlebox

import (
	"context"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A net is a core node to which hosts are connected, some of them through a
// node with middleboxes.
type net struct {
	t     testing.TB
	loop  *engine.Loop
	f     *fabric.Fabric
	core  *fabric.Node
	hosts map[packet.IPv4]*host
}

// host notes what it gets.
type host struct {
	net  *net
	port *fabric.Port
	got  []delivery
}

type delivery struct {
	src, dst packet.Addr
	at       simtime.Time
	dscp     uint8
	ecn      packet.ECN
}

func newNet(t testing.TB) *net {
	n := &net{t: t, loop: &engine.Loop{}, hosts: map[packet.IPv4]*host{}}
	n.f = fabric.New(n.loop, rng.New(1))
	n.core = n.f.AddNode("core")
	return n
}

// node adds a node connected to another one in both directions.
func (n *net) node(name string, to *fabric.Node) *fabric.Node {
	a := n.f.AddNode(name)
	c := fabric.LinkConfig{Rate: fabric.Unlimited, Delay: time.Millisecond}
	c.Name = name + "/up"
	n.f.AddLink(a, to, c)
	c.Name = name + "/down"
	n.f.AddLink(to, a, c)
	return a
}

// host adds hosts with the given addresses at nodes of their own behind a node.
func (n *net) host(at *fabric.Node, addrs ...packet.IPv4) {
	for _, a := range addrs {
		h := &host{net: n}
		h.port = n.f.Attach(n.node(a.String(), at), a, h)
		n.hosts[a] = h
	}
}

// nat adds a NAT with hosts behind it, at a node behind another one.
func (n *net) nat(at *fabric.Node, c NATConfig, inside ...packet.IPv4) *NAT {
	n.t.Helper()
	node := n.node("nat "+c.External[0].String(), at)
	nat, err := NewNAT(n.f, node, c, inside...)
	if err != nil {
		n.t.Fatal(err)
	}
	n.host(node, inside...)
	return nat
}

func (h *host) Receive(now simtime.Time, p *packet.Packet) {
	if h.port.Addr() != p.Dst.IP {
		h.net.t.Errorf("a packet for %v came to %v", p.Dst, h.port.Addr())
	}
	h.got = append(h.got, delivery{p.Src, p.Dst, now, p.DSCP, p.ECN})
	h.net.f.Pool().Release(p)
}

// send sends a packet now and returns what arrived anywhere until nothing moves
// any more: its destination's delivery, or nil.
func (n *net) send(src, dst packet.Addr, edit ...func(*packet.Packet)) *delivery {
	n.t.Helper()
	p := n.f.Pool().New()
	clear(p.SetPayload(100))
	p.Src, p.Dst = src, dst
	for _, e := range edit {
		e(p)
	}
	n.hosts[src.IP].port.Send(n.loop.Now(), p)
	n.wait(100 * time.Millisecond)
	for _, h := range n.hosts {
		if len(h.got) > 0 {
			d := h.got[0]
			h.got = h.got[:0]
			return &d
		}
	}
	return nil
}

// wantSend sends and expects it at dst from src.
func (n *net) wantSend(from, to, src, dst packet.Addr) {
	n.t.Helper()
	switch d := n.send(from, to); {
	case d == nil:
		n.t.Errorf("the packet from %v to %v got lost", from, to)
	case d.src != src || d.dst != dst:
		n.t.Errorf("the packet from %v to %v came from %v to %v, want from %v to %v", from, to, d.src, d.dst, src, dst)
	}
}

// wantDrop sends and expects nothing.
func (n *net) wantDrop(from, to packet.Addr) {
	n.t.Helper()
	if d := n.send(from, to); d != nil {
		n.t.Errorf("the packet from %v to %v came from %v to %v, want it dropped", from, to, d.src, d.dst)
	}
}

// wait lets time pass and checks that no packet is missing.
func (n *net) wait(d time.Duration) {
	n.t.Helper()
	if err := n.loop.Run(context.Background(), n.loop.Now().Add(d)); err != nil {
		n.t.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		n.t.Error(err)
	}
}

// Addresses: X inside, Y and Z outside, N external, as in RFC 4787.
const (
	x1 packet.IPv4 = 0x0a000001 + iota
	x2
	x3
)

const (
	y packet.IPv4 = 0xc6336401 + iota
	z
	n1
	n2
	n3
)

func at(ip packet.IPv4, port uint16) packet.Addr { return packet.Addr{IP: ip, Port: port} }

func tcp(p *packet.Packet) { p.SetSegment(20, units.Bytes(0)) }
