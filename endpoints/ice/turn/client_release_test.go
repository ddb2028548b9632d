package turn_test

import (
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/ice/turn"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// What is released is gone for both, and can be had again, at any moment of it.
func TestRelease(t *testing.T) {
	for _, wait := range []time.Duration{0, 10 * ms, 30 * ms, 50 * ms, 70 * ms, 90 * ms, 500 * ms} {
		for _, again := range []time.Duration{0, 10 * ms, 30 * ms, 50 * ms, 70 * ms, 500 * ms, -1} {
			w := newWorld(t, 1, nil)
			c := w.ends[0]
			c.Allocate(0)
			c.Permit(0, peerA.IP)
			w.run(wait)
			c.Release(w.now)
			if _, ok := c.Relayed(); ok || c.State() != turn.Idle || c.Permitted(peerA.IP) {
				t.Errorf("after %v: %v", wait, c)
			}
			if again >= 0 {
				w.run(w.now.Duration() + again)
				c.Allocate(w.now)
				c.Permit(w.now, peerA.IP)
				c.Bind(w.now, peerB)
				w.run(w.now.Duration() + time.Second)
				if c.State() != turn.Allocated {
					t.Fatalf("after %v, and again after %v: %v: %v", wait, again, c, c.Err())
				}
				still(t, w, c)
				c.Release(w.now)
			}
			w.run(w.now.Duration() + time.Second)
			if n := w.server.Counts(); n.Allocations != n.Deleted || n.Expired != 0 || c.State() != turn.Idle || c.NextTimeout() != simtime.Never {
				t.Errorf("after %v, and again after %v: %+v, %v", wait, again, n, c)
			}
		}
	}
}

// The server is told that an allocation isn't wanted until it answers; and what it doesn't hear of ends by itself.
func TestReleaseIsLost(t *testing.T) {
	w, c := allocated(t, nil)
	w.passes = func(*packet.Packet) bool { return w.now >= simtime.At(5*time.Second) }
	c.Release(w.now)
	w.run(10 * time.Second)
	if n := w.server.Counts(); n.Deleted != 1 {
		t.Errorf("%+v", n)
	}
	w, c = allocated(t, nil)
	w.passes = func(*packet.Packet) bool { return false }
	c.Release(w.now)
	w.run(time.Minute)
	if c.State() != turn.Idle || c.NextTimeout() != simtime.Never || c.Err() != nil {
		t.Errorf("%v: %v", c, c.Err())
	}
	w.passes = nil
	c.Allocate(w.now) // there is one in the way, which is the client's own
	w.run(w.now.Duration() + time.Second)
	if n := w.server.Counts(); c.State() != turn.Allocated || n.Allocations != 2 || n.Deleted != 1 {
		t.Errorf("%v: %v, %+v", c, c.Err(), n)
	}
	w.run(9 * time.Minute)
}

// isA reports whether a packet is a request of some method.
func isA(p *packet.Packet, method stun.Method) bool {
	m := stun.Message{Raw: p.Payload}
	return m.Decode() == nil && m.Type == stun.NewType(method, stun.ClassRequest)
}

// Who changes his mind while the server hasn't heard yet that an allocation isn't wanted, waits for that, and gets another; or
// gets none, if he changes it once more.
func TestAllocateWhileReleasing(t *testing.T) {
	for _, more := range []bool{false, true} {
		w, c := allocated(t, nil)
		lost := false
		w.passes = func(p *packet.Packet) bool {
			first := !lost && isA(p, stun.MethodRefresh)
			lost = lost || first
			return !first
		}
		c.Release(w.now)
		w.run(w.now.Duration() + 10*ms)
		c.Allocate(w.now)
		if more {
			c.Release(w.now)
		}
		w.run(w.now.Duration() + 2*time.Second)
		want := turn.ServerCounts{Allocations: 2, Deleted: 1, Challenged: 1}
		state := turn.Allocated
		if more {
			want.Allocations, state = 1, turn.Idle
		}
		if n := w.server.Counts(); n != want || c.State() != state {
			t.Errorf("released once more: %t: %+v, %v: %v", more, n, c, c.Err())
		}
	}
}

// Who doesn't want an allocation any more, before the server knows who wants one, asks no further.
func TestReleaseBeforeChallenge(t *testing.T) {
	w := newWorld(t, 1, nil)
	c := w.ends[0]
	c.Allocate(0)
	w.run(10 * ms)
	c.Release(w.now)
	w.run(time.Minute)
	if n := c.Counts(); n.Requests != 1 || n.Retransmitted != 0 || w.server.Counts().Allocations != 0 {
		t.Errorf("%+v", n)
	}
}
