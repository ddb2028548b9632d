package turn_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
)

// user is a client made by hand, of pion's messages.
type user struct {
	t              *testing.T
	w              *world
	addr           packet.Addr
	name, password string
	realm, nonce   string
	last           []byte // the request that was sent last
	stream         bool   // it comes by a stream
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
	handle, poll := u.w.server.HandlePacket, func() *packet.Packet { return u.w.server.PollPacket(u.w.now) }
	if u.stream {
		handle, poll = u.w.server.HandleStream, func() *packet.Packet {
			if p := u.w.server.PollStream(); p != nil {
				return p
			}
			return u.w.server.PollPacket(u.w.now)
		}
	}
	handle(u.w.now, p)
	var answer *stun.Message
	for p := poll(); p != nil; p = poll() {
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
