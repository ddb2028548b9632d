package cellular

import (
	"testing"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Random cells with random loads: everything arrives, in order, and the cell
// stops.
func TestSwarm(t *testing.T) {
	for seed := range uint64(40) {
		random := rng.New(seed).Stream("swarm")
		pick := func(n int) int { return int(random.Uint64() % uint64(n)) }
		c := Defaults()
		if random.Bool(0.5) {
			c.Scheduler = RoundRobin
		}
		c.TTI = []time.Duration{ms, 2 * ms, 250 * time.Microsecond}[pick(3)]
		c.BLER = 0.7 * random.Float64()
		c.UserBlocks = pick(51)
		n := newNet(t, seed, c)
		for range 1 + pick(8) {
			u := UserConfig{SNR: random.Uniform(0, 25), Speed: random.Uniform(0, 50)}
			if random.Bool(0.2) {
				u.Rate = units.BitRate(100_000 + pick(2e7))
			}
			if random.Bool(0.5) {
				u.Handovers = []Handover{{At: time.Duration(pick(1e9)), Gap: time.Duration(pick(1e9))}}
			}
			e := n.user(u)
			e.keep, e.size = true, units.Bytes(100+pick(1400))
			e.each(time.Duration(pick(1e9)), time.Duration(pick(5e6)), 1+pick(300))
		}
		n.run(time.Second)
		n.resume(150 * time.Second)
		for i, e := range n.ends {
			l := n.links[i]
			if s := l.Stats(); l.InFlight() != 0 || n.cell.Held(l) != 0 || s.Delivered != s.Arrived {
				t.Errorf("seed %d, user %d: %d in flight, %+v", seed, i, l.InFlight(), s)
			}
			for j := 1; j < len(e.got); j++ {
				if e.got[j] <= e.got[j-1] {
					t.Fatalf("seed %d: packet %d after %d", seed, e.got[j], e.got[j-1])
				}
			}
		}
		if _, set := n.cell.timer.Due(); set {
			t.Errorf("seed %d: the timer is set with nothing to send", seed)
		}
	}
}
