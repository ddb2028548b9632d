package turn_test

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/simtime"
)

// What a request for an allocation has to look like (RFC 8656 §7.2).
func TestAllocateRequests(t *testing.T) {
	attr := func(t stun.AttrType, v ...byte) stun.Setter { return stun.RawAttribute{Type: t, Value: v} }
	token := attr(stun.AttrReservationToken, 1, 2, 3, 4, 5, 6, 7, 8)
	for _, c := range []struct {
		name string
		set  []stun.Setter
		code int
	}{
		{"plain", []stun.Setter{transportAttr(17)}, 0},
		{"no transport", nil, 400},
		{"short transport", []stun.Setter{attr(stun.AttrRequestedTransport, 17)}, 400},
		{"TCP", []stun.Setter{transportAttr(6)}, 442},
		{"unknown attribute", []stun.Setter{transportAttr(17), attr(0x7001)}, 420},
		{"unknown attribute that doesn't matter", []stun.Setter{transportAttr(17), attr(0xC001)}, 0},
		{"an attribute of ICE", []stun.Setter{transportAttr(17), attr(stun.AttrPriority, 0, 0, 0, 1)}, 420},
		{"don't fragment", []stun.Setter{transportAttr(17), attr(stun.AttrDontFragment)}, 0},
		{"even port", []stun.Setter{transportAttr(17), attr(stun.AttrEvenPort, 0)}, 0},
		{"even port and the next", []stun.Setter{transportAttr(17), attr(stun.AttrEvenPort, 0x80)}, 508},
		{"malformed even port", []stun.Setter{transportAttr(17), attr(stun.AttrEvenPort)}, 400},
		{"token", []stun.Setter{transportAttr(17), token}, 508},
		{"token and even port", []stun.Setter{transportAttr(17), token, attr(stun.AttrEvenPort, 0)}, 400},
		{"token and family", []stun.Setter{transportAttr(17), token, attr(stun.AttrRequestedAddressFamily, 1, 0, 0, 0)}, 400},
		{"IPv4", []stun.Setter{transportAttr(17), attr(stun.AttrRequestedAddressFamily, 1, 0, 0, 0)}, 0},
		{"IPv6", []stun.Setter{transportAttr(17), attr(stun.AttrRequestedAddressFamily, 2, 0, 0, 0)}, 440},
		{"malformed family", []stun.Setter{transportAttr(17), attr(stun.AttrRequestedAddressFamily, 1)}, 400},
	} {
		w := newWorld(t, 0, nil)
		u := newUser(t, w, 0)
		u.greet()
		m := u.ask(stun.MethodAllocate, c.set...)
		if code(m) != c.code {
			t.Errorf("%s: %v", c.name, m)
		}
		if err := stun.NewLongTermIntegrity("alice", "example.org", "secret").Check(m); err != nil { // RFC 8489 §9.2.4
			t.Errorf("%s: %v", c.name, err)
		}
		want := turn.ServerCounts{Challenged: 1, Refused: 1}
		if c.code == 0 {
			want = turn.ServerCounts{Challenged: 1, Allocations: 1}
			if a := readAddr(t, m, stun.AttrXORRelayedAddress); a.IP != serverAddr.IP || a.Port < 49152 {
				t.Errorf("%s: relayed address %v", c.name, a)
			}
			if a := readAddr(t, m, stun.AttrXORMappedAddress); a != u.addr {
				t.Errorf("%s: mapped address %v", c.name, a)
			}
			if d := lifetimeIn(t, m); d != 10*time.Minute {
				t.Errorf("%s: lifetime %v", c.name, d)
			}
		}
		if got := w.server.Counts(); got != want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// A request that is sent again gets the same answer, another one finds the 5-tuple in use (RFC 8656 §7.2, RFC 8489 §6.3.1).
func TestAllocateAgain(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	u.greet()
	b := u.message(stun.MethodAllocate, transportAttr(17))
	first, again := u.put(b), u.put(b)
	if code(first) != 0 || string(first.Raw) != string(again.Raw) {
		t.Errorf("first %v, then %v", first, again)
	}
	if m := u.ask(stun.MethodAllocate, transportAttr(17)); code(m) != 437 {
		t.Errorf("another one: %v", m)
	}
	if m := u.ask(stun.MethodRefresh, lifetimeAttr(0)); code(m) != 0 || lifetimeIn(t, m) != 0 {
		t.Errorf("end: %v", m)
	}
	if m := u.put(b); m != nil { // a copy that was late
		t.Errorf("after the end: %v", m)
	}
	w.now = simtime.At(41 * time.Second)
	w.server.HandleTimeout(w.now)
	if m := u.ask(stun.MethodAllocate, transportAttr(17)); code(m) != 0 {
		t.Errorf("another one after the end: %v", m)
	}
	if c := w.server.Counts(); c.Allocations != 2 || c.Deleted != 1 || c.Expired != 0 {
		t.Errorf("%+v", c)
	}
}

// What lifetimes clients get (RFC 8656 §7.2, §8.2), and when they end.
func TestLifetimes(t *testing.T) {
	for _, c := range []struct {
		name      string
		max       time.Duration
		set       []stun.Setter
		want      time.Duration
		wantAgain time.Duration // of a Refresh
	}{
		{"none", 0, nil, 10 * time.Minute, 10 * time.Minute},
		{"short", 0, []stun.Setter{lifetimeAttr(time.Minute)}, 10 * time.Minute, 10 * time.Minute},
		{"longer", 0, []stun.Setter{lifetimeAttr(20 * time.Minute)}, 20 * time.Minute, 20 * time.Minute},
		{"too long", 0, []stun.Setter{lifetimeAttr(100 * time.Hour)}, time.Hour, time.Hour},
		{"a server in a hurry", 90 * time.Second, nil, 90 * time.Second, 90 * time.Second},
		{"zero", 0, []stun.Setter{lifetimeAttr(0)}, 10 * time.Minute, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 0, func(s *turn.ServerConfig) { s.MaxLifetime, s.NonceLifetime = c.max, 24*time.Hour })
			u := newUser(t, w, 0)
			u.greet()
			if d := lifetimeIn(t, u.ask(stun.MethodAllocate, append(c.set, transportAttr(17))...)); d != c.want {
				t.Errorf("allocated for %v", d)
			}
			if at := w.server.NextTimeout(); at != simtime.At(c.want) {
				t.Errorf("the next timeout is at %v", at)
			}
			w.now = simtime.At(c.want - 1)
			w.server.HandleTimeout(w.now)
			if m := u.ask(stun.MethodRefresh, c.set...); code(m) != 0 || lifetimeIn(t, m) != c.wantAgain {
				t.Errorf("refreshed: %v", m)
			}
			w.now = w.now.Add(c.wantAgain)
			if m := u.ask(stun.MethodRefresh); code(m) != 437 { // §5
				t.Errorf("at its end: %v", m)
			}
			counts := w.server.Counts()
			if counts.Expired+counts.Deleted != 1 || (counts.Deleted == 1) != (c.wantAgain == 0) {
				t.Errorf("%+v", counts)
			}
			w.server.HandleTimeout(w.now.Add(time.Minute))
			if w.server.NextTimeout() != simtime.Never {
				t.Errorf("the next timeout is at %v, and nobody is there", w.server.NextTimeout())
			}
		})
	}
}

// Nothing but Allocate works without an allocation, or with somebody else's (RFC 8656 §5).
func TestNeedsAllocation(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	u.greet()
	for _, method := range []stun.Method{stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind} {
		if m := u.ask(method, channelAttr(0x4000), xorPeer(peerA)); code(m) != 437 {
			t.Errorf("%v: %v", method, m)
		}
	}
	u.allocate()
	u.name, u.password = "bob", "hidden"
	for _, method := range []stun.Method{stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind} {
		if m := u.ask(method, channelAttr(0x4000), xorPeer(peerA)); code(m) != 441 {
			t.Errorf("%v of another user: %v", method, m)
		}
	}
	if m := u.ask(stun.MethodAllocate, transportAttr(17)); code(m) != 437 {
		t.Errorf("Allocate of another user: %v", m)
	}
	u.name, u.password = "alice", "secret"
	for _, c := range []struct {
		v    []byte
		code int
	}{{[]byte{1, 0, 0, 0}, 0}, {[]byte{2, 0, 0, 0}, 443}, {[]byte{1}, 400}} { // §8.2
		if m := u.ask(stun.MethodRefresh, stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: c.v}); code(m) != c.code {
			t.Errorf("Refresh with family %v: %v", c.v, m)
		}
	}
}

// A user has as many allocations as the quota says, and others have theirs.
func TestQuota(t *testing.T) {
	w := newWorld(t, 0, func(c *turn.ServerConfig) { c.Quota = 2 })
	users := []*user{newUser(t, w, 0), newUser(t, w, 1), newUser(t, w, 2), newUser(t, w, 3)}
	users[3].name, users[3].password = "bob", "hidden"
	var codes [4]int
	for i, u := range users {
		u.greet()
		codes[i] = code(u.ask(stun.MethodAllocate, transportAttr(17)))
	}
	if codes != [4]int{0, 0, 486, 0} {
		t.Errorf("%v", codes)
	}
	users[0].ask(stun.MethodRefresh, lifetimeAttr(0))
	if m := users[2].ask(stun.MethodAllocate, transportAttr(17)); code(m) != 0 {
		t.Errorf("with room again: %v", m)
	}
}

// Ports are drawn from the range, each once (RFC 8656 §7.2), until there are none.
func TestPorts(t *testing.T) {
	w := newWorld(t, 0, func(c *turn.ServerConfig) { c.FirstPort, c.LastPort = 3470, 3489 }) // with that of the server
	seen := map[uint16]bool{}
	inOrder := true
	last := uint16(0)
	for n := range 19 {
		a := newUser(t, w, n).allocate()
		if a.Port < 3470 || a.Port > 3489 || a.Port == serverAddr.Port || seen[a.Port] {
			t.Errorf("port %d after %v", a.Port, seen)
		}
		inOrder = inOrder && a.Port > last
		last, seen[a.Port] = a.Port, true
	}
	if inOrder {
		t.Error("ports aren't drawn")
	}
	u := newUser(t, w, 19)
	u.greet()
	if m := u.ask(stun.MethodAllocate, transportAttr(17)); code(m) != 508 {
		t.Errorf("without a port: %v", m)
	}
	newUser(t, w, 0).greet()
	w.now = simtime.At(10 * time.Minute)
	for n := range 9 {
		if a := newUser(t, w, n).allocate(stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0}}); a.Port%2 != 0 { // §18.7
			t.Errorf("%d isn't even", a.Port)
		}
	}
	u = newUser(t, w, 20)
	u.greet()
	if m := u.ask(stun.MethodAllocate, transportAttr(17), stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0}}); code(m) != 508 {
		t.Errorf("without an even port: %v", m)
	}
	w = newWorld(t, 0, func(c *turn.ServerConfig) { c.FirstPort, c.LastPort = 50001, 50000 })
	u = newUser(t, w, 0)
	u.greet()
	if m := u.ask(stun.MethodAllocate, transportAttr(17)); code(m) != 508 {
		t.Errorf("of an empty range: %v", m)
	}
}
