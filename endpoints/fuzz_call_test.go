package endpoints

import (
	"testing"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// fuzzCall is two endpoints like those of fuzzEndpoint, with what is on its way
// from one to the other.
type fuzzCall struct {
	t    *testing.T
	pool packet.Pool
	ends [2]*Endpoint
	wire [2][]*packet.Packet // to each end
	now  simtime.Time
}

func newFuzzCall(t *testing.T, f Feedback) *fuzzCall {
	c := &fuzzCall{t: t}
	for i := range c.ends {
		c.ends[i] = fuzzEndpoint(&c.pool, f)
	}
	// The second one has the addresses of the first one's peer.
	s := c.ends[1].connections[0].sessions[0]
	s.config.Local, s.config.Remote = s.config.Remote, s.config.Local
	c.ends[1].config.Name = "B"
	return c
}

// drain takes what an end wants to send and to say.
func (c *fuzzCall) drain(i int) {
	e := c.ends[i]
	for p := e.PollPacket(c.now); p != nil; p = e.PollPacket(c.now) {
		c.wire[1-i] = append(c.wire[1-i], p)
	}
	for _, ok := e.PollEvent(); ok; _, ok = e.PollEvent() {
	}
	if at, why := e.NextTimeout(); at <= c.now {
		e.HandleTimeout(c.now)
		for p := e.PollPacket(c.now); p != nil; p = e.PollPacket(c.now) {
			c.wire[1-i] = append(c.wire[1-i], p)
		}
		if at, _ = e.NextTimeout(); at <= c.now {
			c.t.Fatalf("end %d at %v: deadline %v, reason %d", i, c.now, at, why)
		}
	}
}

// take removes a packet that is on its way to an end; nil if there is none.
func (c *fuzzCall) take(to, which int) *packet.Packet {
	if len(c.wire[to]) == 0 {
		return nil
	}
	which %= len(c.wire[to])
	p := c.wire[to][which]
	c.wire[to] = append(c.wire[to][:which], c.wire[to][which+1:]...)
	return p
}

// do performs an operation on the way to an end.
func (c *fuzzCall) do(op, arg byte) {
	to := int(op & 1)
	switch op >> 1 % 8 {
	case 0, 1: // deliver one, perhaps out of order
		which := 0
		if op>>1%8 == 1 {
			which = int(arg)
		}
		if p := c.take(to, which); p != nil {
			c.ends[to].HandlePacket(c.now, p)
		}
	case 2: // lose
		if p := c.take(to, int(arg)); p != nil {
			c.pool.Release(p)
		}
	case 3: // damage
		if n := len(c.wire[to]); n > 0 {
			p := c.wire[to][int(arg)%n]
			p.Payload[int(arg)*7%len(p.Payload)] ^= 1 << (arg & 7)
			p.ECN = packet.ECN(arg >> 3 & 3)
		}
	case 4: // duplicate
		if n := len(c.wire[to]); n > 0 {
			p, q := c.wire[to][int(arg)%n], c.pool.New()
			copy(q.SetPayload(len(p.Payload)), p.Payload)
			q.Src, q.Dst, q.Size = p.Src, p.Dst, p.Size
			c.wire[to] = append(c.wire[to], q)
		}
	case 5: // time passes
		c.now = c.now.Add(time.Duration(arg) * time.Millisecond)
		for i, e := range c.ends {
			e.HandleTimeout(c.now)
			c.drain(i)
		}
	case 6: // all that is on its way arrives
		for p := c.take(to, 0); p != nil; p = c.take(to, 0) {
			c.ends[to].HandlePacket(c.now, p)
		}
	case 7: // limits
		m := c.ends[to].connections[0].sessions[0].sections[0]
		if arg&1 == 0 {
			m.Limit(c.now, 1000*1<<(arg>>4))
		} else {
			m.Unlimit(c.now)
		}
	}
	c.drain(to)
}

// FuzzEndpoint lets two endpoints talk over a path on which anything happens: each
// two octets are an operation. Nothing may panic, no packet may get lost, and
// deadlines lie ahead.
func FuzzEndpoint(f *testing.F) {
	steady := []byte{}
	for range 60 {
		steady = append(steady, 10, 20, 12, 0, 13, 0)
	}
	f.Add(steady)
	f.Add([]byte{10, 255, 4, 3, 5, 1, 10, 50, 12, 0, 13, 0, 2, 9, 3, 9, 10, 100, 6, 77, 7, 12, 12, 0, 13, 0, 14, 64, 15, 32, 10, 200, 12, 0, 13, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		for _, feedback := range []Feedback{FeedbackRFC8888, FeedbackTWCC, FeedbackREMB, FeedbackECN} {
			c := newFuzzCall(t, feedback)
			for i := range c.ends {
				c.drain(i)
			}
			for i := 0; i+1 < min(len(ops), 600); i += 2 {
				c.do(ops[i]%16, ops[i+1])
			}
			for range 40 {
				c.do(10, 100)
				c.do(12, 0)
				c.do(13, 0)
			}
			held := len(c.wire[0]) + len(c.wire[1]) + c.ends[0].Held() + c.ends[1].Held()
			if got := c.pool.Outstanding(); got != held {
				t.Fatalf("%d packets are out, %d are known", got, held)
			}
		}
	})
}
