package middlebox

import (
	"testing"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
)

// behind is a NAT with X1 and X2 inside and Y and Z outside.
func behind(t testing.TB, c NATConfig) (*net, *NAT) {
	n := newNet(t)
	nat := n.nat(n.core, c, x1, x2)
	n.host(n.core, y, z)
	n.f.Route()
	return n, nat
}

// §4.1, REQ-1: which remote addresses share a mapping.
func TestREQ1Mapping(t *testing.T) {
	for _, c := range []struct {
		mapping                 Dependence
		otherPort, otherAddress int // new mappings
	}{
		{EndpointIndependent, 0, 0},
		{AddressDependent, 0, 1},
		{AddressAndPortDependent, 1, 1},
	} {
		n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Mapping: c.mapping})
		n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
		n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
		port := uint16(5000 + c.otherPort)
		n.wantSend(at(x1, 5000), at(y, 81), at(n1, port), at(y, 81))
		port += uint16(c.otherAddress)
		n.wantSend(at(x1, 5000), at(z, 80), at(n1, port), at(z, 80))
		if s := nat.Stats(n.loop.Now()); s.Created != uint64(1+c.otherPort+c.otherAddress) || s.Active != int(s.Created) || s.Translated != 4 {
			t.Errorf("mapping %d: %+v", c.mapping, s)
		}
	}
}

// §4.1, REQ-2: "Paired" pooling gives a host one external address, "Arbitrary"
// doesn't.
func TestREQ2Pooling(t *testing.T) {
	n, _ := behind(t, NATConfig{External: []packet.IPv4{n1, n2}})
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	n.wantSend(at(x2, 5000), at(y, 80), at(n2, 5000), at(y, 80))
	n.wantSend(at(x1, 5001), at(y, 80), at(n1, 5001), at(y, 80))
	n.wantSend(at(x1, 5002), at(y, 80), at(n1, 5002), at(y, 80))
	n.wantSend(at(x2, 5001), at(y, 80), at(n2, 5001), at(y, 80))

	n, _ = behind(t, NATConfig{External: []packet.IPv4{n1, n2}, Pooling: Arbitrary})
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	n.wantSend(at(x1, 5001), at(y, 80), at(n2, 5001), at(y, 80))
	n.wantSend(at(x1, 5000), at(z, 80), at(n1, 5000), at(z, 80))
}

// §4.2.1, REQ-3: no port is overloaded; REQ-3a: a port below 1024 is mapped to
// such a port, others to others.
func TestREQ3Ports(t *testing.T) {
	n, _ := behind(t, NATConfig{External: []packet.IPv4{n1}})
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	n.wantSend(at(x2, 5000), at(y, 80), at(n1, 5001), at(y, 80))
	n.wantSend(at(y, 80), at(n1, 5001), at(y, 80), at(x2, 5000))
	n.wantSend(at(x1, 1023), at(y, 80), at(n1, 1023), at(y, 80))
	n.wantSend(at(x2, 1023), at(y, 80), at(n1, 1), at(y, 80))
	n.wantSend(at(x1, 65535), at(y, 80), at(n1, 65535), at(y, 80))
	n.wantSend(at(x2, 65535), at(y, 80), at(n1, 1024), at(y, 80))

	// The two protocols have ports of their own.
	n.wantSend(at(x1, 7000), at(y, 80), at(n1, 7000), at(y, 80))
	if d := n.send(at(x2, 7000), at(y, 80), tcp); d == nil || d.src != at(n1, 7000) {
		t.Errorf("TCP came as %v, want from port 7000", d)
	}
	if d := n.send(at(y, 80), at(n1, 7000), tcp); d == nil || d.dst != at(x2, 7000) {
		t.Errorf("TCP came as %v, want at X2", d)
	}

	n, _ = behind(t, NATConfig{External: []packet.IPv4{n1}, Ports: SequentialPort})
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 1024), at(y, 80))
	n.wantSend(at(x2, 5000), at(y, 80), at(n1, 1025), at(y, 80))

	n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Ports: RandomPort, Random: rng.New(1).Stream("nat")})
	seen := map[uint16]bool{}
	for i := range uint16(1000) {
		a, ok := nat.Map(n.loop.Now(), at(x1, 2000+i), at(y, 80), packet.UDP)
		if !ok || a.Port < 1024 || seen[a.Port] {
			t.Fatalf("mapping %d: %v, %v", i, a, ok)
		}
		seen[a.Port] = true
	}
	// Half of 1000 are expected above the middle; a standard deviation is 16.
	high := 0
	for p := range seen {
		if p > (1024+65535)/2 {
			high++
		}
	}
	if high < 436 || high > 564 {
		t.Errorf("%d of 1000 random ports are in the upper half, want 500 ± 64", high)
	}
}

// §4.2.2, REQ-4: parity is kept.
func TestREQ4Parity(t *testing.T) {
	n, _ := behind(t, NATConfig{External: []packet.IPv4{n1}, KeepParity: true})
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	n.wantSend(at(x2, 5000), at(y, 80), at(n1, 5002), at(y, 80))
	n.wantSend(at(x1, 5001), at(y, 80), at(n1, 5001), at(y, 80))
	n.wantSend(at(x2, 5001), at(y, 80), at(n1, 5003), at(y, 80))
}

// §4.3, REQ-5: a mapping lives for the timeout, by default five minutes; §4.3,
// REQ-6: packets from inside keep it alive.
func TestREQ5TimeoutREQ6OutboundRefresh(t *testing.T) {
	for _, timeout := range []time.Duration{0, 30 * time.Second} {
		n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Timeout: timeout})
		if timeout == 0 {
			timeout = 5 * time.Minute
		}
		n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
		for range 3 { // each send takes 100 ms
			n.wait(timeout - 200*time.Millisecond)
			n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
		}
		n.wait(timeout - 200*time.Millisecond)
		n.wantSend(at(y, 80), at(n1, 5000), at(y, 80), at(x1, 5000))
		n.wait(time.Second)
		n.wantDrop(at(y, 80), at(n1, 5000))
		if s := nat.Stats(n.loop.Now()); s.Expired != 1 || s.Active != 0 || s.Unmapped != 1 {
			t.Errorf("%+v", s)
		}
		// The port is free for another host.
		n.wantSend(at(x2, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	}
}

// A mapping expires while an older one is kept alive.
func TestMappingsExpireOneByOne(t *testing.T) {
	n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Timeout: 30 * time.Second})
	n.send(at(x1, 5000), at(y, 80))
	n.send(at(x2, 6000), at(y, 80))
	n.send(at(x2, 7000), at(y, 80))
	n.wait(20 * time.Second)
	n.send(at(x1, 5000), at(y, 80))
	n.send(at(x2, 7000), at(y, 80))
	n.wait(20 * time.Second)
	n.wantDrop(at(y, 80), at(n1, 6000))
	n.wantSend(at(y, 80), at(n1, 5000), at(y, 80), at(x1, 5000))
	n.wantSend(at(y, 80), at(n1, 7000), at(y, 80), at(x2, 7000))
	if s := nat.Stats(n.loop.Now()); s.Expired != 1 || s.Active != 2 {
		t.Errorf("%+v", s)
	}
}

// REQ-6a: packets from outside may keep a mapping alive, but not those that the
// filter drops.
func TestREQ6aInboundRefresh(t *testing.T) {
	n, _ := behind(t, NATConfig{External: []packet.IPv4{n1}, Timeout: 30 * time.Second, InboundRefresh: true, Filtering: AddressDependent})
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	for range 4 {
		n.wait(25 * time.Second)
		n.wantSend(at(y, 80), at(n1, 5000), at(y, 80), at(x1, 5000))
	}
	n.wait(25 * time.Second)
	n.wantDrop(at(z, 80), at(n1, 5000))
	n.wait(10 * time.Second)
	n.wantDrop(at(y, 80), at(n1, 5000))
}

// TCP's mappings have a timeout of their own.
func TestTimeoutTCP(t *testing.T) {
	n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}})
	n.send(at(x1, 5000), at(y, 80), tcp)
	n.wait(2*time.Hour + 3*time.Minute)
	if s := nat.Stats(n.loop.Now()); s.Active != 1 {
		t.Errorf("%+v after 2 h 3 min", s)
	}
	n.wait(2 * time.Minute)
	if s := nat.Stats(n.loop.Now()); s.Active != 0 {
		t.Errorf("%+v after 2 h 5 min", s)
	}
}

// §5, REQ-8: who may send to a mapping. A mapping to Y:80 is there.
func TestREQ8Filtering(t *testing.T) {
	for _, c := range []struct {
		filtering                     Dependence
		same, otherPort, otherAddress bool
	}{
		{EndpointIndependent, true, true, true},
		{AddressDependent, true, true, false},
		{AddressAndPortDependent, true, false, false},
	} {
		n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Filtering: c.filtering})
		n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
		dropped := uint64(0)
		for _, r := range []struct {
			from packet.Addr
			pass bool
		}{{at(y, 80), c.same}, {at(y, 81), c.otherPort}, {at(z, 80), c.otherAddress}} {
			if r.pass {
				n.wantSend(r.from, at(n1, 5000), r.from, at(x1, 5000))
			} else {
				n.wantDrop(r.from, at(n1, 5000))
				dropped++
			}
		}
		// To a port without a mapping nobody gets through.
		n.wantDrop(at(y, 80), at(n1, 5001))
		if s := nat.Stats(n.loop.Now()); s.Filtered != dropped || s.Unmapped != 1 {
			t.Errorf("filtering %d: %+v", c.filtering, s)
		}
		// A packet to Z opens the filter for it.
		n.send(at(x1, 5000), at(z, 80))
		n.wantSend(at(z, 80), at(n1, 5000), at(z, 80), at(x1, 5000))
	}
}

// Each opening of the filter times out by itself.
func TestOpeningTimesOut(t *testing.T) {
	n, _ := behind(t, NATConfig{External: []packet.IPv4{n1}, Filtering: AddressDependent, Timeout: 30 * time.Second})
	n.send(at(x1, 5000), at(y, 80))
	n.wait(20 * time.Second)
	n.send(at(x1, 5000), at(z, 80))
	n.wait(15 * time.Second)
	n.wantDrop(at(y, 80), at(n1, 5000))
	n.wantSend(at(z, 80), at(n1, 5000), at(z, 80), at(x1, 5000))
}

// §6, REQ-9: X1 reaches X2 by X2's external address, and X2 sees X1's external
// address (REQ-9a).
func TestREQ9Hairpinning(t *testing.T) {
	for _, filtering := range []Dependence{EndpointIndependent, AddressAndPortDependent} {
		n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Filtering: filtering})
		a, _ := nat.Map(0, at(x2, 6000), at(y, 3478), packet.UDP)
		if filtering == EndpointIndependent {
			n.wantSend(at(x1, 5000), a, at(n1, 5000), at(x2, 6000))
		} else {
			// The filter knows no difference between hairpins and others.
			n.wantDrop(at(x1, 5000), a)
		}
		n.wantSend(at(x2, 6000), at(n1, 5000), at(n1, 6000), at(x1, 5000))
		n.wantSend(at(x1, 5000), a, at(n1, 5000), at(x2, 6000))
		// Inside, directly.
		n.wantSend(at(x1, 5000), at(x2, 6000), at(x1, 5000), at(x2, 6000))
		if s := nat.Stats(n.loop.Now()); s.Hairpinned < 2 {
			t.Errorf("%+v", s)
		}
	}
	n, nat := behind(t, NATConfig{External: []packet.IPv4{n1}, Hairpinning: HairpinInternal})
	a, _ := nat.Map(0, at(x2, 6000), at(y, 3478), packet.UDP)
	n.wantSend(at(x1, 5000), a, at(x1, 5000), at(x2, 6000))

	n, nat = behind(t, NATConfig{External: []packet.IPv4{n1}, Hairpinning: NoHairpin})
	a, _ = nat.Map(0, at(x2, 6000), at(y, 3478), packet.UDP)
	n.wantDrop(at(x1, 5000), a)
}

// REQ-11: what a NAT does depends on nothing but its configuration: with and
// without a collision of ports the mapping stays endpoint-independent.
func TestREQ11Deterministic(t *testing.T) {
	n, _ := behind(t, FullCone(n1))
	n.wantSend(at(x1, 5000), at(y, 80), at(n1, 5000), at(y, 80))
	n.wantSend(at(x2, 5000), at(y, 80), at(n1, 5002), at(y, 80))
	n.wantSend(at(x2, 5000), at(z, 99), at(n1, 5002), at(z, 99))
	n.wantSend(at(z, 7), at(n1, 5002), at(z, 7), at(x2, 5000))
	n.wantSend(at(x1, 5000), at(z, 99), at(n1, 5000), at(z, 99))
}
