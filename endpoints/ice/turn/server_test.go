package turn_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Anybody is told where he is seen (RFC 8489 §6.3.1.1), by a server with users as by one without.
func TestBindingRequest(t *testing.T) {
	for _, users := range []map[string]string{nil, {"alice": "secret"}} {
		w := newWorld(t, 0, func(c *turn.ServerConfig) { c.Users = users })
		u := newUser(t, w, 0)
		m := u.ask(stun.MethodBinding)
		if a := readAddr(t, m, stun.AttrXORMappedAddress); m.Type != stun.BindingSuccess || a != u.addr {
			t.Errorf("%v: %v", m, a)
		}
		m = u.ask(stun.MethodBinding, stun.RawAttribute{Type: 0x7001, Value: []byte("what")}, stun.RawAttribute{Type: 0xC001, Value: []byte("well")})
		var list stun.UnknownAttributes
		if code(m) != 420 || list.GetFrom(m) != nil || len(list) != 1 || list[0] != 0x7001 { // §6.3.1
			t.Errorf("unknown attribute: %v", m)
		}
		if c := w.server.Counts(); c.Bindings != 1 || c.Refused != 1 {
			t.Errorf("%+v", c)
		}
		if m := u.ask(stun.MethodAllocate, transportAttr(17)); (m != nil) != (users != nil) {
			t.Errorf("Allocate with users %v: %v", users, m)
		}
	}
}

// What isn't STUN, or is damaged, or isn't asked of a server, is dropped and counted (RFC 8489 §6.3).
func TestIgnored(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	good := u.message(stun.MethodBinding)
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), good...)) }
	cases := map[string][]byte{
		"nothing":           {},
		"words":             []byte("hello"),
		"fingerprint":       change(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		"cookie":            change(func(b []byte) []byte { b[4] ^= 1; return b }),
		"first bits":        change(func(b []byte) []byte { b[0] |= 0x80; return b }),
		"more, unmarked":    append(stun.MustBuild(stun.BindingRequest, stun.TransactionID).Raw, 0, 0, 0, 0),
		"bits, unmarked":    {0x80, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		"more octets":       change(func(b []byte) []byte { return append(b, 0, 0, 0, 0) }),
		"fewer octets":      change(func(b []byte) []byte { return b[:len(b)-4] }),
		"a response":        stun.MustBuild(stun.BindingSuccess, stun.TransactionID, stun.Fingerprint).Raw,
		"unknown method":    stun.MustBuild(stun.NewType(0x123, stun.ClassRequest), stun.TransactionID).Raw,
		"another method":    stun.MustBuild(stun.NewType(stun.MethodConnect, stun.ClassRequest), stun.TransactionID).Raw,
		"binding indicated": stun.MustBuild(stun.NewType(stun.MethodBinding, stun.ClassIndication), stun.TransactionID).Raw,
		"channel data":      {0x40, 0, 0, 1, 'x'},
		"reserved channel":  {0x50, 0, 0, 1, 'x'},
	}
	n := uint64(0)
	for name, b := range cases {
		m := u.put(b)
		if n++; m != nil || w.server.Counts().Ignored != n {
			t.Errorf("%s: %v, %+v", name, m, w.server.Counts())
		}
	}
	for name, f := range map[string]func(p *packet.Packet){
		"to another address": func(p *packet.Packet) { p.Dst.IP++ },
		"to no allocation":   func(p *packet.Packet) { p.Dst.Port = 50000 },
		"TCP":                func(p *packet.Packet) { p.Protocol = packet.TCP },
	} {
		p := w.pool.New()
		copy(p.SetPayload(len(good)), good)
		p.Src, p.Dst = u.addr, serverAddr
		f(p)
		w.server.HandlePacket(0, p)
		if n++; w.server.Held() != 0 || w.server.Counts().Ignored != n || w.pool.Outstanding() != 0 {
			t.Errorf("%s: %d packets, %+v", name, w.server.Held(), w.server.Counts())
		}
	}
	if m := u.put(good); m == nil {
		t.Error("the good one is ignored")
	}
}

// The checks of RFC 8489 §9.2.4, in their order.
func TestCredentials(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	u.greet()
	if u.realm != "example.org" || !strings.HasPrefix(u.nonce, "obMatJos2AAAA") { // §9.2
		t.Errorf("realm %q, nonce %q", u.realm, u.nonce)
	}
	nonce := u.nonce
	other := newUser(t, w, 1)
	other.greet()
	if other.nonce == nonce {
		t.Error("two addresses have one nonce")
	}
	integrity := stun.NewLongTermIntegrity("alice", "example.org", "secret")
	bare := func(set ...stun.Setter) []byte {
		set = append([]stun.Setter{stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.TransactionID, transportAttr(17)}, set...)
		return stun.MustBuild(append(set, integrity, stun.Fingerprint)...).Raw
	}
	for _, c := range []struct {
		name  string
		b     []byte
		code  int
		nonce bool // is given one
	}{
		{"without a name", bare(stun.NewRealm("example.org"), stun.NewNonce(nonce)), 400, false},
		{"without a realm", bare(stun.NewUsername("alice"), stun.NewNonce(nonce)), 400, false},
		{"without a nonce", bare(stun.NewUsername("alice"), stun.NewRealm("example.org")), 400, false},
		{"nobody", bare(stun.NewUsername("mallory"), stun.NewRealm("example.org"), stun.NewNonce(nonce)), 401, true},
		{"another user", bare(stun.NewUsername("bob"), stun.NewRealm("example.org"), stun.NewNonce(nonce)), 401, true},
		{"made up nonce", bare(stun.NewUsername("alice"), stun.NewRealm("example.org"), stun.NewNonce("nonce")), 438, true},
		{"changed nonce", bare(stun.NewUsername("alice"), stun.NewRealm("example.org"), stun.NewNonce(nonce[:len(nonce)-1]+"g")), 438, true},
		{"another one's nonce", bare(stun.NewUsername("alice"), stun.NewRealm("example.org"), stun.NewNonce(other.nonce)), 438, true},
	} {
		m := u.put(c.b)
		if code(m) != c.code || m.Contains(stun.AttrNonce) != c.nonce || m.Contains(stun.AttrRealm) != c.nonce || m.Contains(stun.AttrMessageIntegrity) {
			t.Errorf("%s: %v", c.name, m)
		}
	}
	// What comes after the integrity is ignored, and needn't be understood (RFC 8489 §14.5).
	both := bare(stun.NewUsername("alice"), stun.NewRealm("example.org"), stun.NewNonce(nonce), integrity, stun.RawAttribute{Type: stun.AttrMessageIntegritySHA256, Value: make([]byte, 32)})
	both = both[:len(both)-32] // without the second integrity and the fingerprint
	binary.BigEndian.PutUint16(both[2:], uint16(len(both)-20))
	if m := u.put(both); code(m) != 0 {
		t.Errorf("with an integrity of another kind: %v", m)
	}
	if m := u.ask(stun.MethodRefresh, lifetimeAttr(0)); code(m) != 0 {
		t.Error(m)
	}
	u.password = "guess"
	if m := u.ask(stun.MethodAllocate, transportAttr(17)); code(m) != 401 {
		t.Errorf("wrong password: %v", m)
	}
	u.password = "secret"
	b := u.message(stun.MethodAllocate, transportAttr(17))
	b = b[:len(b)-8] // without the fingerprint
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20))
	b[8] ^= 1 // of the transaction identifier
	if m := u.put(b); code(m) != 401 {
		t.Errorf("changed message: %v", m)
	}
	if w.server.Counts().Allocations != 1 {
		t.Errorf("%+v", w.server.Counts())
	}
}

// The key of HMAC-SHA1 is MD5(user:realm:password) (RFC 8489 §9.2.2, §14.5); computed here without any library of STUN.
func TestIntegrityOfAnswer(t *testing.T) {
	w := newWorld(t, 0, nil)
	u := newUser(t, w, 0)
	u.greet()
	m := u.ask(stun.MethodAllocate, transportAttr(17))
	b := m.Raw[:len(m.Raw)-8-24] // without fingerprint and integrity
	b = append([]byte(nil), b...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20+24))
	key := md5.Sum([]byte("alice:example.org:secret"))
	mac := hmac.New(sha1.New, key[:])
	mac.Write(b)
	got, err := m.Get(stun.AttrMessageIntegrity)
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		t.Errorf("%v, %x", err, got)
	}
}

// A nonce is good for as long as the server says, and no longer.
func TestStaleNonce(t *testing.T) {
	w := newWorld(t, 0, func(c *turn.ServerConfig) { c.NonceLifetime = 10 * time.Second })
	u := newUser(t, w, 0)
	u.greet()
	w.now = simtime.At(10*time.Second - 1)
	if m := u.ask(stun.MethodAllocate, transportAttr(17)); code(m) != 0 {
		t.Errorf("before its end: %v", m)
	}
	w.now = simtime.At(10 * time.Second)
	m := u.ask(stun.MethodRefresh)
	if code(m) != 438 {
		t.Errorf("at its end: %v", m)
	}
	u.learn(m)
	if m := u.ask(stun.MethodRefresh); code(m) != 0 {
		t.Errorf("with a new one: %v", m)
	}
	if c := w.server.Counts(); c.Challenged != 2 || c.Refused != 0 {
		t.Errorf("%+v", c)
	}
}
