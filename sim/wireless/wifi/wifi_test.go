package wifi

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A net is n nodes and an access point, with a link to the access point from
// each, and one back where wanted.
type net struct {
	t    testing.TB
	loop *engine.Loop
	f    *fabric.Fabric
	ch   *Channel
	ap   *fabric.Node
	up   []*fabric.Link
	down []*fabric.Link
	ends []*end
	apAt []*end
}

// An end sends packets and takes them. A greedy one sends a packet for each that
// arrives at its peer, so that its queue never runs empty.
type end struct {
	n      *net
	port   *fabric.Port
	peer   *end
	greedy bool
	size   units.Bytes
	dscp   uint8
	got    []uint64 // IDs, if kept
	at     []simtime.Time
	keep   bool
	count  int
	bytes  units.Bytes
}

func newNet(t testing.TB, c Config) *net {
	n := &net{t: t, loop: &engine.Loop{}}
	source := rng.New(7)
	n.f = fabric.New(n.loop, source)
	ch, err := NewChannel(n.loop, source.Stream("wifi"), c)
	if err != nil {
		t.Fatal(err)
	}
	n.ch = ch
	n.ap = n.f.AddNode("ap")
	return n
}

func (n *net) queue() fabric.Queue {
	plain := func() fabric.Queue { return fabric.NewDropTail(fabric.Limit{Packets: 10000}) }
	if n.ch.config.WMM {
		return NewClassQueue(plain)
	}
	return plain()
}

// station adds a node with a link each way.
func (n *net) station(s *StationConfig) *end {
	i := len(n.ends)
	name := fmt.Sprintf("sta%d", i)
	if s != nil {
		if err := n.ch.SetStation(name, *s); err != nil {
			n.t.Fatal(err)
		}
	}
	node := n.f.AddNode(name)
	add := func(from, to *fabric.Node, dir string) *fabric.Link {
		return n.f.AddLink(from, to, fabric.LinkConfig{
			Name: name + "/" + dir, Rate: 10 * units.Mbps, Queue: n.queue(), Medium: n.ch,
		})
	}
	n.up = append(n.up, add(node, n.ap, "forward"))
	n.down = append(n.down, add(n.ap, node, "backward"))
	a, b := &end{n: n}, &end{n: n}
	a.peer, b.peer = b, a
	a.port = n.f.Attach(node, packet.IPv4(1+i), a)
	b.port = n.f.Attach(n.ap, packet.IPv4(1001+i), b)
	n.ends, n.apAt = append(n.ends, a), append(n.apAt, b)
	return a
}

func (e *end) Receive(now simtime.Time, p *packet.Packet) {
	e.count++
	e.bytes += p.Size
	if e.keep {
		e.got = append(e.got, p.ID)
		e.at = append(e.at, now)
	}
	e.n.f.Pool().Release(p)
	if e.peer.greedy {
		e.peer.send(now)
	}
}

func (e *end) send(now simtime.Time) {
	p := e.n.f.Pool().New()
	p.SetPayload(int(e.size - packet.HeaderIPv4UDP))
	p.Dst = packet.Addr{IP: e.peer.port.Addr()}
	p.DSCP = e.dscp
	e.port.Send(now, p)
}

// saturate gives the end a backlog that never ends. What was given up at the
// retry limit is made up for every 20 ms.
func (e *end) saturate(size units.Bytes, backlog int) {
	e.greedy, e.size = true, size
	var tm *engine.Timer
	sent := 0
	tm = e.n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		for ; sent-e.dropped() < backlog; sent++ {
			e.send(now)
		}
		tm.Set(now.Add(20 * time.Millisecond))
	}))
	tm.Set(0)
}

// dropped counts the packets given up on the end's way to its peer.
func (e *end) dropped() int {
	for i, x := range e.n.ends {
		if x == e {
			return int(e.n.up[i].Stats().Dropped())
		}
	}
	for i, x := range e.n.apAt {
		if x == e {
			return int(e.n.down[i].Stats().Dropped())
		}
	}
	return 0
}

// each sends a packet at fixed intervals, count times.
func (e *end) each(start, gap time.Duration, size units.Bytes, count int) {
	e.size = size
	var tm *engine.Timer
	tm = e.n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		e.send(now)
		if count--; count > 0 {
			tm.Set(now.Add(gap))
		}
	}))
	tm.Set(simtime.At(start))
}

func (n *net) run(d time.Duration) {
	n.t.Helper()
	n.f.Route()
	n.resume(d)
}

func (n *net) resume(until time.Duration) {
	n.t.Helper()
	if err := n.loop.Run(context.Background(), simtime.At(until)); err != nil {
		n.t.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		n.t.Fatal(err)
	}
}

func (n *net) stats(i int) StationStats {
	s, ok := n.ch.StationStats(fmt.Sprintf("sta%d", i))
	if !ok {
		n.t.Fatalf("no station %d", i)
	}
	return s
}

func want(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if d := got - want; d > relative*want || d < -relative*want {
		t.Errorf("%s: %.5g, want %.5g within %.2g %%", what, got, want, 100*relative)
	}
}
