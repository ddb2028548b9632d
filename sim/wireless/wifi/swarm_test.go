package wifi

import (
	"testing"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Random channels with random loads: what is sent is delivered or dropped, in
// order on each link, and nothing stays behind.
func TestSwarm(t *testing.T) {
	for seed := range uint64(40) {
		random := rng.New(seed).Stream("swarm")
		pick := func(n int) int { return int(random.Uint64() % uint64(n)) }
		c := Defaults(Standards()[pick(len(Standards()))])
		c.RetryLimit = pick(5)
		c.WMM = random.Bool(0.5)
		c.EIFS, c.StrictFreeze = random.Bool(0.5), random.Bool(0.5)
		c.RTSThreshold = units.Bytes(pick(2) * 600)
		if c.Standard == N {
			c.Aggregation.MaxFrames = 1 + pick(64)
		}
		n := newNet(t, c)
		for range 1 + pick(8) {
			e := n.station(&StationConfig{PER: 0.5 * random.Float64(), Category: AccessCategory(pick(4))})
			for _, e := range []*end{e, e.peer} {
				e.keep = true
				e.dscp = []uint8{0, 8, 34, 46}[pick(4)]
				e.each(time.Duration(pick(1e9)), time.Duration(pick(2e6)), units.Bytes(100+pick(1400)), 1+pick(300))
			}
		}
		n.run(time.Second)
		n.resume(100 * time.Second)
		for i, l := range append(n.up, n.down...) {
			s := l.Stats()
			if l.InFlight() != 0 || n.ch.Held(l) != 0 || s.Delivered+s.Dropped() != s.Arrived {
				t.Errorf("seed %d, link %d: %d in flight, %d held, %+v", seed, i, l.InFlight(), n.ch.Held(l), s)
			}
		}
		for _, e := range append(n.ends, n.apAt...) {
			for i := 1; i < len(e.got); i++ {
				if e.got[i] <= e.got[i-1] {
					t.Fatalf("seed %d: packet %d after %d", seed, e.got[i], e.got[i-1])
				}
			}
		}
		if _, set := n.ch.timer.Due(); set {
			t.Errorf("seed %d: the channel's timer is set with nothing to send", seed)
		}
		if b := n.ch.Stats().Busy; b > 100*time.Second {
			t.Errorf("seed %d: busy for %v of 100 s", seed, b)
		}
	}
}

// RFC 8869 §3.2.3: sixteen flows uplink contend with each other and carry less
// than downlink, where they share the access point's contender.
func TestRFC8869UplinkCostsMore(t *testing.T) {
	total := func(uplink bool) float64 {
		n := newNet(t, Defaults(N))
		var bytes units.Bytes
		for range 16 {
			e := n.station(nil)
			if uplink {
				e.saturate(1200, 20)
			} else {
				e.peer.saturate(1200, 20)
			}
		}
		n.run(5 * time.Second)
		for i := range 16 {
			bytes += n.ends[i].bytes + n.apAt[i].bytes
		}
		return float64(bytes) * 8 / 5e6
	}
	up, down := total(true), total(false)
	t.Logf("16 flows of 1200 bytes at MCS11: %.1f Mbit/s up, %.1f Mbit/s down", up, down)
	if up > 0.95*down || up < 15 || down > 30 {
		t.Errorf("%.1f Mbit/s up, %.1f Mbit/s down", up, down)
	}
}
