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

// user is a client made by hand, of pion's messages.
type user struct {
	t              *testing.T
	w              *world
	addr           packet.Addr
	name, password string
	realm, nonce   string
	last           []byte // the request that was sent last
}

func newUser(t *testing.T, w *world, n int) *user {
	return &user{t: t, w: w, addr: clientAddr(n), name: "alice", password: "secret"}
}

// Attributes as RFC 8656 §18 has them.
func transportAttr(protocol byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{protocol, 0, 0, 0}}
}

func lifetimeAttr(d time.Duration) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: binary.BigEndian.AppendUint32(nil, uint32(d.Seconds()))}
}

func channelAttr(n uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{byte(n >> 8), byte(n), 0, 0}}
}

func dataAttr(s string) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrData, Value: []byte(s)}
}

// xorPeer lets the library write an XOR-PEER-ADDRESS.
type xorPeer packet.Addr

func (a xorPeer) AddTo(m *stun.Message) error {
	ip := a.IP.Netip().As4()
	return stun.XORMappedAddress{IP: ip[:], Port: int(a.Port)}.AddToAs(m, stun.AttrXORPeerAddress)
}

// xorPeer6 is one of IPv6.
type xorPeer6 struct{}

func (xorPeer6) AddTo(m *stun.Message) error {
	return stun.XORMappedAddress{IP: []byte("sixteen octets !"), Port: 7}.AddToAs(m, stun.AttrXORPeerAddress)
}

// readAddr lets the library read an address.
func readAddr(t *testing.T, m *stun.Message, as stun.AttrType) packet.Addr {
	t.Helper()
	var a stun.XORMappedAddress
	if err := a.GetFromAs(m, as); err != nil {
		t.Fatalf("%v: %v", m, err)
	}
	return packet.Addr{IP: packet.IPv4(binary.BigEndian.Uint32(a.IP.To4())), Port: uint16(a.Port)}
}

// message builds one, with credentials if the user has a nonce.
func (u *user) message(method stun.Method, set ...stun.Setter) []byte {
	u.t.Helper()
	all := append([]stun.Setter{stun.NewType(method, stun.ClassRequest), stun.TransactionID}, set...)
	if u.nonce != "" {
		all = append(all, stun.NewUsername(u.name), stun.NewRealm(u.realm), stun.NewNonce(u.nonce), stun.NewLongTermIntegrity(u.name, u.realm, u.password))
	}
	m, err := stun.Build(append(all, stun.Fingerprint)...)
	if err != nil {
		u.t.Fatal(err)
	}
	u.last = m.Raw
	return m.Raw
}

// put gives the server a datagram at once, and returns what it answers; nil if nothing.
func (u *user) put(b []byte) *stun.Message {
	u.t.Helper()
	p := u.w.pool.New()
	copy(p.SetPayload(len(b)), b)
	p.Src, p.Dst = u.addr, serverAddr
	u.w.server.HandlePacket(u.w.now, p)
	var answer *stun.Message
	for p := u.w.server.PollPacket(u.w.now); p != nil; p = u.w.server.PollPacket(u.w.now) {
		if p.Src != serverAddr || p.Dst != u.addr {
			u.w.arrived = append(u.w.arrived, got{from: p.Src, to: p.Dst, data: string(p.Payload), packet: *p})
		} else {
			answer = &stun.Message{Raw: append([]byte(nil), p.Payload...)}
			if err := answer.Decode(); err != nil {
				u.t.Fatal(err)
			}
			if err := stun.Fingerprint.Check(answer); err != nil {
				u.t.Errorf("%v: %v", answer, err)
			}
		}
		u.w.pool.Release(p)
	}
	u.w.settled()
	return answer
}

// ask sends a request, and returns its answer.
func (u *user) ask(method stun.Method, set ...stun.Setter) *stun.Message {
	u.t.Helper()
	return u.put(u.message(method, set...))
}

// code returns the error code of an answer; 0 of success, -1 if there is no answer.
func code(m *stun.Message) int {
	if m == nil {
		return -1
	}
	var e stun.ErrorCodeAttribute
	if m.Type.Class != stun.ClassErrorResponse || e.GetFrom(m) != nil {
		return 0
	}
	return int(e.Code)
}

// greet learns realm and nonce from a challenge (RFC 8489 §9.2.4).
func (u *user) greet() {
	u.t.Helper()
	u.nonce = ""
	m := u.ask(stun.MethodAllocate, transportAttr(17))
	u.learn(m)
	if code(m) != 401 {
		u.t.Fatalf("no challenge: %v", m)
	}
}

func (u *user) learn(m *stun.Message) {
	u.t.Helper()
	var realm stun.Realm
	var nonce stun.Nonce
	if realm.GetFrom(m) != nil || nonce.GetFrom(m) != nil || m.Contains(stun.AttrMessageIntegrity) {
		u.t.Fatalf("%v", m)
	}
	u.realm, u.nonce = realm.String(), nonce.String()
}

// allocate makes an allocation.
func (u *user) allocate(set ...stun.Setter) packet.Addr {
	u.t.Helper()
	u.greet()
	m := u.ask(stun.MethodAllocate, append([]stun.Setter{transportAttr(17)}, set...)...)
	if code(m) != 0 {
		u.t.Fatalf("no allocation: %v", m)
	}
	return readAddr(u.t, m, stun.AttrXORRelayedAddress)
}

func lifetimeIn(t *testing.T, m *stun.Message) time.Duration {
	t.Helper()
	v, err := m.Get(stun.AttrLifetime)
	if err != nil || len(v) != 4 {
		t.Fatalf("%v: %v", m, err)
	}
	return time.Duration(binary.BigEndian.Uint32(v)) * time.Second
}

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
}
