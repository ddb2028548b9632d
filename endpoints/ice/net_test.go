package ice_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/ice"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// world is two agents and what is between them.
type world struct {
	t      *testing.T
	now    simtime.Time
	agents [2]*ice.Agent
	flying []flight
	delay  time.Duration
	loss   float64
	random *rng.Stream
	// passes says whether a datagram gets through, and with which addresses; nil lets all pass.
	passes func(now simtime.Time, d ice.Datagram) (ice.Datagram, bool)
	sent   []ice.Datagram
	times  []simtime.Time // of sent
	begun  [2]bool
	begins [2]simtime.Time
	remote [2][]ice.Candidate
	creds  [2]ice.Credentials
}

type flight struct {
	at simtime.Time
	d  ice.Datagram
}

// addr is the nth address of an end.
func addr(end, n int) packet.Addr {
	return packet.Addr{IP: packet.IPv4(10<<24 + (end+1)<<8 + n), Port: uint16(5000 + n)}
}

// hosts are so many host candidates of an end.
func hosts(end, n int) []ice.Candidate {
	var list []ice.Candidate
	for i := range n {
		a := addr(end, i)
		list = append(list, ice.Candidate{Addr: a, Base: a, Foundation: fmt.Sprint(i), Priority: ice.Priority(ice.Host, uint16(65535-i))})
	}
	return list
}

// newWorld returns two agents with so many host candidates each, of which the first is the controlling one.
func newWorld(t *testing.T, seed uint64, candidates [2][]ice.Candidate, controlling [2]bool) *world {
	w := &world{t: t, delay: 50 * time.Millisecond, random: rng.New(seed).Stream("world")}
	for i := range w.agents {
		random := rng.New(seed).Stream(fmt.Sprint("agent ", i))
		w.creds[i] = ice.NewCredentials(random)
		w.agents[i] = ice.NewAgent(ice.Config{Controlling: controlling[i], Local: w.creds[i], Candidates: candidates[i], Random: random})
		w.remote[1-i] = candidates[i]
	}
	return w
}

// run lets everything happen until a time.
func (w *world) run(until time.Duration) {
	w.t.Helper()
	end := simtime.At(until)
	for {
		w.drain()
		at := simtime.Never
		for i, a := range w.agents {
			at = min(at, a.NextTimeout())
			if !w.begun[i] {
				at = min(at, w.begins[i])
			}
		}
		if len(w.flying) > 0 {
			at = min(at, w.flying[0].at)
		}
		if at > end {
			w.now = end
			return
		}
		if at < w.now {
			w.t.Fatalf("at %v something was due at %v", w.now, at)
		}
		w.now = at
		for i, a := range w.agents {
			if !w.begun[i] && w.begins[i] <= w.now {
				w.begun[i] = true
				a.Begin(w.now, w.creds[1-i], w.remote[i]...)
			}
		}
		for len(w.flying) > 0 && w.flying[0].at <= w.now {
			d := w.flying[0].d
			w.flying = w.flying[1:]
			for i, a := range w.agents {
				if d.To.IP>>8 == packet.IPv4(10<<16+(i+1)) {
					a.HandleDatagram(w.now, d.From, d.To, d.Payload)
				}
			}
		}
		for _, a := range w.agents {
			if a.NextTimeout() <= w.now {
				a.HandleTimeout(w.now)
			}
			if next := a.NextTimeout(); next <= w.now {
				w.t.Fatalf("at %v: the next timeout, %v, isn't in the future", w.now, next)
			}
		}
	}
}

func (w *world) drain() {
	for _, a := range w.agents {
		for d, ok := a.Poll(); ok; d, ok = a.Poll() {
			w.sent, w.times = append(w.sent, d), append(w.times, w.now)
			if w.random.Bool(w.loss) {
				continue
			}
			if w.passes != nil {
				if d, ok = w.passes(w.now, d); !ok {
					continue
				}
			}
			w.flying = append(w.flying, flight{w.now.Add(w.delay), d})
			slices.SortStableFunc(w.flying, func(a, b flight) int { return cmp.Compare(a.at, b.at) })
		}
	}
}

// connected fails unless both agents use the same pair, and one of them is the controlling one.
func (w *world) connected() {
	w.t.Helper()
	fromA, toA, okA := w.agents[0].Selected()
	fromB, toB, okB := w.agents[1].Selected()
	if !okA || !okB || w.agents[0].Controlling() == w.agents[1].Controlling() {
		w.t.Fatalf("%v and %v, controlling: %t and %t", w.agents[0].State(), w.agents[1].State(), w.agents[0].Controlling(), w.agents[1].Controlling())
	}
	if w.passes == nil && (fromA != toB || fromB != toA) {
		w.t.Errorf("A sends from %v to %v, B from %v to %v", fromA, toA, fromB, toB)
	}
}
