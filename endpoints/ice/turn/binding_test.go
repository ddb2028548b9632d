package turn_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

func newBinding() *turn.Binding { return turn.NewBinding(rng.New(4).Stream("binding")) }

// answerOf returns what a server says to a client whose address it sees.
func answerOf(t *testing.T, seen packet.Addr, request []byte) []byte {
	t.Helper()
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	u.addr = seen
	m := u.put(request)
	if m == nil {
		t.Fatal("no answer")
	}
	return m.Raw
}

// The server-reflexive address is that by which the server sees who asks (RFC 8489 §6.3.3).
func TestBinding(t *testing.T) {
	b := newBinding()
	if _, ok := b.Mapped(); ok || b.Done() || b.Failed() || b.Poll() != nil || b.NextTimeout() != simtime.Never {
		t.Error("it does something before it is asked")
	}
	b.Ask(0)
	request := b.Poll()
	m := stun.Message{Raw: request}
	if m.Decode() != nil || m.Type != stun.BindingRequest || stun.Fingerprint.Check(&m) != nil || len(request) != 28 || b.Poll() != nil {
		t.Errorf("%v", &m)
	}
	answer := answerOf(t, peerA, request)
	broken := slices.Clone(answer)
	broken[len(broken)-1] ^= 1
	for name, p := range map[string][]byte{"nothing": nil, "its own": request, "broken": broken, "data": []byte("hello")} {
		if b.HandlePayload(1, p) || b.Done() {
			t.Errorf("it takes %s for the answer", name)
		}
	}
	if !b.HandlePayload(1, answer) || !b.Done() || b.Failed() || b.NextTimeout() != simtime.Never {
		t.Error("it doesn't know the answer")
	}
	if a, ok := b.Mapped(); !ok || a != peerA {
		t.Errorf("%v, %t", a, ok)
	}
	if b.HandlePayload(1, answer) {
		t.Error("it takes the answer twice")
	}
	b = newBinding()
	b.Ask(0)
	b.HandleTimeout(simtime.At(500 * ms))
	if !b.HandlePayload(simtime.At(500*ms), answer) || b.Poll() != nil { // the same stream, and the same request
		t.Error("it asks what it knows")
	}
}

// Asked again, it keeps what it knows until it knows better.
func TestBindingAgain(t *testing.T) {
	b := newBinding()
	b.Ask(0)
	old := b.Poll()
	b.HandlePayload(1, answerOf(t, peerA, old))
	b.Ask(2)
	b.Ask(3)
	request := b.Poll()
	if a, ok := b.Mapped(); !ok || a != peerA || b.Done() || b.Poll() != nil {
		t.Errorf("%v, %t, done: %t", a, ok, b.Done())
	}
	if b.HandlePayload(4, answerOf(t, peerA, old)) {
		t.Error("it takes the answer to what it asked before")
	}
	if !b.HandlePayload(4, answerOf(t, peerB, request)) {
		t.Error("it doesn't know the answer")
	}
	if a, ok := b.Mapped(); !ok || a != peerB {
		t.Errorf("%v, %t", a, ok)
	}
}

// It asks as RFC 8489 §6.2.1 says, and fails when nobody answers, or the answer is of no use (§6.3.3, §6.3.4).
func TestBindingFails(t *testing.T) {
	b := newBinding()
	b.Ask(simtime.At(time.Second))
	var times []time.Duration
	for now := simtime.At(time.Second); now != simtime.Never; now = b.NextTimeout() {
		b.HandleTimeout(now)
		if b.Poll() != nil {
			times = append(times, now.Duration()-time.Second)
		}
		if b.Done() && now != simtime.At(40500*ms) {
			t.Errorf("it ends at %v", now)
		}
	}
	if want := []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 7500 * ms, 15500 * ms, 31500 * ms}; !slices.Equal(times, want) || !b.Failed() || !b.Done() {
		t.Errorf("%v", times)
	}
	mapped := stun.XORMappedAddress{IP: []byte{1, 2, 3, 4}, Port: 5}
	for _, c := range []struct {
		name   string
		class  stun.MessageClass
		set    []stun.Setter
		failed bool
	}{
		{"success", stun.ClassSuccessResponse, []stun.Setter{mapped}, false},
		{"error", stun.ClassErrorResponse, []stun.Setter{stun.CodeServerError, mapped}, true},
		{"no address", stun.ClassSuccessResponse, nil, true},
		{"IPv6", stun.ClassSuccessResponse, []stun.Setter{stun.XORMappedAddress{IP: []byte("sixteen octets !"), Port: 5}}, true},
		{"unknown attribute", stun.ClassSuccessResponse, []stun.Setter{mapped, stun.RawAttribute{Type: 0x7001}}, true},
	} {
		b := newBinding()
		b.Ask(0)
		m := &stun.Message{Raw: b.Poll()}
		if m.Decode() != nil || !b.HandlePayload(0, respond(m, c.class, c.set...)) || !b.Done() || b.Failed() != c.failed || b.NextTimeout() != simtime.Never {
			t.Errorf("%s: done: %t, failed: %t", c.name, b.Done(), b.Failed())
		}
		if _, ok := b.Mapped(); ok == c.failed {
			t.Errorf("%s: mapped: %t", c.name, ok)
		}
	}
}
