package fabric

import (
	"context"
	"math"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// A net is two nodes, A and B, with one link from A to B and a sink at B.
type net struct {
	t    testing.TB
	loop *engine.Loop
	f    *Fabric
	link *Link
	src  *Port
	got  []arrival
}

type arrival struct {
	at simtime.Time
	id uint64
}

const (
	srcAddr packet.IPv4 = 0x0a000001
	dstAddr packet.IPv4 = 0x0a000002
)

func newNet(t testing.TB, c LinkConfig) *net {
	n := &net{t: t, loop: &engine.Loop{}}
	n.f = New(n.loop, rng.New(1))
	a, b := n.f.AddNode("A"), n.f.AddNode("B")
	c.Name = "A-B"
	n.link = n.f.AddLink(a, b, c)
	n.src = n.f.Attach(a, srcAddr, n)
	n.f.Attach(b, dstAddr, n)
	n.f.Route()
	return n
}

func (n *net) Receive(now simtime.Time, p *packet.Packet) {
	n.got = append(n.got, arrival{now, p.ID})
	n.f.Pool().Release(p)
}

// send schedules a packet of the given size on the link.
func (n *net) send(at time.Duration, size units.Bytes) {
	n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		p := n.f.Pool().New()
		p.SetPayload(int(size - packet.HeaderIPv4UDP))
		p.Dst.IP = dstAddr
		n.src.Send(now, p)
	})).Set(simtime.At(at))
}

func (n *net) run(d time.Duration) {
	n.t.Helper()
	if err := n.loop.Run(context.Background(), simtime.At(d)); err != nil {
		n.t.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		n.t.Error(err)
	}
}

func (n *net) wantArrivals(want ...time.Duration) {
	n.t.Helper()
	if len(n.got) != len(want) {
		n.t.Fatalf("%d packets arrived, want %d: %v", len(n.got), len(want), n.got)
	}
	for i, w := range want {
		if n.got[i].at != simtime.At(w) {
			n.t.Errorf("packet %d arrived at %v, want %v", i, n.got[i].at, w)
		}
	}
}

func TestSerializationThenPropagation(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: units.Mbps, Delay: 50 * time.Millisecond})
	n.send(0, 1250) // 10 ms at 1 Mbit/s
	n.send(0, 1250)
	n.send(100*time.Millisecond, 125)
	n.run(time.Second)
	n.wantArrivals(60*time.Millisecond, 70*time.Millisecond, 151*time.Millisecond)
}

// A packet in propagation or in the serializer doesn't occupy the queue.
func TestDropTailCountsOnlyWhatWaits(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit Limit
	}{
		{"packets", Limit{Packets: 2}},
		{"bytes", Limit{Bytes: 2500}},
		{"time", Limit{Time: 20 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t, LinkConfig{Rate: units.Mbps, Delay: time.Second, Queue: NewDropTail(c.limit)})
			for range 5 {
				n.send(0, 1250)
			}
			n.run(2 * time.Second)
			if s := n.link.Stats(); s.Refused != 2 || s.Delivered != 3 {
				t.Errorf("refused %d, delivered %d, want 2 and 3", s.Refused, s.Delivered)
			}
		})
	}
}

func TestRateChangeInMidPacket(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: units.Mbps})
	half, zero := 500*units.Kbps, units.BitRate(0)
	n.link.Schedule([]Change{
		{At: simtime.At(5 * time.Millisecond), Rate: &half},
		{At: simtime.At(10 * time.Millisecond), Rate: &zero},
		{At: simtime.At(110 * time.Millisecond), Rate: &half},
	})
	n.send(0, 1250) // 5 ms at 1 Mbit/s, 5 ms at 0.5, an outage of 100 ms, 5 ms more
	n.run(time.Second)
	n.wantArrivals(115 * time.Millisecond)
}

// conformance: RFC8868-4.3
func TestTimeLimitFollowsRate(t *testing.T) {
	q := NewDropTail(Limit{Time: 300 * time.Millisecond})
	for _, c := range []struct {
		rate units.BitRate
		want units.Bytes
	}{{units.Mbps, 37500}, {600 * units.Kbps, 22500}, {2500 * units.Kbps, 93750}} {
		q.SetRate(c.rate)
		if q.bytes != c.want {
			t.Errorf("300 ms at %v are %v, want %v", c.rate, q.bytes, c.want)
		}
	}
}

// conformance: RFC8868-4.4
func TestRandomLossRate(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: Unlimited, Loss: 0.05})
	const total = 40000
	for i := range total {
		n.send(time.Duration(i)*time.Microsecond, 100)
	}
	n.run(time.Second)
	got := float64(n.link.Stats().Lost) / total
	if sigma := math.Sqrt(0.05 * 0.95 / total); math.Abs(got-0.05) > 4*sigma {
		t.Errorf("loss %.4f, want 0.05", got)
	}
}

// conformance: RFC8868-4.5
func TestNRBPDV(t *testing.T) {
	j := &BoundedPDV{
		Mean: 15 * time.Millisecond, Std: 5 * time.Millisecond, Bound: 3,
		Random: rng.New(1).Stream("j"), NoReorder: true,
	}
	var last simtime.Time
	for i := range 20000 {
		at := simtime.At(time.Duration(i) * 3 * time.Millisecond)
		exit := j.Exit(at, 2*time.Millisecond)
		if i > 0 && exit < last.Add(2*time.Millisecond) {
			t.Fatalf("packet %d leaves %v after its predecessor", i, exit.Sub(last))
		}
		last = exit
	}
}

// conformance: RFC8868-4.5
func TestRBPDVMomentsAndReordering(t *testing.T) {
	j := &BoundedPDV{Mean: 15 * time.Millisecond, Std: 5 * time.Millisecond, Bound: 3, Random: rng.New(1).Stream("j")}
	var sum, sq float64
	const total = 100000
	for range total {
		d := j.Exit(0, 0).Seconds() * 1000
		if d < 0 || d > 30 {
			t.Fatalf("delay %v ms is outside 0 to 30", d)
		}
		sum += d
		sq += d * d
	}
	mean := sum / total
	if std := math.Sqrt(sq/total - mean*mean); math.Abs(mean-15) > 0.1 || math.Abs(std-4.97) > 0.1 {
		t.Errorf("mean %.2f ms, standard deviation %.2f ms; want 15 and about 5", mean, std)
	}

	n := newNet(t, LinkConfig{Rate: Unlimited, Jitter: j})
	for i := range 1000 {
		n.send(time.Duration(i)*time.Millisecond, 100)
	}
	n.run(2 * time.Second)
	reordered := 0
	for i := 1; i < len(n.got); i++ {
		if n.got[i].at < n.got[i-1].at {
			t.Fatal("arrivals go back in time")
		}
		if n.got[i].id < n.got[i-1].id {
			reordered++
		}
	}
	if reordered < 100 {
		t.Errorf("only %d packets overtook another", reordered)
	}
}

func TestUnknownDestinationIsCounted(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: units.Mbps})
	p := n.f.Pool().New()
	p.SetPayload(10)
	p.Dst.IP = 99
	n.src.Send(0, p)
	n.run(time.Second)
	if n.f.unroutable != 1 || n.f.Pool().Outstanding() != 0 {
		t.Error("the packet isn't counted, or is lost")
	}
}

func TestConservationNoticesALostPacket(t *testing.T) {
	n := newNet(t, LinkConfig{Rate: units.Mbps, Delay: time.Second})
	n.send(0, 500)
	n.run(100 * time.Millisecond)
	n.link.flight.pop() // sabotage
	if n.f.CheckConservation(0) == nil {
		t.Error("a vanished packet goes unnoticed")
	}
}

func TestDigestSeesEveryDifference(t *testing.T) {
	run := func(change func(n *net)) string {
		n := newNet(t, LinkConfig{Rate: units.Mbps, Delay: time.Millisecond})
		n.send(0, 500)
		n.send(time.Millisecond, 500)
		change(n)
		n.run(time.Second)
		return n.f.Digest()
	}
	base := run(func(*net) {})
	if again := run(func(*net) {}); again != base {
		t.Fatal("two equal runs differ")
	}
	for name, change := range map[string]func(*net){
		"a nanosecond of delay": func(n *net) { n.link.Delay++ },
		"another packet":        func(n *net) { n.send(2*time.Millisecond, 500) },
		"a byte of size":        func(n *net) { n.send(3*time.Millisecond, 501) },
	} {
		if run(change) == base {
			t.Errorf("%s doesn't change the digest", name)
		}
	}
}

func TestRoutesTakeFewestLinks(t *testing.T) {
	loop := &engine.Loop{}
	f := New(loop, rng.New(1))
	a, b, c, d := f.AddNode("a"), f.AddNode("b"), f.AddNode("c"), f.AddNode("d")
	link := func(from, to *Node) *Link {
		return f.AddLink(from, to, LinkConfig{Name: from.Name + to.Name, Rate: Unlimited})
	}
	ab, bc, cd, ad := link(a, b), link(b, c), link(c, d), link(a, d)
	pa, pc, pd := f.Attach(a, 1, nil), f.Attach(c, 3, nil), f.Attach(d, 4, nil)
	f.Route()
	if got := f.Path(pa, pd); len(got) != 1 || got[0] != ad {
		t.Errorf("a to d goes over %d links", len(got))
	}
	if got := f.Path(pa, pc); len(got) != 2 || got[0] != ab || got[1] != bc {
		t.Error("a to c doesn't go over b")
	}
	if f.Path(pd, pa) != nil {
		t.Error("there is no way back, but a path was found")
	}
	_ = cd
}
