package turn_test

import (
	"errors"
	"fmt"
	"slices"
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
