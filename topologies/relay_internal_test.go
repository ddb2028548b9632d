package topologies

import (
	"testing"

	"rtpfabric/sim/packet"
)

// RFC 7667 §3.5.1: source addresses are filtered. STUN and DTLS are about one path,
// and aren't copied.
func TestRelayFiltersSources(t *testing.T) {
	at := func(ip packet.IPv4) packet.Addr { return packet.Addr{IP: ip, Port: 5000} }
	var pool packet.Pool
	r := &relay{name: "relay", pool: &pool, flows: []relayFlow{{local: at(9), peers: []packet.Addr{at(1), at(2), at(3)}, names: []string{"A", "B", "C"}}}}
	for _, c := range []struct {
		what     string
		src, dst packet.Addr
		first    byte
		copies   int
	}{
		{"RTP", at(1), at(9), 0x80, 2},
		{"STUN", at(1), at(9), 0, 0},
		{"DTLS", at(1), at(9), 22, 0},
		{"RTP of a stranger", at(4), at(9), 0x80, 0},
		{"RTP from another port", packet.Addr{IP: 1, Port: 5001}, at(9), 0x80, 0},
		{"RTP to another port", at(1), packet.Addr{IP: 9, Port: 5001}, 0x80, 0},
	} {
		p := pool.New()
		p.SetPayload(12)[0] = c.first
		p.Src, p.Dst = c.src, c.dst
		refused := r.refused
		r.HandlePacket(0, p)
		if r.Held() != c.copies || (r.refused > refused) != (c.copies == 0) {
			t.Errorf("%s: %d copies, %d packets refused", c.what, r.Held(), r.refused)
		}
		for q := r.PollPacket(0); q != nil; q = r.PollPacket(0) {
			if q.Src != at(9) || q.Dst == c.src {
				t.Errorf("%s: a copy from %v to %v", c.what, q.Src, q.Dst)
			}
			pool.Release(q)
		}
	}
	if n := pool.Outstanding(); n != 0 {
		t.Errorf("%d packets belong to nobody", n)
	}
}
