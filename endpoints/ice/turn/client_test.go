package turn_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

var key = stun.NewLongTermIntegrity("alice", "example.org", "secret")

func newClient() *turn.Client {
	return turn.NewClient(turn.ClientConfig{
		Local: clientAddr(0), Server: serverAddr, Username: "alice", Password: "secret", Random: rng.New(3).Stream("client"),
	})
}

// converse lets a client talk to a server made by hand, which answers at once with what the function returns.
func converse(t *testing.T, c *turn.Client, from, until simtime.Time, answer func(now simtime.Time, m *stun.Message) []byte) {
	t.Helper()
	for now := from; ; {
		for b := c.Poll(); b != nil; b = c.Poll() {
			m := &stun.Message{Raw: b}
			if err := m.Decode(); err != nil {
				t.Fatal(err)
			}
			if r := answer(now, m); r != nil {
				c.HandlePayload(now, r)
			}
		}
		next := c.NextTimeout()
		if next > until {
			return
		}
		if next < now {
			t.Fatalf("at %v something was due at %v", now, next)
		}
		now = next
		c.HandleTimeout(now)
	}
}

// respond builds a response.
func respond(m *stun.Message, class stun.MessageClass, set ...stun.Setter) []byte {
	set = append([]stun.Setter{stun.NewType(m.Type.Method, class), stun.NewTransactionIDSetter(m.TransactionID)}, set...)
	return stun.MustBuild(append(set, stun.Fingerprint)...).Raw
}

func refuse(m *stun.Message, code stun.ErrorCode, set ...stun.Setter) []byte {
	return respond(m, stun.ClassErrorResponse, append([]stun.Setter{stun.ErrorCodeAttribute{Code: code}}, set...)...)
}

func challenge(m *stun.Message, code stun.ErrorCode, nonce string) []byte {
	return refuse(m, code, stun.NewRealm("example.org"), stun.NewNonce(nonce))
}

// xorRelayed lets the library write an XOR-RELAYED-ADDRESS.
type xorRelayed packet.Addr

func (a xorRelayed) AddTo(m *stun.Message) error {
	ip := a.IP.Netip().As4()
	return stun.XORMappedAddress{IP: ip[:], Port: int(a.Port)}.AddToAs(m, stun.AttrXORRelayedAddress)
}

var mappedAttr = stun.XORMappedAddress{IP: []byte{1, 2, 3, 4}, Port: 5}

// An allocation takes two requests: one without credentials, which is challenged, and one with them (RFC 8489 §9.2.3).
func TestAllocate(t *testing.T) {
	w := newWorld(t, 1, nil)
	c := w.ends[0]
	if c.State() != turn.Idle || c.NextTimeout() != simtime.Never || c.Poll() != nil {
		t.Errorf("%v before anything", c)
	}
	c.Allocate(0)
	c.Allocate(0)
	if _, ok := c.Relayed(); ok || c.State() != turn.Allocating {
		t.Errorf("%v, relayed: %t", c, ok)
	}
	w.run(79 * ms)
	if c.State() != turn.Allocating {
		t.Errorf("%v after less than two round trips", c)
	}
	w.run(80 * ms)
	relayed, ok := c.Relayed()
	mapped, seen := c.Mapped()
	if c.State() != turn.Allocated || c.Err() != nil || !ok || relayed.IP != serverAddr.IP || relayed.Port < 49152 || !seen || mapped != c.addr {
		t.Errorf("%v, relayed %v, mapped %v", c, relayed, mapped)
	}
	c.Allocate(w.now)
	w.run(time.Second)
	if n := c.Counts(); n.Requests != 2 || n.Retransmitted != 0 || n.Allocations != 1 || len(w.log) != 4 {
		t.Errorf("%+v, %d packets", n, len(w.log))
	}
	if at := c.NextTimeout(); at != simtime.At(80*ms+9*time.Minute) {
		t.Errorf("refreshes at %v", at)
	}
}

// Requests go at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, and the last has 8 s more (RFC 8489 §6.2.1).
func TestRetransmissions(t *testing.T) {
	c := newClient()
	var times []time.Duration
	var ids [][stun.TransactionIDSize]byte
	c.Allocate(0)
	converse(t, c, 0, simtime.At(39499*ms), func(now simtime.Time, m *stun.Message) []byte {
		times, ids = append(times, now.Duration()), append(ids, m.TransactionID)
		return nil
	})
	want := []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 7500 * ms, 15500 * ms, 31500 * ms}
	if !slices.Equal(times, want) || len(slices.Compact(ids)) != 1 {
		t.Errorf("requests at %v, %d transactions", times, len(slices.Compact(ids)))
	}
	if c.State() != turn.Allocating || c.NextTimeout() != simtime.At(39500*ms) {
		t.Errorf("%v until %v", c, c.NextTimeout())
	}
	c.HandleTimeout(simtime.At(39500 * ms))
	if c.State() != turn.Failed || !errors.Is(c.Err(), turn.ErrNoAnswer) || c.NextTimeout() != simtime.Never {
		t.Errorf("%v: %v", c, c.Err())
	}
	c.Allocate(simtime.At(time.Minute))
	if c.State() != turn.Allocating || c.Err() != nil || c.Poll() == nil {
		t.Errorf("%v, after another beginning", c)
	}
}

// Why a client fails: what servers say, and whether they prove that they are the ones that know the password.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(m *stun.Message) []byte // to requests with credentials
		want   string
	}{
		{"300", func(m *stun.Message) []byte { return refuse(m, 300, key) }, "the server refuses Allocate: 300 Try Alternate: another server may do"},
		{"401", func(m *stun.Message) []byte { return challenge(m, 401, "n2") }, "401 Unauthenticated: the name or the password is wrong"},
		{"403", func(m *stun.Message) []byte { return refuse(m, 403, key) }, "403 Forbidden"},
		{"437", func(m *stun.Message) []byte { return refuse(m, 437, key) }, "437 Allocation Mismatch: the server knows this address and port already, another port may do"},
		{"438 forever", func(m *stun.Message) []byte { return challenge(m, 438, "n2") }, "438 Stale Nonce: it gives no nonce that it takes"},
		{"438 without a nonce", func(m *stun.Message) []byte { return refuse(m, 438) }, "438 Stale Nonce"},
		{"440", func(m *stun.Message) []byte { return refuse(m, 440, key) }, "440 Address Family not Supported"},
		{"442", func(m *stun.Message) []byte { return refuse(m, 442, key) }, "442 Unsupported Transport Protocol: it doesn't relay UDP"},
		{"486", func(m *stun.Message) []byte { return refuse(m, 486, key) }, "486 Allocation Quota Reached: the user has too many allocations"},
		{"508", func(m *stun.Message) []byte { return refuse(m, 508, key) }, "508 Insufficient Capacity: it has no relayed address left"},
		{"words of the server", func(m *stun.Message) []byte {
			return respond(m, stun.ClassErrorResponse, stun.ErrorCodeAttribute{Code: 508, Reason: []byte("come back later")}, key)
		}, "508 come back later"},
		{"no code", func(m *stun.Message) []byte { return respond(m, stun.ClassErrorResponse, key) }, "an error without a code"},
		// RFC 8489 §9.2.5: as if they had never been received.
		{"486 of anybody", func(m *stun.Message) []byte { return refuse(m, 486) }, "no answer from the server has valid integrity; one that has none says: the server refuses Allocate: 486"},
		{"486 of a stranger", func(m *stun.Message) []byte { return refuse(m, 486, stun.NewShortTermIntegrity("x")) }, "no answer from the server has valid integrity"},
		{"400 of anybody", func(m *stun.Message) []byte { return refuse(m, 400) }, "no answer from the server has valid integrity"},
		{"success of anybody", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Minute), mappedAttr)
		}, "no answer from the server has valid integrity"},
		{"a wrong fingerprint", func(m *stun.Message) []byte {
			b := respond(m, stun.ClassErrorResponse, stun.ErrorCodeAttribute{Code: 486}, key)
			b[len(b)-1] ^= 1
			return b
		}, "no answer from the server"},
		{"another transaction", func(m *stun.Message) []byte {
			m.TransactionID[0] ^= 1
			return refuse(m, 486, key)
		}, "no answer from the server"},
		{"another method", func(m *stun.Message) []byte {
			m.Type.Method = stun.MethodRefresh
			return refuse(m, 486, key)
		}, "no answer from the server"},
		{"no relayed address", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, lifetimeAttr(time.Minute), mappedAttr, key)
		}, turn.ErrMalformed.Error()},
		{"no lifetime", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), mappedAttr, key)
		}, turn.ErrMalformed.Error()},
		{"no mapped address", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Minute), key)
		}, turn.ErrMalformed.Error()},
		{"an unknown attribute", func(m *stun.Message) []byte { // RFC 8489 §6.3.3
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Minute), mappedAttr, stun.RawAttribute{Type: 0x7001}, key)
		}, "nobody here understands"},
	} {
		client := newClient()
		client.Allocate(0)
		converse(t, client, 0, simtime.At(5*time.Minute), func(_ simtime.Time, m *stun.Message) []byte {
			if !m.Contains(stun.AttrMessageIntegrity) {
				return challenge(m, 401, "n1")
			}
			if err := key.Check(m); err != nil {
				t.Errorf("%s: the request: %v", c.name, err)
			}
			return c.answer(m)
		})
		if err := client.Err(); client.State() != turn.Failed || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v: %v", c.name, client, err)
		}
		if client.NextTimeout() != simtime.Never {
			t.Errorf("%s: something is due at %v", c.name, client.NextTimeout())
		}
	}
}

// Before there are credentials, any refusal is final (RFC 8489 §6.3.4), and a server may do without.
func TestWithoutCredentials(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(m *stun.Message) []byte
		state  turn.State
		code   int
	}{
		{"400", func(m *stun.Message) []byte { return refuse(m, 400) }, turn.Failed, 400},
		{"401 without a nonce", func(m *stun.Message) []byte { return refuse(m, 401, stun.NewRealm("r")) }, turn.Failed, 401},
		{"401 without a realm", func(m *stun.Message) []byte { return refuse(m, 401, stun.NewNonce("n")) }, turn.Failed, 401},
		{"401 with too long a nonce", func(m *stun.Message) []byte {
			return refuse(m, 401, stun.NewRealm("r"), stun.RawAttribute{Type: stun.AttrNonce, Value: make([]byte, 764)})
		}, turn.Failed, 401},
		{"438", func(m *stun.Message) []byte { return challenge(m, 438, "n") }, turn.Failed, 438},
		{"an open server", func(m *stun.Message) []byte {
			return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr)
		}, turn.Allocated, 0},
	} {
		client := newClient()
		client.Allocate(0)
		n := 0
		converse(t, client, 0, simtime.At(5*time.Minute), func(_ simtime.Time, m *stun.Message) []byte {
			n++
			return c.answer(m)
		})
		code := 0
		var refused *turn.RefusedError
		if errors.As(client.Err(), &refused) {
			code = refused.Code
		}
		if client.State() != c.state || code != c.code || n != 1 {
			t.Errorf("%s: %v, code %d, %d requests", c.name, client, code, n)
		}
	}
}

// An answer that may be anybody's doesn't stop the right one (RFC 8489 §9.2.5).
func TestForgedAnswer(t *testing.T) {
	client := newClient()
	client.Allocate(0)
	tries := 0
	converse(t, client, 0, simtime.At(time.Minute), func(now simtime.Time, m *stun.Message) []byte {
		if !m.Contains(stun.AttrMessageIntegrity) {
			return challenge(m, 401, "n")
		}
		if tries++; tries < 3 {
			return refuse(m, 486)
		}
		b := respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr, key)
		behind := append(slices.Clone(b), "another one's octets, some twenty"...)
		client.HandlePayload(now, behind[:len(b)])
		if string(behind) != string(b)+"another one's octets, some twenty" {
			t.Error("it writes where nothing is its own")
		}
		return nil
	})
	if n := client.Counts(); client.State() != turn.Allocated || n.Unprotected != 2 {
		t.Errorf("%v, %+v", client, n)
	}
	if a, _ := client.Relayed(); a != peerA {
		t.Error(a)
	}
	if a, _ := client.Mapped(); a != (packet.Addr{IP: 1<<24 + 2<<16 + 3<<8 + 4, Port: 5}) {
		t.Error(a)
	}
}

// With a real server: a wrong password is a failure with words, and another try begins with a challenge.
func TestWrongPassword(t *testing.T) {
	w := newWorld(t, 0, nil)
	for n, c := range []*end{w.add(0, "alice", "guess"), w.add(1, "mallory", "secret"), w.add(2, "", "")} {
		for range 2 {
			c.Allocate(w.now)
			w.run(w.now.Duration() + time.Second)
			var refused *turn.RefusedError
			if !errors.As(c.Err(), &refused) || refused.Code != 401 || c.State() != turn.Failed {
				t.Errorf("%d: %v: %v", n, c, c.Err())
			}
		}
		if got := c.Counts().Requests; got != 4 {
			t.Errorf("%d: %d requests", n, got)
		}
	}
}

// exchange sends data both ways between a client and a peer, and reports whether they came.
func exchange(w *world, c *end, peer packet.Addr, channel bool) error {
	relayed, ok := c.Relayed()
	if !ok {
		return fmt.Errorf("%v", c)
	}
	text := fmt.Sprintf("at %v", w.now)
	wrapped := c.Wrap(nil, peer, []byte(text))
	if want := len(text) + 4; channel != (len(wrapped) == want) {
		return fmt.Errorf("%d octets around %d", len(wrapped), len(text))
	}
	w.send(c.addr, serverAddr, string(wrapped))
	w.send(peer, relayed, text+" back")
	w.run(w.now.Duration() + 100*ms)
	if got, want := w.lastArrived(), fmt.Sprintf("%q from %v to %v", text, relayed, peer); got != want {
		return fmt.Errorf("%s came, want %s", got, want)
	}
	if got, want := c.lastGot(), fmt.Sprintf("%q of %v", text+" back", peer); got != want {
		return fmt.Errorf("%s came back, want %s", got, want)
	}
	size := len(text+" back") + 4
	if got := c.got[len(c.got)-1].packet.Payload; channel != (len(got) == size) {
		return fmt.Errorf("%d octets came back", len(got))
	}
	return nil
}

// Allocation, permissions and channels are kept for hours, whatever nonces a server takes, and no request is made more often
// than it has to be (RFC 8656 §8.1, §9, §12).
func TestKept(t *testing.T) {
	for _, nonces := range []time.Duration{0, 7 * time.Minute} {
		w, c := allocated(t, func(c *turn.ServerConfig) { c.NonceLifetime = nonces })
		c.Permit(w.now, peerA.IP)
		c.Permit(w.now, peerA.IP)
		c.Bind(w.now, peerB)
		c.Bind(w.now, peerB)
		w.run(w.now.Duration() + 100*ms)
		if !c.Permitted(peerA.IP) || !c.Permitted(peerB.IP) || c.Permitted(7) {
			t.Fatal("permissions")
		}
		relayed := c.relayed(t)
		for at := time.Duration(0); at < 3*time.Hour; at += 59 * time.Second {
			w.run(at)
			if err := errors.Join(exchange(w, c, peerA, false), exchange(w, c, peerB, true)); err != nil {
				t.Fatalf("at %v: %v", at, err)
			}
		}
		// 3 h are 20 refreshes of the allocation, 45 of each permission and 20 of the channel.
		n := c.Counts()
		if stale := w.server.Counts().Challenged - 1; n.Requests-stale > 2+20+2*46+21 || n.Requests-stale < 120 || (stale > 15) != (nonces != 0) {
			t.Errorf("%+v, %d stale", n, stale)
		}
		if n.Allocations != 1 || n.Lost != 0 || n.Refused != 0 || n.Retransmitted != 0 || n.Ignored != 0 || n.Unprotected != 0 || c.relayed(t) != relayed {
			t.Errorf("%+v", n)
		}
		w.settled()
	}
}

// Requests that get lost are made again, and nothing ends because of it.
func TestLossOfRequests(t *testing.T) {
	w, c := allocated(t, nil)
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.passes = func(p *packet.Packet) bool {
		// For the first 20 s of each minute nothing passes that a client or the server says.
		return w.now.Duration()%time.Minute > 20*time.Second
	}
	for at := 40 * ms; at < time.Hour; at += time.Minute {
		w.run(at + 35*time.Second)
		if err := errors.Join(exchange(w, c, peerA, false), exchange(w, c, peerB, true)); err != nil {
			t.Fatalf("at %v: %v", at, err)
		}
	}
	if n := c.Counts(); n.Retransmitted == 0 || n.Allocations != 1 || n.Refused != 0 {
		t.Errorf("%+v", n)
	}
}

// What is sent before there is a permission waits for it, in order, and the oldest make room.
func TestSendWaits(t *testing.T) {
	w := newWorld(t, 1, nil)
	c := w.ends[0]
	payload := []byte("0")
	c.Send(0, peerA, payload)
	w.run(time.Second)
	if len(w.log) != 0 {
		t.Error("it sends without an allocation")
	}
	c.Allocate(w.now)
	for i := 1; i < 70; i++ {
		c.Send(w.now, peerA, []byte(fmt.Sprint(i)))
	}
	payload[0] = 'b'
	c.Send(w.now, peerB, payload)
	payload[0] = 'x' // it is the caller's
	w.run(3 * time.Second)
	var want []string
	for i := 7; i < 70; i++ { // 64 wait
		want = append(want, fmt.Sprint(i))
	}
	var data []string
	for _, g := range w.arrived {
		if g.to == peerA {
			data = append(data, g.data)
		}
	}
	if !slices.Equal(data, want) || w.lastArrived() != fmt.Sprintf("%q from %v to %v", "b", c.relayed(t), peerB) {
		t.Errorf("%q, and %s", data, w.lastArrived())
	}
	if n := c.Counts(); n.Sent != 64 || n.Dropped != 7 || n.Requests != 4 {
		t.Errorf("%+v", n)
	}
	c.Send(w.now, peerA, []byte("at once"))
	if b := c.Poll(); len(b) != 36+8+8 {
		t.Errorf("%d octets", len(b))
	}
	c.Send(w.now, peerA, make([]byte, 65461)) // doesn't fit
	if c.Poll() != nil || c.Counts().Dropped != 8 {
		t.Errorf("%+v", c.Counts())
	}
}

// What the server refuses, or doesn't answer, is kept no more.
func TestRefusedPeers(t *testing.T) {
	w, c := allocated(t, nil)
	c.Bind(w.now, serverAddr) // 403
	c.Send(w.now, packet.Addr{IP: serverAddr.IP, Port: 1}, []byte("waits"))
	w.run(w.now.Duration() + time.Second)
	if n := c.Counts(); n.Refused != 1 || n.Dropped != 1 || n.Sent != 0 || c.Permitted(serverAddr.IP) || c.State() != turn.Allocated {
		t.Errorf("%+v, %v", n, c)
	}
	w.passes = func(*packet.Packet) bool { return false }
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	c.Send(w.now, peerA, []byte("waits"))
	w.run(w.now.Duration() + 40*time.Second)
	if n := c.Counts(); n.Refused != 3 || n.Dropped != 2 || c.Permitted(peerA.IP) || c.Permitted(peerB.IP) || c.State() != turn.Allocated {
		t.Errorf("%+v, %v", n, c)
	}
	w.passes = nil
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	if err := errors.Join(exchange(w, c, peerA, false), exchange(w, c, peerB, true)); err != nil {
		t.Errorf("when asked again: %v", err)
	}
}

// There are 4096 numbers for channels (RFC 8656 §12).
func TestChannelNumbers(t *testing.T) {
	client := newClient()
	client.Allocate(0)
	numbers := map[string]bool{}
	answer := func(_ simtime.Time, m *stun.Message) []byte {
		if v, err := m.Get(stun.AttrChannelNumber); err == nil {
			numbers[fmt.Sprintf("%x", v)] = true
		}
		return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr)
	}
	converse(t, client, 0, 1, answer)
	for i := range 4100 {
		client.Bind(0, packet.Addr{IP: packet.IPv4(i), Port: 1})
	}
	converse(t, client, 0, 1, answer)
	if len(numbers) != 4096 || !numbers["40000000"] || !numbers["4fff0000"] || client.Counts().Refused != 4 {
		t.Errorf("%d numbers, %+v", len(numbers), client.Counts())
	}
}

// What comes from a server, and what doesn't count (RFC 8656 §11.4, §12.6).
func TestHandlePayload(t *testing.T) {
	w, c := allocated(t, nil)
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	kind := stun.NewType(stun.MethodData, stun.ClassIndication)
	data := func(set ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{kind, stun.TransactionID}, set...)...).Raw
	}
	broken := data(xorPeer(peerA), dataAttr("x"), stun.Fingerprint)
	broken[len(broken)-1] ^= 1
	for _, f := range []struct {
		name string
		b    []byte
		peer packet.Addr
		data string
		ok   bool
	}{
		{"indication", data(xorPeer(peerA), dataAttr("hello")), peerA, "hello", true},
		{"empty indication", data(xorPeer(peerA), dataAttr("")), peerA, "", true},
		{"with fingerprint", data(xorPeer(peerA), dataAttr("hello"), stun.Fingerprint), peerA, "hello", true},
		{"of a peer with channel", data(xorPeer(peerB), dataAttr("hello")), peerB, "hello", true},
		{"channel", channelData(0x4000, "hello"), peerB, "hello", true},
		{"empty channel", channelData(0x4000, ""), peerB, "", true},
		{"channel with padding", append(channelData(0x4000, "hello"), 0, 0, 0), peerB, "hello", true},
		{"wrong fingerprint", broken, packet.Addr{}, "", false},
		{"stranger", data(xorPeer{IP: 7, Port: 7}, dataAttr("hello")), packet.Addr{}, "", false},
		{"IPv6", data(xorPeer6{}, dataAttr("hello")), packet.Addr{}, "", false},
		{"no data", data(xorPeer(peerA)), packet.Addr{}, "", false},
		{"no peer", data(dataAttr("hello")), packet.Addr{}, "", false},
		{"unknown attribute", data(xorPeer(peerA), dataAttr("hello"), stun.RawAttribute{Type: 0x7001}), packet.Addr{}, "", false},
		{"Send indication", indication(xorPeer(peerA), dataAttr("hello")), packet.Addr{}, "", false},
		{"other channel", channelData(0x4001, "hello"), packet.Addr{}, "", false},
		{"cut channel", channelData(0x4000, "hello")[:8], packet.Addr{}, "", false},
		{"short", []byte{0x40}, packet.Addr{}, "", false},
		{"nothing", nil, packet.Addr{}, "", false},
		{"media", []byte("\x80 some RTP that came to the wrong place"), packet.Addr{}, "", false},
		{"a request", stun.MustBuild(stun.BindingRequest, stun.TransactionID).Raw, packet.Addr{}, "", false},
		{"an answer to nothing", stun.MustBuild(stun.BindingSuccess, stun.TransactionID).Raw, packet.Addr{}, "", false},
	} {
		before := c.Counts()
		peer, got, ok := c.HandlePayload(w.now, f.b)
		if peer != f.peer || string(got) != f.data || ok != f.ok {
			t.Errorf("%s: %q of %v, %t", f.name, got, peer, ok)
		}
		if n := c.Counts(); (n.Received == before.Received+1) != ok || (n.Ignored == before.Ignored+1) == ok {
			t.Errorf("%s: %+v", f.name, n)
		}
		if ok && len(got) > 0 {
			f.b[bytes.Index(f.b, []byte("hello"))] = 'H'
			if got[0] != 'H' {
				t.Errorf("%s: the data are a copy", f.name)
			}
		}
	}
}

// Wrap appends, in the sizes that are expected.
func TestWrap(t *testing.T) {
	w, c := allocated(t, nil)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	other := packet.Addr{IP: 7, Port: 7}
	c.Bind(w.now, other)
	if b := c.Wrap(nil, other, nil); len(b) != 44 {
		t.Errorf("%d octets before the channel is bound", len(b))
	}
	for n := range 9 {
		payload := []byte("12345678")[:n]
		b := c.Wrap(append([]byte("before"), "used before, and longer than what comes here now"...)[:6], peerA, payload)
		if got := strings.Trim(string(b[6+36+n:6+36+(n+3)/4*4]), "\x00"); got != "" {
			t.Errorf("padding %q", got)
		}
		m := stun.Message{Raw: b[6:]}
		if string(b[:6]) != "before" || m.Decode() != nil || stun.Fingerprint.Check(&m) != nil || len(b) != 6+44+(n+3)/4*4 {
			t.Fatalf("%q", b)
		}
		if got, err := m.Get(stun.AttrData); err != nil || string(got) != string(payload) || readAddr(t, &m, stun.AttrXORPeerAddress) != peerA {
			t.Errorf("%v", &m)
		}
		if b := c.Wrap([]byte("before"), peerB, payload); string(b) != "before"+string(channelData(0x4000, string(payload))) {
			t.Errorf("%q", b)
		}
	}
	a, b := stun.Message{Raw: c.Wrap(nil, peerA, nil)}, stun.Message{Raw: c.Wrap(nil, peerA, nil)}
	if a.Decode() != nil || b.Decode() != nil || a.TransactionID == b.TransactionID {
		t.Error("two indications have one identifier")
	}
}
