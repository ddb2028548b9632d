package aqm

import (
	"context"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const ms = time.Millisecond

func stream(name string) *rng.Stream { return rng.New(1).Stream(name) }

// disciplines makes every discipline with limits small enough to matter.
var disciplines = []struct {
	name string
	make func() fabric.Queue
}{
	{"droptail", func() fabric.Queue { return fabric.NewDropTail(fabric.Limit{Packets: 100}) }},
	{"red", func() fabric.Queue {
		c := DefaultRED()
		c.Weight, c.ECN, c.Limit = 0.02, true, fabric.Limit{Packets: 40}
		return NewRED(c, stream("red"))
	}},
	{"red-bytes", func() fabric.Queue {
		c := DefaultRED()
		c.MinThreshold, c.MaxThreshold, c.InBytes, c.Gentle = 5000, 30000, true, false
		c.Weight, c.Limit = 0.02, fabric.Limit{Bytes: 60000}
		return NewRED(c, stream("red"))
	}},
	{"codel", func() fabric.Queue { return NewCoDel(DefaultCoDel()) }},
	{"codel-ecn", func() fabric.Queue {
		c := DefaultCoDel()
		c.ECN, c.Limit = true, fabric.Limit{Time: 200 * ms}
		return NewCoDel(c)
	}},
	{"fqcodel", func() fabric.Queue {
		c := DefaultFQCoDel()
		c.Flows, c.Limit, c.CEThreshold = 16, 100, 3*ms
		return NewFQCoDel(c, stream("fq"))
	}},
	{"fqcodel-memory", func() fabric.Queue {
		c := DefaultFQCoDel()
		c.MemoryLimit, c.ECN = 40000, false
		return NewFQCoDel(c, stream("fq"))
	}},
	{"pie", func() fabric.Queue {
		c := DefaultPIE()
		c.ECN, c.MarkECNThreshold = true, 1
		return NewPIE(c, stream("pie"))
	}},
	{"pie-derandomized", func() fabric.Queue {
		c := DefaultPIE()
		c.Derandomize, c.CapIncrease = true, true
		return NewPIE(c, stream("pie"))
	}},
	{"dualpi2", func() fabric.Queue { return NewDualPI2(DefaultDualPI2()) }},
	{"dualpi2-step", func() fabric.Queue {
		c := DefaultDualPI2()
		c.MinThreshold, c.Range, c.ECN, c.MinBacklog = ms, 0, false, 2*MTU
		return NewDualPI2(c)
	}},
	{"strict", func() fabric.Queue { return NewBands(threeBands(Strict)) }},
	{"weighted", func() fabric.Queue { return NewBands(threeBands(Weighted)) }},
}

// threeBands puts a CoDel before a PIE and a DualPI2, by DSCP.
func threeBands(s Scheduler) BandsConfig {
	classifier, err := NewDSCPClassifier([][]uint8{{EF}, {AF41, AF42}, {DF}}, 2)
	must(err)
	return BandsConfig{
		Bands: []Band{
			{Name: "EF", Queue: NewCoDel(DefaultCoDel()), Weight: 1},
			{Name: "AF4", Queue: NewPIE(DefaultPIE(), stream("band")), Weight: 2},
			{Name: "DF", Queue: NewDualPI2(DefaultDualPI2()), Weight: 5},
		},
		Classifier: classifier,
		Scheduler:  s,
	}
}

// rig drives a queue without a link.
type rig struct {
	pool    packet.Pool
	q       fabric.Queue
	dropped []*packet.Packet // after acceptance, not released
	last    uint64
	onDrop  fabric.DropFunc
}

func (r *rig) drop() fabric.DropFunc {
	if r.onDrop == nil {
		r.onDrop = func(p *packet.Packet) { r.dropped = append(r.dropped, p) }
	}
	return r.onDrop
}

func (r *rig) put(now simtime.Time, size units.Bytes, ecn packet.ECN, change ...func(*packet.Packet)) fabric.Verdict {
	p := r.pool.New()
	p.SetPayload(int(size - packet.HeaderIPv4UDP))
	r.last++
	p.ID, p.ECN, p.ECNBefore, p.ArrivedAt = r.last, ecn, ecn, now
	for _, f := range change {
		f(p)
	}
	v := r.q.Enqueue(now, p, r.drop())
	if v == fabric.Dropped {
		r.pool.Release(p)
	}
	return v
}

func (r *rig) take(now simtime.Time) *packet.Packet { return r.q.Dequeue(now, r.drop()) }

// net is a link from A to B behind which everything is counted and released.
type net struct {
	tb   testing.TB
	loop *engine.Loop
	f    *fabric.Fabric
	link *fabric.Link
	src  *fabric.Port

	// onDequeued and onLost may be nil.
	onDequeued    func(now simtime.Time, p *packet.Packet, wait time.Duration)
	onTransmitted func(now simtime.Time, p *packet.Packet)
	onLost        func(now simtime.Time, p *packet.Packet, why fabric.DropReason)
	marked        int
}

const dstAddr packet.IPv4 = 0x0a000002

type watch struct {
	fabric.Observer
	n *net
}

func (w watch) PacketDequeued(now simtime.Time, _ *fabric.Link, p *packet.Packet, wait time.Duration) {
	if w.n.onDequeued != nil {
		w.n.onDequeued(now, p, wait)
	}
}

func (w watch) PacketTransmitted(now simtime.Time, _ *fabric.Link, p *packet.Packet) {
	if w.n.onTransmitted != nil {
		w.n.onTransmitted(now, p)
	}
}

func (w watch) PacketDropped(now simtime.Time, _ *fabric.Link, p *packet.Packet, why fabric.DropReason) {
	if w.n.onLost != nil {
		w.n.onLost(now, p, why)
	}
}

func (w watch) PacketMarked(_ simtime.Time, _ *fabric.Link, p *packet.Packet) {
	if p.ECNBefore == packet.NotECT {
		w.n.tb.Errorf("packet %d isn't ECN-capable and was marked", p.ID)
	}
	w.n.marked++
}

func newNet(tb testing.TB, c fabric.LinkConfig) *net {
	return newNetOn(tb, &engine.Loop{}, c)
}

func newNetOn(tb testing.TB, loop *engine.Loop, c fabric.LinkConfig) *net {
	n := &net{tb: tb, loop: loop}
	n.f = fabric.New(n.loop, rng.New(1))
	a, b := n.f.AddNode("A"), n.f.AddNode("B")
	c.Name = "A-B"
	n.link = n.f.AddLink(a, b, c)
	n.src = n.f.Attach(a, 0x0a000001, n)
	n.f.Attach(b, dstAddr, n)
	n.f.Route()
	n.f.Observe(watch{fabric.Nobody, n})
	return n
}

func (n *net) Receive(_ simtime.Time, p *packet.Packet) { n.f.Pool().Release(p) }

func (n *net) send(now simtime.Time, size units.Bytes, change func(*packet.Packet)) {
	p := n.f.Pool().New()
	p.SetPayload(int(size - packet.HeaderIPv4UDP))
	p.Dst.IP = dstAddr
	if change != nil {
		change(p)
	}
	n.src.Send(now, p)
}

// every sends a packet per gap from one time until another.
func (n *net) every(from, until, gap time.Duration, size units.Bytes, change func(*packet.Packet)) {
	n.timer(from, func(now simtime.Time) time.Duration {
		n.send(now, size, change)
		if now.Add(gap) >= simtime.At(until) {
			return 0
		}
		return gap
	})
}

// timer calls a function until it returns 0 as the time to the next call.
func (n *net) timer(from time.Duration, do func(now simtime.Time) time.Duration) {
	var t *engine.Timer
	t = n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		if d := do(now); d > 0 {
			t.Set(now.Add(d))
		}
	}))
	t.Set(simtime.At(from))
}

func (n *net) run(d time.Duration) {
	n.tb.Helper()
	if err := n.loop.Run(context.Background(), simtime.At(d)); err != nil {
		n.tb.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		n.tb.Error(err)
	}
}

func newShaper(loop *engine.Loop, c ShaperConfig) *Shaper {
	return NewShaper(c, func(fire func(simtime.Time)) Timer { return loop.NewTimer(engine.HandlerFunc(fire)) })
}

func withECN(e packet.ECN) func(*packet.Packet) { return func(p *packet.Packet) { p.ECN = e } }

func withPort(port uint16) func(*packet.Packet) {
	return func(p *packet.Packet) { p.Src.Port = port }
}
