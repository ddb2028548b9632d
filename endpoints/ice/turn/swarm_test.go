package turn_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// newSwarm returns a world that a seed makes: clients that do what they can, on a wire that loses, doubles and reorders, until
// a time. Afterwards nothing is lost any more.
func newSwarm(t *testing.T, seed uint64) (w *world, calm time.Duration) {
	r := rng.New(seed).Stream("swarm")
	calm = 3 * time.Minute
	w = newWorld(t, 0, func(c *turn.ServerConfig) {
		c.Random = rng.New(seed).Stream("server")
		if r.Bool(0.3) {
			c.NonceLifetime = time.Duration(r.Uniform(1e9, 60e9))
		}
		if r.Bool(0.3) {
			c.MaxLifetime = time.Duration(r.Uniform(50, 200)) * time.Second
		}
		if r.Bool(0.2) {
			c.Quota = 1 + int(r.Uint32()%3)
		}
		if r.Bool(0.2) {
			c.FirstPort, c.LastPort = 50000, 50000+uint16(r.Uint32()%4)
		}
	})
	w.random = rng.New(seed).Stream("world")
	w.delay = time.Duration(r.Uniform(1e6, 300e6))
	if r.Bool(0.7) {
		w.jitter, w.loss, w.double = time.Duration(r.Uniform(0, 2e9)), r.Uniform(0, 0.5), r.Uniform(0, 0.3)
	}
	cut := time.Duration(r.Uniform(0, float64(calm))) // a minute without any way
	w.passes = func(*packet.Packet) bool { return w.now.Duration() < cut || w.now.Duration() > cut+time.Minute }
	for n := range 1 + int(r.Uint32()%3) {
		password := "secret"
		if r.Bool(0.1) {
			password = "guess"
		}
		c := w.add(n, "alice", password)
		w.at(time.Duration(r.Uniform(0, 5e9)), c.Allocate)
		for range r.Uint32() % 12 {
			peer := packet.Addr{IP: peerA.IP + packet.IPv4(r.Uint32()%3), Port: 6000 + uint16(r.Uint32()%2)}
			if r.Bool(0.05) {
				peer = serverAddr
			}
			action := r.Uint32() % 8
			w.at(time.Duration(r.Uniform(0, float64(calm))), func(now simtime.Time) {
				switch action {
				case 0:
					c.Permit(now, peer.IP)
				case 1:
					c.Bind(now, peer)
				case 2:
					c.Send(now, peer, []byte("hello"))
				case 3:
					c.Refresh(now)
				case 4:
					c.Release(now)
				case 5:
					c.Allocate(now)
				case 6:
					c.addr.Port += 100 // a NAT thinks of another one
				default:
					if a, ok := c.Relayed(); ok {
						w.send(peer, a, "hello")
					}
				}
			})
		}
	}
	w.at(calm, func(now simtime.Time) {
		w.loss, w.double, w.jitter = 0, 0, 0
		for _, c := range w.ends {
			c.Refresh(now)
		}
	})
	return w, calm
}

// Whatever the wire does, clients end with an allocation that works, or without one for a reason, and no packet is lost sight
// of.
func TestSwarm(t *testing.T) {
	runs := 2000
	if testing.Short() {
		runs = 200
	}
	ends := map[string]int{}
	for seed := range uint64(runs) {
		w, calm := newSwarm(t, seed)
		w.run(calm + 3*time.Minute)
		for _, c := range w.ends {
			ends[endOf(t, seed, w, c)]++
		}
		w.settled()
		for len(w.flying) > 0 {
			w.run(w.now.Duration() + time.Second)
		}
		for _, c := range w.ends {
			c.Release(w.now)
		}
		w.run(w.now.Duration() + 2*time.Hour)
		if n := w.server.Counts(); n.Allocations != n.Deleted+n.Expired || w.server.NextTimeout() != simtime.Never || w.pool.Outstanding() != 0 {
			t.Errorf("seed %d: %+v, the next timeout at %v, %d packets", seed, n, w.server.NextTimeout(), w.pool.Outstanding())
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Log(ends)
	for _, end := range []string{"idle", "allocated", "401", "486", "508"} {
		if ends[end] < runs/100 {
			t.Errorf("%d ends with %s: the swarm doesn't come everywhere", ends[end], end)
		}
	}
}

// endOf returns how a client has ended.
func endOf(t *testing.T, seed uint64, w *world, c *end) string {
	t.Helper()
	switch c.State() {
	case turn.Idle:
		return "idle"
	case turn.Failed:
		var refused *turn.RefusedError
		switch {
		case errors.As(c.Err(), &refused):
			return fmt.Sprint(refused.Code)
		case errors.Is(c.Err(), turn.ErrNoAnswer):
			return "no answer"
		}
	case turn.Allocated:
		c.Permit(w.now, 5)
		c.Bind(w.now, peerB)
		w.run(w.now.Duration() + 5*time.Second)
		if err := errors.Join(swarmExchange(w, c, packet.Addr{IP: 5, Port: 5}), swarmExchange(w, c, peerB)); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		return "allocated"
	case turn.Allocating:
	}
	t.Errorf("seed %d: %v: %v", seed, c, c.Err())
	return "nothing"
}

// swarmExchange is exchange on a slow wire, whatever the data travel in.
func swarmExchange(w *world, c *end, peer packet.Addr) error {
	relayed, _ := c.Relayed()
	c.Send(w.now, peer, []byte("there"))
	w.send(peer, relayed, "back")
	w.run(w.now.Duration() + time.Second)
	if got, want := w.lastArrived(), fmt.Sprintf("%q from %v to %v", "there", relayed, peer); got != want {
		return fmt.Errorf("%s came, want %s", got, want)
	}
	if got, want := c.lastGot(), fmt.Sprintf("%q of %v", "back", peer); got != want {
		return fmt.Errorf("%s came back, want %s", got, want)
	}
	return nil
}

// The same seed gives the same packets at the same times.
func TestDeterminism(t *testing.T) {
	for seed := range uint64(20) {
		var logs [2]string
		for i := range logs {
			w, calm := newSwarm(t, seed)
			w.run(calm)
			for n, p := range w.log {
				logs[i] += fmt.Sprintf("%v %v %v %x\n", w.times[n], p.Src, p.Dst, p.Payload)
			}
		}
		if logs[0] != logs[1] || logs[0] == "" {
			t.Fatalf("seed %d: two runs differ", seed)
		}
	}
}
