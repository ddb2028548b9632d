package middlebox

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/packet"
)

// What is neither from inside nor to an external address passes; what is for an
// inside address doesn't.
func TestTransitAndStrayPackets(t *testing.T) {
	n := newNet(t)
	node := n.node("nat", n.core)
	nat, err := NewNAT(n.f, node, FullCone(n1), x1)
	if err != nil {
		t.Fatal(err)
	}
	n.host(node, x1, z) // Z is behind the node, but not inside
	n.host(n.core, y)
	n.f.Route()
	n.wantSend(at(y, 1), at(z, 2), at(y, 1), at(z, 2))
	n.wantSend(at(z, 1), at(y, 2), at(z, 1), at(y, 2))
	n.wantDrop(at(y, 1), at(x1, 2))
	if a, ok := nat.Map(0, at(z, 1), at(y, 2), packet.UDP); ok {
		t.Errorf("Z was mapped to %v", a)
	}
	if !nat.Inside(x1) || nat.Inside(z) {
		t.Error("inside is wrong")
	}
	n.wantSend(at(z, 1), at(y, 2), at(z, 1), at(y, 2))
	nat.AddInside(z)
	n.wantSend(at(z, 1), at(y, 2), at(n1, 1), at(y, 2))
}

func TestPortsRunOut(t *testing.T) {
	for name, c := range map[string]NATConfig{
		"preserve":   {},
		"sequential": {Ports: SequentialPort},
		"parity":     {KeepParity: true},
	} {
		c.External, c.FirstPort, c.LastPort, c.Timeout = []packet.IPv4{n1}, 40000, 40009, time.Minute
		n, nat := behind(t, c)
		want := 10
		if c.KeepParity {
			want = 5
		}
		for i := range want {
			if d := n.send(at(x1, uint16(5000+2*i)), at(y, 80)); d == nil || d.src.Port < 40000 || d.src.Port > 40009 {
				t.Errorf("%s: packet %d came as %v", name, i, d)
			}
		}
		n.wantDrop(at(x1, 6000), at(y, 80))
		if a, ok := nat.Map(n.loop.Now(), at(x1, 6000), at(y, 80), packet.UDP); ok {
			t.Errorf("%s: mapped to %v", name, a)
		}
		if s := nat.Stats(n.loop.Now()); s.Exhausted != 1 || s.Active != want {
			t.Errorf("%s: %+v, want one exhausted and %d active", name, s, want)
		}
		if c.KeepParity { // odd ports are left
			n.wantSend(at(x1, 6001), at(y, 80), at(n1, 40001), at(y, 80))
		}
		n.wait(time.Minute)
		if d := n.send(at(x1, 6000), at(y, 80)); d == nil {
			t.Errorf("%s: no port is free after the timeout", name)
		}
	}
}

// Two external addresses double the ports if pooling is arbitrary.
func TestArbitraryPoolingUsesAllPorts(t *testing.T) {
	n, nat := behind(t, NATConfig{External: []packet.IPv4{n1, n2}, Pooling: Arbitrary, FirstPort: 40000, LastPort: 40001})
	for i := range uint16(4) {
		if _, ok := nat.Map(0, at(x1, 5000+i), at(y, 1), packet.UDP); !ok {
			t.Errorf("mapping %d failed", i)
		}
	}
	if _, ok := nat.Map(0, at(x1, 5004), at(y, 1), packet.UDP); ok {
		t.Error("a fifth mapping of four")
	}
	_ = n
}

// The openings of one mapping are bounded, and the least recently used one goes.
func TestOpeningsAreBounded(t *testing.T) {
	n, nat := behind(t, PortRestrictedCone(n1))
	for i := range uint16(maxOpenings) {
		nat.Map(n.loop.Now(), at(x1, 5000), at(y, 1+i), packet.UDP)
		n.wait(time.Millisecond)
	}
	n.send(at(x1, 5000), at(y, 1)) // renews the oldest
	n.send(at(x1, 5000), at(z, 1))
	n.wantSend(at(y, 1), at(n1, 5000), at(y, 1), at(x1, 5000))
	n.wantDrop(at(y, 2), at(n1, 5000))
	n.wantSend(at(z, 1), at(n1, 5000), at(z, 1), at(x1, 5000))
	if s := nat.Stats(n.loop.Now()); s.Evicted != 1 {
		t.Errorf("%+v", s)
	}
}

// A NAT behind a NAT: two translations each way.
func TestTwoLevels(t *testing.T) {
	n := newNet(t)
	outer := n.node("outer", n.core)
	inner := n.nat(outer, PortRestrictedCone(n2), x1)
	if _, err := NewNAT(n.f, outer, Symmetric(n1), n2); err != nil {
		t.Fatal(err)
	}
	n.host(n.core, y, z)
	n.f.Route()
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	n.wantSend(at(y, 80), at(n1, 5000), at(y, 80), at(x1, 5000))
	n.wantSend(at(x1, 5000), at(z, 80), at(n1, 5002), at(z, 80))
	n.wantDrop(at(y, 80), at(n1, 5002))
	if s := inner.Stats(n.loop.Now()); s.Active != 1 || s.Translated != 3 {
		t.Errorf("%+v", s)
	}
}

// kinds in the order of the table of hole punching.
var kinds = []struct {
	name string
	make func(...packet.IPv4) NATConfig
}{
	{"full cone", FullCone},
	{"address-restricted", RestrictedCone},
	{"port-restricted", PortRestrictedCone},
	{"symmetric", Symmetric},
}

// Hole punching: each side learns its external address from a server, the two
// are exchanged, and both send to the other's, answering to where packets came
// from. It is known to work for all pairs but symmetric with symmetric or
// port-restricted (RFC 4787 §5, REQ-8; Ford, Srisuresh and Kegel, USENIX 2005).
func TestHolePunching(t *testing.T) {
	works := [4][4]bool{
		{true, true, true, true},
		{true, true, true, true},
		{true, true, true, false},
		{true, true, false, false},
	}
	for i, a := range kinds {
		for j, b := range kinds {
			n := newNet(t)
			natA := n.nat(n.core, a.make(n1), x1)
			natB := n.nat(n.core, b.make(n2), x2)
			n.host(n.core, y)
			n.f.Route()
			server := at(y, 3478)
			peerOfB, _ := natA.Map(0, at(x1, 5000), server, packet.UDP)
			peerOfA, _ := natB.Map(0, at(x2, 6000), server, packet.UDP)
			fromB, fromA := false, false // got through
			for range 5 {
				if d := n.send(at(x1, 5000), peerOfA); d != nil {
					fromA, peerOfB = true, d.src
				}
				if d := n.send(at(x2, 6000), peerOfB); d != nil {
					fromB, peerOfA = true, d.src
				}
			}
			if got := fromA && fromB; got != works[i][j] {
				t.Errorf("%s with %s: works %v, want %v", a.name, b.name, got, works[i][j])
			}
		}
	}
}

func TestNewNATRefuses(t *testing.T) {
	for name, c := range map[string]NATConfig{
		"no address":   {},
		"comes twice":  FullCone(n1, n1),
		"is empty":     {External: []packet.IPv4{n1}, FirstPort: 2, LastPort: 1},
		"stream":       {External: []packet.IPv4{n1}, Ports: RandomPort},
		"negative":     {External: []packet.IPv4{n1}, Timeout: -1},
		"is inside as": FullCone(x1),
	} {
		n := newNet(t)
		if _, err := NewNAT(n.f, n.core, c, x1); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
}

// An established mapping costs no allocation.
func BenchmarkNAT(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			_, nat := behind(b, k.make(n1))
			for i := range uint16(1000) {
				nat.Map(0, at(x1, 5000+i), at(y, 80), packet.UDP)
			}
			out, in := &packet.Packet{}, &packet.Packet{}
			i := uint16(0)
			b.ReportAllocs()
			for b.Loop() {
				i++
				out.Src, out.Dst = at(x1, 5000+i%1000), at(y, 80)
				in.Src = out.Dst
				if !nat.Handle(0, out, nil) {
					b.Fatal("dropped")
				}
				in.Dst = out.Src
				if !nat.Handle(0, in, nil) {
					b.Fatal("dropped")
				}
			}
		})
	}
}
