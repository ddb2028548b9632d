package ice_test

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

func oneEach() [2][]ice.Candidate { return [2][]ice.Candidate{hosts(0, 1), hosts(1, 1)} }

// A check and its answer, and another one that nominates: two round trips for the controlling end.
func TestConnects(t *testing.T) {
	w := newWorld(t, 1, oneEach(), [2]bool{true, false})
	w.run(99 * time.Millisecond)
	if s := w.agents[0].State(); s != ice.Checking {
		t.Errorf("%v after less than a round trip", s)
	}
	w.run(260 * time.Millisecond)
	w.connected()
	if n := w.agents[0].Counts().Checks + w.agents[1].Counts().Checks; n > 5 {
		t.Errorf("%d checks", n)
	}
}

// What is known of messages: attributes of RFC 8445 §7.1, integrity with the other end's password, fingerprint.
func TestRequests(t *testing.T) {
	w := newWorld(t, 1, oneEach(), [2]bool{true, false})
	w.run(time.Second)
	nominations := 0
	for i, d := range w.sent {
		m := stun.Message{Raw: d.Payload}
		if m.Decode() != nil || stun.Fingerprint.Check(&m) != nil || m.Attributes[len(m.Attributes)-1].Type != stun.AttrFingerprint {
			t.Fatalf("message %d: %v", i, &m)
		}
		to := 1
		if d.To.IP>>8 == 10<<16+1 {
			to = 0
		}
		if m.Type == stun.BindingSuccess {
			if stun.NewShortTermIntegrity(w.creds[1-to].Password).Check(&m) != nil || !m.Contains(stun.AttrXORMappedAddress) {
				t.Errorf("response %d: %v", i, &m)
			}
			continue
		}
		var name stun.Username
		if name.GetFrom(&m) != nil || name.String() != w.creds[to].Fragment+":"+w.creds[1-to].Fragment {
			t.Errorf("request %d is of %q", i, name)
		}
		if stun.NewShortTermIntegrity(w.creds[to].Password).Check(&m) != nil {
			t.Errorf("request %d has no integrity", i)
		}
		controlling := to == 1
		if m.Contains(stun.AttrICEControlling) != controlling || m.Contains(stun.AttrICEControlled) == controlling || !m.Contains(stun.AttrPriority) {
			t.Errorf("request %d: %v", i, &m)
		}
		if m.Contains(stun.AttrUseCandidate) {
			nominations++
			if !controlling {
				t.Error("a controlled agent nominates")
			}
		}
	}
	if nominations != 1 {
		t.Errorf("%d nominations", nominations)
	}
}

// Checks are 50 ms apart (§14.2), those of the best pairs first (§6.1.2.3).
func TestPacing(t *testing.T) {
	w := newWorld(t, 1, [2][]ice.Candidate{hosts(0, 3), hosts(1, 2)}, [2]bool{true, false})
	w.passes = func(simtime.Time, ice.Datagram) (ice.Datagram, bool) { return ice.Datagram{}, false }
	w.run(280 * time.Millisecond)
	var pairs []packet.Addr
	last := simtime.Time(-1)
	for i, d := range w.sent {
		if d.From.IP>>8 != 10<<16+1 {
			continue
		}
		if last >= 0 && w.times[i].Sub(last) != ice.Pacing {
			t.Errorf("checks at %v and %v", last, w.times[i])
		}
		last = w.times[i]
		pairs = append(pairs, d.From, d.To)
	}
	if len(pairs) != 12 || pairs[0] != addr(0, 0) || pairs[1] != addr(1, 0) {
		t.Errorf("checks of %v", pairs)
	}
}

// Of two with the same role the one with the greater tiebreaker keeps it (§7.3.1.1).
func TestRoleConflicts(t *testing.T) {
	for _, controlling := range []bool{true, false} {
		for seed := range uint64(50) {
			w := newWorld(t, seed, oneEach(), [2]bool{controlling, controlling})
			w.begins[1] = simtime.At(time.Duration(seed) * 7 * time.Millisecond)
			w.run(3 * time.Second)
			w.connected()
			if n := w.agents[0].Counts().Conflicts + w.agents[1].Counts().Conflicts; n != 1 {
				t.Errorf("seed %d: %d changes of role", seed, n)
			}
		}
	}
}

// nat is a port-restricted cone in front of an end: it has another address outside, and lets in who was sent to.
type nat struct {
	end     int
	allowed map[packet.Addr]bool
}

const outside = 100 // address of what is seen of a candidate behind a NAT

func (n *nat) pass(d ice.Datagram) (ice.Datagram, bool) {
	seen, inside := addr(n.end, outside), addr(n.end, 0)
	if d.From == inside {
		n.allowed[d.To] = true
		d.From = seen
	}
	switch d.To {
	case seen:
		d.To = inside
		return d, n.allowed[d.From]
	case inside:
		return d, false // nobody reaches it that way
	}
	return d, true
}

// Behind NATs both ends' first checks open the way for the other's (§6.1.4.2, §7.3.1.4).
func TestNATs(t *testing.T) {
	var candidates [2][]ice.Candidate
	for end := range candidates {
		host := hosts(end, 1)[0]
		candidates[end] = []ice.Candidate{host, {
			Type: ice.ServerReflexive, Addr: addr(end, outside), Base: host.Addr, Related: host.Addr, Foundation: "s", Priority: ice.Priority(ice.ServerReflexive, 65535),
		}}
	}
	for seed := range uint64(20) {
		w := newWorld(t, seed, candidates, [2]bool{true, false})
		w.begins[1] = simtime.At(time.Duration(seed) * 20 * time.Millisecond)
		nats := []*nat{{0, map[packet.Addr]bool{}}, {1, map[packet.Addr]bool{}}}
		w.passes = func(_ simtime.Time, d ice.Datagram) (ice.Datagram, bool) {
			first := 0
			if d.From == addr(1, 0) {
				first = 1 // one's own NAT comes first
			}
			d, ok := nats[first].pass(d)
			if ok {
				d, ok = nats[1-first].pass(d)
			}
			return d, ok
		}
		w.run(4 * time.Second)
		w.connected()
		if _, to, _ := w.agents[0].Selected(); to != addr(1, outside) {
			t.Errorf("seed %d: A sends to %v", seed, to)
		}
	}
}

// The other end learns of a candidate from a check, before the description tells it (§7.3.1.3).
func TestPeerReflexive(t *testing.T) {
	w := newWorld(t, 1, oneEach(), [2]bool{true, false})
	w.remote[1] = nil // B knows no candidate of A
	w.run(time.Second)
	w.connected()
	w.agents[1].AddRemote(w.now, hosts(0, 1)[0])
	w.run(2 * time.Second)
	w.connected()
}

// Without an answer for 30 s nothing may be sent any more (RFC 7675 §5.1); until then requests go every 4 to 6 s.
func TestConsent(t *testing.T) {
	w := newWorld(t, 1, oneEach(), [2]bool{true, false})
	cut := simtime.Never
	w.passes = func(now simtime.Time, d ice.Datagram) (ice.Datagram, bool) { return d, now < cut }
	w.run(time.Minute)
	var asked []simtime.Time
	for i, d := range w.sent {
		m := stun.Message{Raw: d.Payload}
		if d.From == addr(0, 0) && m.Decode() == nil && m.Type == stun.BindingRequest && w.times[i] > simtime.At(time.Second) {
			asked = append(asked, w.times[i])
		}
	}
	if len(asked) < 10 || len(asked) > 15 {
		t.Errorf("asked %d times in a minute", len(asked))
	}
	for i := range asked[1:] {
		if d := asked[i+1].Sub(asked[i]); d < 4*time.Second || d > 6*time.Second {
			t.Errorf("asked %v after the time before", d)
		}
	}
	cut = w.now
	w.run(83 * time.Second) // the last answer came six seconds before at most
	for i, a := range w.agents {
		if a.State() != ice.Connected {
			t.Errorf("agent %d is %v after %v", i, a.State(), w.now.Sub(cut))
		}
	}
	w.run(91 * time.Second)
	for i, a := range w.agents {
		if a.State() != ice.Disconnected || a.NextTimeout() != simtime.Never {
			t.Errorf("agent %d is %v", i, a.State())
		}
	}
	sent := len(w.sent)
	w.run(5 * time.Minute)
	if len(w.sent) != sent {
		t.Errorf("%d messages without consent", len(w.sent)-sent)
	}
}

// Requests of the other end, nominations among them, are no consent (RFC 7675 §5.1).
func TestNominationsAreNoConsent(t *testing.T) {
	w := newWorld(t, 1, oneEach(), [2]bool{true, false})
	w.run(time.Second)
	w.connected()
	var nomination []byte
	for _, d := range w.sent {
		m := stun.Message{Raw: d.Payload}
		if m.Decode() == nil && m.Contains(stun.AttrUseCandidate) {
			nomination = d.Payload
		}
	}
	w.passes = func(simtime.Time, ice.Datagram) (ice.Datagram, bool) { return ice.Datagram{}, false }
	for range 15 {
		w.run(w.now.Duration() + 2500*time.Millisecond)
		w.agents[1].HandleDatagram(w.now, addr(0, 0), addr(1, 0), nomination)
	}
	if s := w.agents[1].State(); s != ice.Disconnected {
		t.Errorf("%v at %v", s, w.now)
	}
}

// An answer that anybody may have made changes nothing (RFC 8489 §9.1.4).
func TestErrorsWithoutIntegrity(t *testing.T) {
	w := newWorld(t, 1, oneEach(), [2]bool{true, false})
	w.run(10 * time.Millisecond)
	request := stun.Message{Raw: w.sent[0].Payload}
	if err := request.Decode(); err != nil {
		t.Fatal(err)
	}
	for _, code := range []stun.ErrorCode{stun.CodeBadRequest, stun.CodeRoleConflict} {
		m, err := stun.Build(stun.BindingError, stun.NewTransactionIDSetter(request.TransactionID), code, stun.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		w.agents[0].HandleDatagram(w.now, addr(1, 0), addr(0, 0), m.Raw)
	}
	if n := w.agents[0].Counts(); n.Ignored != 2 || n.Conflicts != 0 {
		t.Errorf("%+v", n)
	}
	w.run(time.Second)
	w.connected()
}

// With nobody there an agent fails, and not before the other end's checks could have come (RFC 8863).
func TestFails(t *testing.T) {
	w := newWorld(t, 1, oneEach(), [2]bool{true, false})
	w.passes = func(simtime.Time, ice.Datagram) (ice.Datagram, bool) { return ice.Datagram{}, false }
	w.run(39 * time.Second)
	if s := w.agents[0].State(); s != ice.Checking {
		t.Errorf("%v after 39 s", s)
	}
	w.run(41 * time.Second)
	for i, a := range w.agents {
		if a.State() != ice.Failed || a.NextTimeout() != simtime.Never {
			t.Errorf("agent %d is %v until %v", i, a.State(), a.NextTimeout())
		}
	}
	if c := w.agents[0].Counts(); c.Checks != 1 || c.Retransmitted != 6 { // Rc of RFC 8489 is 7
		t.Errorf("%+v", c)
	}
}

// Whatever the network does, both agents end connected, or without a pair for a reason: nothing gets through.
func TestSwarm(t *testing.T) {
	runs := 10_000
	if testing.Short() {
		runs = 500
	}
	random := rng.New(3).Stream("worlds")
	connected, ended := 0, 0
	for seed := range uint64(runs) {
		n := [2]int{1 + int(random.Uint32()%3), 1 + int(random.Uint32()%3)}
		w := newWorld(t, seed, [2][]ice.Candidate{hosts(0, n[0]), hosts(1, n[1])}, [2]bool{random.Bool(0.7), random.Bool(0.3)})
		w.delay = time.Duration(random.Uniform(0.001, 0.4) * float64(time.Second))
		w.begins[0], w.begins[1] = simtime.At(time.Duration(random.Uniform(0, 2e9))), simtime.At(time.Duration(random.Uniform(0, 2e9)))
		if random.Bool(0.5) {
			w.loss = random.Uniform(0, 0.4)
		}
		blocked := map[[2]packet.Addr]bool{}
		for i := range n[0] {
			for k := range n[1] {
				blocked[[2]packet.Addr{addr(0, i), addr(1, k)}] = random.Bool(0.4)
			}
		}
		open := false
		for _, b := range blocked {
			open = open || !b
		}
		w.passes = func(_ simtime.Time, d ice.Datagram) (ice.Datagram, bool) {
			return d, !blocked[[2]packet.Addr{d.From, d.To}] && !blocked[[2]packet.Addr{d.To, d.From}]
		}
		w.run(100 * time.Second)
		states := [2]ice.State{w.agents[0].State(), w.agents[1].State()}
		switch {
		case states == [2]ice.State{ice.Connected, ice.Connected}:
			connected++
			if !open {
				t.Fatalf("seed %d: connected without a way", seed)
			}
		case states[0] == ice.Checking || states[1] == ice.Checking:
			t.Fatalf("seed %d: %v with %v open, loss %.2f, delay %v", seed, states, open, w.loss, w.delay)
		case open && w.loss < 1e-9:
			t.Fatalf("seed %d: %v, and nothing is lost", seed, states)
		default:
			ended++
		}
	}
	if connected < runs/2 || ended < runs/50 {
		t.Errorf("%d connected and %d ended of %d", connected, ended, runs)
	}
}

// What comes from anywhere changes nothing for the worse.
func FuzzDatagram(f *testing.F) {
	w := newWorld(&testing.T{}, 1, oneEach(), [2]bool{true, false})
	w.run(time.Second)
	for _, d := range w.sent {
		f.Add(d.Payload, uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, end uint8) {
		w := newWorld(t, 1, oneEach(), [2]bool{true, false})
		w.run(60 * time.Millisecond)
		w.agents[end%2].HandleDatagram(w.now, addr(int(1-end%2), 0), addr(int(end%2), 0), b)
		w.agents[end%2].HandleDatagram(w.now, packet.Addr{IP: 7, Port: 7}, addr(int(end%2), 0), b)
		w.run(3 * time.Minute)
		w.connected()
	})
}

func TestCandidates(t *testing.T) {
	c := hosts(0, 1)[0]
	if got := c.String(); got != "0 1 udp 2130706431 10.0.1.0 5000 typ host" {
		t.Error(got)
	}
	srflx := ice.Candidate{Type: ice.ServerReflexive, Addr: addr(0, 9), Base: addr(0, 0), Related: addr(0, 0), Foundation: "7", Priority: ice.Priority(ice.ServerReflexive, 65535)}
	for _, c := range []ice.Candidate{c, srflx} {
		got, err := ice.ParseCandidate(c.String())
		c.Base, c.Related = c.Addr, packet.Addr{} // what the other end knows
		if err != nil || got != c {
			t.Errorf("%v is read as %+v, %v", c, got, err)
		}
	}
	for _, bad := range []string{
		"", "0 1 udp 1 10.0.1.0 5000 host", "0 2 udp 1 10.0.1.0 5000 typ host", "0 1 tcp 1 10.0.1.0 5000 typ host", "0 1 udp 0 10.0.1.0 5000 typ host",
		"0 1 udp x 10.0.1.0 5000 typ host", "0 1 udp 1 fe80::1 5000 typ host", "0 1 udp 1 a.local 5000 typ host", "0 1 udp 1 10.0.1.0 0 typ host", "0 1 udp 1 10.0.1.0 5000 typ other",
	} {
		if c, err := ice.ParseCandidate(bad); err == nil {
			t.Errorf("%q is read as %v", bad, c)
		}
	}
}
