package ice_test

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// step is a keying step that has something to say from the start.
type step struct {
	keying.Preshared
	said bool
}

func (s *step) PollPayload(simtime.Time) []byte {
	if s.said {
		return nil
	}
	s.said = true
	return []byte("hello")
}

func (*step) NextTimeout() simtime.Time { return 5 }

var us = ice.Credentials{Fragment: "Fabr", Password: "a password of 24 octets!"}

// newLite returns a lite end that has opened its way already.
func newLite() *ice.Lite {
	l := ice.NewLite(&step{}, us, "them", rng.New(1).Stream("ice"))
	l.PollPayload(0)
	return l
}

// check returns a connectivity check as a full implementation sends it, from another one of its class.
func check(t *testing.T, name, password string, more ...stun.Setter) *packet.Packet {
	t.Helper()
	set := []stun.Setter{stun.BindingRequest, stun.TransactionID, stun.NewUsername(name)}
	set = append(set, more...)
	m, err := stun.Build(append(set, stun.NewShortTermIntegrity(password), stun.Fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	return from(m.Raw)
}

func from(b []byte) *packet.Packet {
	return &packet.Packet{Src: packet.Addr{IP: 10<<24 + 7, Port: 4000}, Payload: b}
}

// reply returns what the lite end answers; nil if nothing.
func reply(t *testing.T, l *ice.Lite, p *packet.Packet) *stun.Message {
	t.Helper()
	l.HandleCheck(0, p)
	b := l.PollPayload(0)
	if b == nil {
		return nil
	}
	m := &stun.Message{Raw: b}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	if err := stun.Fingerprint.Check(m); err != nil {
		t.Errorf("the answer: %v", err)
	}
	return m
}

// A check in order gets an answer that says where it came from, and until a pair is nominated the handshake
// waits.
func TestAnswers(t *testing.T) {
	l := newLite()
	if l.PollPayload(0) != nil || l.NextTimeout() != simtime.At(500*time.Millisecond) {
		t.Error("the handshake begins before there is a pair")
	}
	m := &stun.Message{Raw: l.PollPayload(simtime.At(500 * time.Millisecond))}
	if m.Decode() != nil || m.Type.Class != stun.ClassIndication || m.Type.Method != stun.MethodBinding {
		t.Errorf("what opens the way is %v", m)
	}
	request := check(t, "Fabr:them", us.Password, stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}})
	m = reply(t, l, request)
	if m == nil || m.Type != stun.BindingSuccess || [12]byte(request.Payload[8:20]) != m.TransactionID {
		t.Fatalf("got %v", m)
	}
	if err := stun.NewShortTermIntegrity(us.Password).Check(m); err != nil {
		t.Error(err)
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(m); err != nil || mapped.String() != "10.0.0.7:4000" {
		t.Errorf("mapped to %v, %v", mapped, err)
	}
	if l.Nominated() || l.PollPayload(0) != nil {
		t.Error("a check without USE-CANDIDATE nominates")
	}
	reply(t, l, check(t, "Fabr:them", us.Password, stun.RawAttribute{Type: stun.AttrUseCandidate}))
	if !l.Nominated() || string(l.PollPayload(0)) != "hello" || l.NextTimeout() != 5 {
		t.Error("the handshake doesn't begin")
	}
	if l.Counts() != (ice.Counts{Answered: 2}) {
		t.Errorf("got %+v", l.Counts())
	}
}

// What isn't in order gets an error response, or nothing.
func TestRefusals(t *testing.T) {
	without, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	damaged := check(t, "Fabr:them", us.Password)
	damaged.Payload[len(damaged.Payload)-1] ^= 1
	indication, err := stun.Build(stun.NewType(stun.MethodBinding, stun.ClassIndication), stun.TransactionID, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		packet *packet.Packet
		code   stun.ErrorCode // 0 is no answer
	}{
		{"somebody else's name", check(t, "Fabr:others", us.Password), stun.CodeUnauthorized},
		{"a wrong password", check(t, "Fabr:them", "guessed"), stun.CodeUnauthorized},
		{"no name", from(without.Raw), stun.CodeBadRequest},
		{"an attribute that must be understood", check(t, "Fabr:them", us.Password, stun.RawAttribute{Type: 0x7001}), stun.CodeUnknownAttribute},
		{"the role that this end has", check(t, "Fabr:them", us.Password, stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}), stun.CodeRoleConflict},
		{"damage", damaged, 0},
		{"an indication", from(indication.Raw), 0},
		{"no STUN", from([]byte{0, 1, 2}), 0},
	} {
		l := newLite()
		m := reply(t, l, c.packet)
		var code stun.ErrorCodeAttribute
		switch {
		case m == nil && c.code == 0:
		case m == nil || m.Type != stun.BindingError || code.GetFrom(m) != nil || code.Code != c.code:
			t.Errorf("%s: got %v, want error %d", c.name, m, c.code)
		}
		if l.Nominated() || l.Counts().Answered != 0 {
			t.Errorf("%s: taken for a check", c.name)
		}
	}
}

// Somebody on the way can add what the integrity doesn't cover, and nominates nothing by it.
func TestUnprotectedAttributes(t *testing.T) {
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername("Fabr:them"), stun.NewShortTermIntegrity(us.Password),
		stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	l := newLite()
	if a := reply(t, l, from(m.Raw)); a == nil || a.Type != stun.BindingSuccess || l.Nominated() {
		t.Errorf("got %v, nominated %v", a, l.Nominated())
	}
}

func TestCredentials(t *testing.T) {
	c := ice.NewCredentials(rng.New(1).Stream("ice"))
	if len(c.Fragment) != 4 || len(c.Password) != 24 {
		t.Errorf("%+v: want 4 and 24 characters (RFC 8839 §5.4 has 4 and 22 at least)", c)
	}
}

func FuzzHandleCheck(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := newLite()
		l.HandleCheck(0, from(b))
		if l.Nominated() {
			t.Error("nominated without the password")
		}
	})
}
