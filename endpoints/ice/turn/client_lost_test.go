package turn_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// withPeers returns a world with a client that has a permission and a channel.
func withPeers(t *testing.T) (*world, *end) {
	t.Helper()
	w, c := allocated(t, nil)
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + time.Second)
	return w, c
}

// still fails unless data flow both ways to both peers.
func still(t *testing.T, w *world, c *end) {
	t.Helper()
	if err := errors.Join(exchange(w, c, peerA, false), exchange(w, c, peerB, true)); err != nil {
		t.Error(err)
	}
	w.settled()
}

// An allocation that is there stays.
func TestRefresh(t *testing.T) {
	w, c := withPeers(t)
	relayed := c.relayed(t)
	w.run(5 * time.Minute)
	c.Refresh(w.now)
	c.Refresh(w.now)
	w.run(w.now.Duration() + time.Second)
	if got := c.relayed(t); got != relayed || c.Counts().Lost != 0 {
		t.Errorf("%v, then %v, %+v", relayed, got, c.Counts())
	}
	if at := w.server.NextTimeout(); at < simtime.At(15*time.Minute) {
		t.Errorf("it ends at %v", at)
	}
	still(t, w, c)
}

// A server that has begun anew knows nothing of the allocation (RFC 8656 §8.3): there is another one, with the same
// permissions and channels.
func TestRefreshAfterRestart(t *testing.T) {
	for name, notice := range map[string]func(w *world, c *end){
		"asked":                func(w *world, c *end) { c.Refresh(w.now) },
		"when it is refreshed": func(w *world, _ *end) { w.run(10 * time.Minute) },
		"by a permission":      func(w *world, c *end) { c.Permit(w.now, 7) },
		"by a channel":         func(w *world, c *end) { c.Bind(w.now, packet.Addr{IP: 7, Port: 7}) },
	} {
		t.Run(name, func(t *testing.T) {
			w, c := withPeers(t)
			relayed := c.relayed(t)
			second := config(w.pool)
			second.Random = rng.New(9).Stream("server")
			w.server = turn.NewServer(second)
			notice(w, c)
			w.run(w.now.Duration() + time.Second)
			if got := c.relayed(t); got == relayed || c.Counts().Lost != 1 || c.Counts().Allocations != 2 {
				t.Errorf("%v, then %v, %+v", relayed, got, c.Counts())
			}
			still(t, w, c)
		})
	}
}

// After a change of the network, or of what a NAT makes of it, the server sees somebody else.
func TestRefreshFromElsewhere(t *testing.T) {
	w, c := withPeers(t)
	relayed := c.relayed(t)
	c.addr = packet.Addr{IP: 77<<24 + 1, Port: 1234}
	if exchange(w, c, peerA, false) == nil {
		t.Error("data flow from another address")
	}
	c.Refresh(w.now)
	if c.State() != turn.Allocated {
		t.Errorf("%v before there is an answer", c)
	}
	w.run(w.now.Duration() + time.Second)
	if got := c.relayed(t); got == relayed {
		t.Errorf("%v still", got)
	}
	if mapped, _ := c.Mapped(); mapped != c.addr {
		t.Errorf("mapped address %v", mapped)
	}
	still(t, w, c)
	w.run(12 * time.Minute)
	if n := w.server.Counts(); n.Allocations != 2 || n.Expired != 1 {
		t.Errorf("%+v", n)
	}
}

// If nobody answers, there is another try for an allocation; and if the old one is found in the way then, it is released.
func TestRefreshWithoutAnswer(t *testing.T) {
	w, c := withPeers(t)
	w.passes = func(*packet.Packet) bool { return w.now >= simtime.At(50*time.Second) }
	c.Refresh(w.now)
	c.Send(w.now, packet.Addr{IP: 7, Port: 7}, []byte("waits"))
	w.run(42 * time.Second)
	if c.State() != turn.Allocating || c.Counts().Lost != 1 {
		t.Errorf("%v, %+v", c, c.Counts())
	}
	if c.Permitted(peerA.IP) || len(c.Wrap(nil, peerB, nil)) == 4 {
		t.Error("permissions and channels of what is gone")
	}
	for _, b := range [][]byte{channelData(0x4000, "late"), stun.MustBuild(stun.NewType(stun.MethodData, stun.ClassIndication), stun.TransactionID, xorPeer(peerA), dataAttr("late")).Raw} {
		if _, _, ok := c.HandlePayload(w.now, b); ok {
			t.Error("data of what is gone")
		}
	}
	w.run(time.Minute)
	if n := w.server.Counts(); n.Allocations != 2 || n.Deleted != 1 {
		t.Errorf("%+v", n)
	}
	still(t, w, c)

	w.passes = func(*packet.Packet) bool { return false }
	c.Refresh(w.now)
	w.run(w.now.Duration() + 50*time.Second)
	c.Send(w.now, peerA, []byte("in vain"))
	w.run(w.now.Duration() + 30*time.Second)
	if c.State() != turn.Failed || !errors.Is(c.Err(), turn.ErrNoAnswer) || c.Permitted(peerA.IP) || c.Counts().Dropped != 1 {
		t.Errorf("%v: %v, %+v", c, c.Err(), c.Counts())
	}
	c.Send(w.now, peerA, []byte("in vain"))
	if c.Poll() != nil || c.Counts().Dropped != 2 {
		t.Errorf("%+v", c.Counts())
	}
	w.passes = nil
	c.Allocate(w.now)
	c.Permit(w.now, peerA.IP)
	c.Bind(w.now, peerB)
	w.run(w.now.Duration() + 2*time.Second)
	still(t, w, c)
}

// A refresh that is refused for another reason is the end of it.
func TestRefreshRefused(t *testing.T) {
	client := newClient()
	client.Allocate(0)
	refuses := false
	answer := func(_ simtime.Time, m *stun.Message) []byte {
		if refuses {
			return refuse(m, stun.CodeServerError)
		}
		return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr)
	}
	converse(t, client, 0, 1, answer)
	client.Refresh(1)
	refuses = true
	converse(t, client, 1, 2, answer)
	var refused *turn.RefusedError
	if client.State() != turn.Failed || !errors.As(client.Err(), &refused) || refused.Code != 500 || refused.Method != "Refresh" {
		t.Errorf("%v: %v", client, client.Err())
	}
}

// A server may say in its own way that nothing is left.
func TestRefreshedForNothing(t *testing.T) {
	client := newClient()
	client.Allocate(0)
	answer := func(_ simtime.Time, m *stun.Message) []byte {
		if m.Type.Method == stun.MethodRefresh {
			return respond(m, stun.ClassSuccessResponse, lifetimeAttr(0))
		}
		return respond(m, stun.ClassSuccessResponse, xorRelayed(peerA), lifetimeAttr(time.Hour), mappedAttr)
	}
	converse(t, client, 0, 1, answer)
	client.Refresh(1)
	converse(t, client, 1, 2, answer)
	if n := client.Counts(); client.State() != turn.Allocated || n.Lost != 1 || n.Allocations != 2 {
		t.Errorf("%v, %+v", client, n)
	}
}

// Another client's allocation at the same address is in the way, and stays (RFC 8656 §7.4).
func TestMismatch(t *testing.T) {
	w, first := allocated(t, nil)
	w.ends = nil
	second := w.add(0, "alice", "secret") // behind the same address and port
	second.Allocate(w.now)
	w.run(w.now.Duration() + time.Second)
	var refused *turn.RefusedError
	if second.State() != turn.Failed || !errors.As(second.Err(), &refused) || refused.Code != 437 {
		t.Errorf("%v: %v", second, second.Err())
	}
	if n := w.server.Counts(); n.Deleted != 0 || first.State() != turn.Allocated {
		t.Errorf("%+v", n)
	}
}

// A server that grants little is asked often.
func TestShortLifetime(t *testing.T) {
	w, c := allocated(t, func(c *turn.ServerConfig) { c.MaxLifetime = 50 * time.Second })
	relayed := c.relayed(t)
	w.run(10 * time.Minute)
	if c.relayed(t) != relayed || c.Counts().Lost != 0 || w.server.Counts().Expired != 0 {
		t.Errorf("%+v", c.Counts())
	}
	if n := c.Counts().Requests; n > 30 {
		t.Errorf("%d requests", n)
	}
}

// Whoever asks again doesn't wait for what was asked before.
func TestRefreshAgain(t *testing.T) {
	w, c := allocated(t, nil)
	w.passes = func(*packet.Packet) bool { return false }
	w.run(time.Second)
	c.Refresh(w.now)
	w.run(11 * time.Second)
	c.Refresh(w.now)
	w.run(50 * time.Second)
	if c.State() != turn.Allocated {
		t.Errorf("%v when the first is given up", c)
	}
	w.run(51 * time.Second)
	if c.State() != turn.Allocating {
		t.Errorf("%v when the second is given up", c)
	}
}

// An allocation of which the client hasn't heard is found in the way, and makes room: its answers were lost, or came after a
// nonce had become too old for its copies.
func TestLeftovers(t *testing.T) {
	w := newWorld(t, 1, nil)
	c := w.ends[0]
	w.passes = func(p *packet.Packet) bool { return p.Src != serverAddr || w.now < simtime.At(50*ms) }
	c.Allocate(0)
	w.run(time.Minute)
	if c.State() != turn.Failed || w.server.Counts().Allocations != 1 {
		t.Fatalf("%v", c)
	}
	w.passes = nil
	c.Allocate(w.now)
	w.run(w.now.Duration() + time.Second)
	if n := w.server.Counts(); c.State() != turn.Allocated || n.Allocations != 2 || n.Deleted != 1 {
		t.Errorf("%v: %v, %+v", c, c.Err(), n)
	}

	w = newWorld(t, 1, func(c *turn.ServerConfig) { c.NonceLifetime = 300 * ms })
	c = w.ends[0]
	w.passes = func(p *packet.Packet) bool {
		return p.Src != serverAddr || w.now < simtime.At(50*ms) || w.now > simtime.At(400*ms)
	}
	c.Allocate(0)
	w.run(2 * time.Second)
	if n := w.server.Counts(); c.State() != turn.Allocated || n.Allocations != 2 || n.Deleted != 1 {
		t.Errorf("%v: %v, %+v", c, c.Err(), n)
	}
}
