package middlebox

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/packet"
)

// walled is X1 and X2 behind a firewall, Y and Z outside.
func walled(t testing.TB, timeout time.Duration, rules ...Rule) (*net, *Firewall) {
	n := newNet(t)
	w, err := NewFirewall(rules, timeout, x1, x2)
	if err != nil {
		t.Fatal(err)
	}
	node := n.node("firewall", n.core)
	node.Insert(w)
	n.host(node, x1, x2)
	n.host(n.core, y, z)
	n.f.Route()
	return n, w
}

func (n *net) wantPass(from, to packet.Addr, edit ...func(*packet.Packet)) {
	n.t.Helper()
	if d := n.send(from, to, edit...); d == nil || d.src != from || d.dst != to {
		n.t.Errorf("the packet from %v to %v came as %v", from, to, d)
	}
}

func TestBlockUDP(t *testing.T) {
	n, w := walled(t, 0, BlockUDP())
	n.wantDrop(at(x1, 1), at(y, 2))
	n.wantDrop(at(y, 1), at(x1, 2))
	n.wantPass(at(x1, 1), at(y, 2), tcp)
	n.wantPass(at(y, 1), at(x1, 2), tcp)
	n.wantPass(at(x1, 1), at(x2, 2))
	n.wantPass(at(z, 1), at(y, 2))
	if w.Hits(0) != 2 {
		t.Errorf("%d hits, want 2", w.Hits(0))
	}
}

func TestBlockPorts(t *testing.T) {
	n, w := walled(t, 0,
		Rule{Action: Accept, Transport: OnlyTCP, Destination: PortRange{443, 443}},
		BlockPorts(0, 1023), BlockPorts(16384, 65535))
	for port, pass := range map[uint16]bool{0: false, 443: false, 1023: false, 1024: true, 16383: true, 16384: false, 65535: false} {
		if d := n.send(at(x1, 20000), at(y, port)); d != nil != pass {
			t.Errorf("port %d: passes %v, want %v", port, !pass, pass)
		}
	}
	n.wantPass(at(x1, 1), at(y, 443), tcp)
	n.wantPass(at(y, 1), at(x1, 443)) // the rules are about packets to outside
	if w.Hits(0) != 1 || w.Hits(1) != 3 || w.Hits(2) != 2 {
		t.Errorf("hits %d, %d, %d", w.Hits(0), w.Hits(1), w.Hits(2))
	}
}

func TestBlockUnsolicited(t *testing.T) {
	n, w := walled(t, 30*time.Second, BlockUnsolicited())
	n.wantDrop(at(y, 80), at(x1, 5000))
	n.wantPass(at(x1, 5000), at(y, 80))
	n.wantPass(at(y, 80), at(x1, 5000))
	n.wantDrop(at(y, 81), at(x1, 5000))
	n.wantDrop(at(z, 80), at(x1, 5000))
	n.wantDrop(at(y, 80), at(x1, 5001))
	n.wantDrop(at(y, 80), at(x2, 5000))
	if d := n.send(at(y, 80), at(x1, 5000), tcp); d != nil {
		t.Error("TCP passes as a reply to UDP")
	}
	// Both directions keep the flow alive.
	for range 2 {
		n.wait(25 * time.Second)
		n.wantPass(at(y, 80), at(x1, 5000))
		n.wait(25 * time.Second)
		n.wantPass(at(y, 80), at(x1, 5000))
		n.wait(25 * time.Second)
		n.wantPass(at(x1, 5000), at(y, 80))
	}
	if w.Flows(n.loop.Now()) != 1 {
		t.Errorf("%d flows, want 1", w.Flows(n.loop.Now()))
	}
	n.wait(30 * time.Second)
	n.wantDrop(at(y, 80), at(x1, 5000))
	if w.Flows(n.loop.Now()) != 0 {
		t.Errorf("%d flows, want 0", w.Flows(n.loop.Now()))
	}
}

// The quietest flow makes room when the table is full.
func TestFlowsAreBounded(t *testing.T) {
	_, w := walled(t, time.Hour, BlockUnsolicited())
	p := &packet.Packet{}
	pass := func(from, to packet.Addr) bool {
		p.Src, p.Dst = from, to
		return w.Handle(0, p, nil)
	}
	for i := range maxFlows {
		pass(at(x1, uint16(i)), at(y, 1))
	}
	pass(at(x1, 0), at(y, 1)) // isn't the quietest any more
	pass(at(x2, 0), at(y, 1))
	if w.Flows(0) != maxFlows {
		t.Errorf("%d flows, want %d", w.Flows(0), maxFlows)
	}
	if !pass(at(y, 1), at(x1, 0)) || !pass(at(y, 1), at(x2, 0)) || pass(at(y, 1), at(x1, 1)) || !pass(at(y, 1), at(x1, 2)) {
		t.Error("another flow than the quietest had to go")
	}
}

// RFC 5506 §3.4.1: compound RTCP passes, reduced-size RTCP doesn't, nor does
// anything else fare differently for it.
func TestRFC5506ReducedSizeRTCP(t *testing.T) {
	n, _ := walled(t, 0, BlockReducedSizeRTCP())
	for _, c := range []struct {
		what    string
		payload []byte
		pass    bool
	}{
		{"sender report", []byte{0x80, 200, 0, 6}, true},
		{"receiver report", []byte{0x81, 201, 0, 7}, true},
		{"transport feedback", []byte{0x8f, 205, 0, 3}, false},
		{"payload feedback", []byte{0x81, 206, 0, 2}, false},
		{"extended report", []byte{0x80, 207, 0, 2}, false},
		{"first of the range", []byte{0x80, 192, 0, 1}, false},
		{"last of the range", []byte{0x80, 223, 0, 1}, false},
		{"RTP", []byte{0x80, 96, 0, 1}, true},
		{"RTP with marker", []byte{0x80, 96 | 0x80, 0, 1}, true},
		{"RTP with marker and PT 63", []byte{0x80, 191, 0, 1}, true},
		{"STUN", []byte{0, 205, 0, 8}, true},
		{"DTLS", []byte{22, 205, 0xfd, 0xff}, true},
		{"three octets", []byte{0x80, 205, 0}, true},
		{"none", nil, true},
	} {
		for _, way := range [][2]packet.Addr{{at(x1, 1), at(y, 2)}, {at(y, 2), at(x1, 1)}} {
			d := n.send(way[0], way[1], func(p *packet.Packet) { copy(p.SetPayload(len(c.payload)), c.payload) })
			if d != nil != c.pass {
				t.Errorf("%s: passes %v, want %v", c.what, !c.pass, c.pass)
			}
		}
	}
}

func TestNewFirewallRefuses(t *testing.T) {
	if _, err := NewFirewall([]Rule{{}, {Source: PortRange{2, 1}}}, 0); err == nil || !strings.Contains(err.Error(), "rule 1: ports") {
		t.Errorf("got %v", err)
	}
	if _, err := NewFirewall(nil, -1); err == nil {
		t.Error("a negative timeout was taken")
	}
}

func BenchmarkFirewall(b *testing.B) {
	_, w := walled(b, 0, BlockPorts(0, 1023), BlockReducedSizeRTCP(), BlockUnsolicited())
	p := &packet.Packet{}
	p.SetPayload(1200)[0] = 0x80
	i := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		p.Src, p.Dst = at(x1, 5000+i%1000), at(y, 5000)
		out := w.Handle(0, p, nil)
		p.Src, p.Dst = p.Dst, p.Src
		if !out || !w.Handle(0, p, nil) {
			b.Fatal("dropped")
		}
	}
}

// With nobody inside, a rule holds for whatever passes.
func TestFirewallWithoutInside(t *testing.T) {
	w, err := NewFirewall([]Rule{BlockUDP()}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []packet.Protocol{packet.UDP, packet.TCP} {
		p := &packet.Packet{Src: packet.Addr{IP: 1, Port: 1}, Dst: packet.Addr{IP: 2, Port: 2}, Protocol: protocol}
		if passed := w.Handle(0, p, nil); passed != (protocol == packet.TCP) {
			t.Errorf("%v passes: %v", protocol, passed)
		}
	}
}
