package aqm

import (
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A thin flow next to a flood waits for two packets at most and loses none.
func TestRFC8290IsolatesThinFlow(t *testing.T) {
	n := newNet(t, fabric.LinkConfig{Rate: 10 * units.Mbps, Queue: NewFQCoDel(DefaultFQCoDel(), stream("fq"))})
	packetTime := (10 * units.Mbps).TimeToSend(1500)
	var longest time.Duration
	got, flood := 0, 0
	n.onDequeued = func(_ simtime.Time, p *packet.Packet, wait time.Duration) {
		if p.Src.Port == 1 {
			got++
			longest = max(longest, wait)
		} else {
			flood++
		}
	}
	n.onLost = func(now simtime.Time, p *packet.Packet, _ fabric.DropReason) {
		if p.Src.Port == 1 {
			t.Errorf("a packet of the thin flow was dropped at %v", now)
		}
	}
	n.every(0, 20*time.Second, 600*time.Microsecond, 1500, withPort(2)) // 20 Mbit/s
	n.every(3*ms, 20*time.Second, 20300*time.Microsecond, 200, withPort(1))
	n.run(20 * time.Second)
	t.Logf("thin flow: %d packets, longest wait %v; flood: %d packets; dropped %d", got, longest, flood, n.link.Stats().Dropped())
	if longest >= 2*packetTime || got < 980 {
		t.Errorf("the thin flow's %d packets waited up to %v, want less than %v", got, longest, 2*packetTime)
	}
	if flood < 16000 {
		t.Errorf("the flood got only %d packets through", flood)
	}
}

// §4.1: over the limit, half of the longest queue goes, at most 64 packets.
func TestRFC8290ShedsFromTheFattest(t *testing.T) {
	for _, c := range []struct {
		fat, thin, limit, want int
	}{{200, 5, 204, 64}, {50, 5, 54, 25}, {1, 1, 1, 1}} {
		conf := DefaultFQCoDel()
		conf.Limit = c.limit
		r := &rig{q: NewFQCoDel(conf, stream("fq"))}
		for range c.fat {
			r.put(0, 1000, packet.NotECT, withPort(1))
		}
		for range c.thin {
			r.put(0, 500, packet.NotECT, withPort(2))
		}
		if len(r.dropped) != c.want {
			t.Errorf("%d packets dropped of %d, want %d", len(r.dropped), c.fat, c.want)
		}
		for i, p := range r.dropped {
			if p.Src.Port != 1 || p.ID != uint64(i+1) {
				t.Fatalf("drop %d is packet %d of flow %d, want the head of flow 1", i, p.ID, p.Src.Port)
			}
		}
	}
}

// §4.2: byte-wise fairness between backlogged flows with different packets.
func TestRFC8290SharesAreEqual(t *testing.T) {
	c := DefaultFQCoDel()
	c.Limit = 1 << 20
	r := &rig{q: NewFQCoDel(c, stream("fq"))}
	sizes := []units.Bytes{200, 700, 1500}
	var got [3]units.Bytes
	for i, size := range sizes {
		for range 40000 {
			r.put(0, size, packet.NotECT, withPort(uint16(i)))
		}
	}
	for range 10000 {
		p := r.take(0)
		got[p.Src.Port] += p.Size
	}
	for i := range got {
		// A turn is a quantum, overdrawn by less than a packet.
		if d := got[i] - got[0]; d > 2*(1514+1500) || d < -2*(1514+1500) {
			t.Errorf("flows got %v bytes", got)
		}
	}
}

// §4.2: flows that run dry and become new again by turns don't starve old ones.
func TestRFC8290NewFlowsDoNotStarveOldOnes(t *testing.T) {
	r := &rig{q: NewFQCoDel(DefaultFQCoDel(), stream("fq"))}
	for range 100 {
		r.put(0, 1000, packet.NotECT, withPort(1))
	}
	r.put(0, 1000, packet.NotECT, withPort(2))
	r.put(0, 1000, packet.NotECT, withPort(3))
	var got [4]int
	for range 90 {
		flow := r.take(0).Src.Port
		got[flow]++
		// One of them always has a packet when the other one's turn is over.
		if flow == 2 && got[2] > 1 || flow == 3 {
			r.put(0, 1000, packet.NotECT, withPort(5-flow))
		}
	}
	if got[1] < 25 {
		t.Errorf("the flows got %v turns", got[1:])
	}
}

// §4.2: a flow without a queue is served next, however many others wait.
func TestRFC8290NewFlowsGoFirst(t *testing.T) {
	r := &rig{q: NewFQCoDel(DefaultFQCoDel(), stream("fq"))}
	for range 20 {
		for flow := range uint16(6) {
			r.put(0, 1500, packet.NotECT, withPort(10+flow))
		}
	}
	for range 30 {
		r.take(0)
	}
	r.put(0, 100, packet.NotECT, withPort(1))
	if p := r.take(0); p.Src.Port != 1 {
		t.Errorf("flow %d is served before a new one", p.Src.Port)
	}
}

// §5.2.7: CE marks above the threshold, independent of CoDel.
func TestRFC8290CEThreshold(t *testing.T) {
	c := DefaultFQCoDel()
	c.CEThreshold = 2 * ms
	r := &rig{q: NewFQCoDel(c, stream("fq"))}
	for _, w := range []struct {
		ecn  packet.ECN
		wait time.Duration
		want packet.ECN
	}{
		{packet.ECT1, 2 * ms, packet.ECT1},
		{packet.ECT1, 2*ms + 1, packet.CE},
		{packet.ECT0, 3 * ms, packet.CE},
		{packet.NotECT, 3 * ms, packet.NotECT},
	} {
		r.put(0, 1000, w.ecn)
		if p := r.take(simtime.At(w.wait)); p.ECN != w.want {
			t.Errorf("%d after %v becomes %d, want %d", w.ecn, w.wait, p.ECN, w.want)
		}
	}
}

// §5.3: with a perfect hash one of 100 flows has a queue of 1024 for itself with
// probability (1-1/1024)^99 = 90.78 %, and 100·99/2/1024 = 4.83 pairs share one.
func TestRFC8290HashSpreads(t *testing.T) {
	const runs = 400
	pairs := 0
	random := stream("salts")
	for range runs {
		h := newTupleHash(random)
		var n [1024]int
		for i := range 100 {
			p := packet.Packet{Src: packet.Addr{IP: 0x0a000001, Port: uint16(5000 + 2*i)}, Dst: packet.Addr{IP: 0x0a000002, Port: 5004}}
			b := h.of(&p, 1024)
			pairs += n[b]
			n[b]++
		}
	}
	// Poisson with mean 4.83: the mean of 400 runs is within ±0.44 at 4 σ.
	if mean := float64(pairs) / runs; mean < 4.39 || mean > 5.27 {
		t.Errorf("%.2f pairs of 100 flows collide, want 4.83", mean)
	}
}
