package fabric

import (
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// rewriter sends everything for one address to another, and blocks a third.
type rewriter struct{ from, to, blocked packet.IPv4 }

func (r rewriter) Handle(_ simtime.Time, p *packet.Packet, _ *Link) bool {
	if p.Dst.IP == r.from {
		p.Dst.IP = r.to
	}
	return p.Dst.IP != r.blocked
}

func TestMiddleboxRewritesAndBlocks(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: Unlimited, Delay: time.Millisecond})
	const alias, nobody, forbidden packet.IPv4 = 77, 78, 79
	n.f.Attach(n.link.To(), alias, n)
	n.f.Attach(n.link.To(), forbidden, n)
	n.link.From().Insert(rewriter{from: alias, to: dstAddr, blocked: forbidden})
	n.link.To().Insert(rewriter{from: dstAddr, to: nobody})
	for _, to := range []packet.IPv4{alias, forbidden} {
		p := n.f.Pool().New()
		p.SetPayload(100)
		p.Dst.IP = to
		n.src.Send(0, p)
	}
	n.run(time.Second)
	if n.f.blocked != 1 || n.f.unroutable != 1 || len(n.got) != 0 {
		t.Errorf("%d blocked, %d without a route, %d arrived", n.f.blocked, n.f.unroutable, len(n.got))
	}
	if s := n.link.Stats(); s.Arrived != 1 {
		t.Errorf("%d packets crossed the link", s.Arrived)
	}
}

// batch is a medium that lets packets go together every 10 ms and gives up every
// third one.
type batch struct {
	timer *engine.Timer
	link  *Link
	held  packet.FIFO
	count int
}

func (b *batch) Attach(l *Link) { b.link = l }

func (b *batch) Held(*Link) int { return b.held.Len() }

func (b *batch) Backlogged(now simtime.Time, l *Link) {
	if b.held.Len() == 0 {
		b.timer.Set(now.Add(10 * time.Millisecond))
	}
	b.held.Push(l.Take(now))
}

func (b *batch) Fire(now simtime.Time) {
	for p := b.held.Pop(); p != nil; p = b.held.Pop() {
		if b.count++; b.count%3 == 0 {
			b.link.Abandon(now, p)
			continue
		}
		b.link.Transmit(now, p, 0)
	}
}

func TestMediumTakesTheSerializersPlace(t *testing.T) {
	m := &batch{}
	n := newNet(t, LinkConfig{Rate: units.Mbps, Delay: time.Millisecond, Medium: m})
	m.timer = n.loop.NewTimer(m)
	for i := range 3 {
		n.send(time.Duration(i)*time.Millisecond, 100)
	}
	n.run(5 * time.Millisecond) // conserved with packets in the medium
	n.run(time.Second)
	n.wantArrivals(11*time.Millisecond, 11*time.Millisecond)
	if s := n.link.Stats(); s.Abandoned != 1 || s.Dropped() != 1 {
		t.Errorf("%+v", s)
	}
}

// marker marks at dequeue, as CoDel does.
type marker struct{ *DropTail }

func (m marker) Dequeue(now simtime.Time, drop DropFunc) *packet.Packet {
	p := m.DropTail.Dequeue(now, drop)
	if p != nil {
		p.ECN = packet.CE
	}
	return p
}

func TestOnlyFreshMarksCount(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: units.Mbps, Queue: marker{NewDropTail(Limit{Packets: 10})}})
	for _, ecn := range []packet.ECN{packet.ECT0, packet.CE, packet.ECT1} {
		p := n.f.Pool().New()
		p.SetPayload(100)
		p.Dst.IP, p.ECN = dstAddr, ecn
		n.src.Send(0, p)
	}
	n.run(time.Second)
	if s := n.link.Stats(); s.Marked != 2 {
		t.Errorf("%d packets marked, want 2: the third came with its mark", s.Marked)
	}
}

// During an outage a limit in time stays what it was, and packets wait.
func TestQueueWaitsOutAnOutage(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: units.Mbps, Queue: NewDropTail(Limit{Time: 100 * time.Millisecond})})
	none, back := units.BitRate(0), units.Mbps
	n.link.Schedule([]Change{{At: simtime.At(10 * time.Millisecond), Rate: &none}, {At: simtime.At(time.Second), Rate: &back}})
	for i := range 15 { // 1 kB each; 12.5 kB fit
		n.send(20*time.Millisecond+time.Duration(i), 1000)
	}
	n.run(2 * time.Second)
	if len(n.got) != 12 {
		t.Errorf("%d packets survived the outage, want 12", len(n.got))
	}
}
