package replay

import (
	"context"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/trace"
	"rtpfabric/sim/units"
)

const ms = time.Millisecond

// A net is one link that serves a trace, and a sink behind it.
type net struct {
	t    testing.TB
	loop *engine.Loop
	f    *fabric.Fabric
	m    *Medium
	src  *fabric.Port
	got  []time.Duration
}

func newNet(t testing.TB, repeat bool, at ...uint32) *net {
	n := &net{t: t, loop: &engine.Loop{}}
	n.f = fabric.New(n.loop, rng.New(1))
	a, b := n.f.AddNode("A"), n.f.AddNode("B")
	n.m = NewMedium(n.loop, trace.Opportunities{Milliseconds: at}, repeat)
	n.f.AddLink(a, b, fabric.LinkConfig{Name: "A-B", Medium: n.m})
	n.src = n.f.Attach(a, 1, n)
	n.f.Attach(b, 2, n)
	n.f.Route()
	return n
}

func (n *net) Receive(now simtime.Time, p *packet.Packet) {
	n.got = append(n.got, now.Duration())
	n.f.Pool().Release(p)
}

// send schedules packets of the given size at a time.
func (n *net) send(at time.Duration, sizes ...units.Bytes) {
	n.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		for _, size := range sizes {
			p := n.f.Pool().New()
			p.SetPayload(int(size - packet.HeaderIPv4UDP))
			p.Dst.IP = 2
			n.src.Send(now, p)
		}
	})).Set(simtime.At(at))
}

func (n *net) run(d time.Duration, want ...time.Duration) {
	n.t.Helper()
	if err := n.loop.Run(context.Background(), simtime.At(d)); err != nil {
		n.t.Fatal(err)
	}
	if err := n.f.CheckConservation(0); err != nil {
		n.t.Error(err)
	}
	if !slices.Equal(n.got, want) {
		n.t.Errorf("delivered at %v, want %v", n.got, want)
	}
}

func TestFullPacketFillsOneOpportunity(t *testing.T) {
	n := newNet(t, true, 3, 5, 5, 10)
	n.send(1*ms, 1500, 1500, 1500, 1500)
	n.run(100*ms, 3*ms, 5*ms, 5*ms, 10*ms)
}

// 500 octets count 504 with the TUN header: two fit, and the third finishes at
// the next opportunity, which has 1496 octets left for the fourth and fifth.
func TestSmallPacketsShareAnOpportunity(t *testing.T) {
	n := newNet(t, true, 10, 20, 30)
	n.send(1*ms, 500, 500, 500, 500, 500, 500)
	n.run(100*ms, 10*ms, 10*ms, 20*ms, 20*ms, 20*ms, 30*ms)
}

func TestPacketSpansOpportunities(t *testing.T) {
	n := newNet(t, true, 10, 20, 30)
	n.send(1*ms, 1000, 1000, 4000)
	// 1004; 500 of the second; its other 504 and 1000 of the third; 1504; 1500.
	n.run(100*ms, 10*ms, 20*ms, 40*ms)
}

func TestUnusedOpportunitiesAreLost(t *testing.T) {
	n := newNet(t, true, 1, 1, 1, 1, 10)
	n.send(2*ms, 1500, 1500)
	n.run(100*ms, 10*ms, 11*ms)
}

func TestArrivalAtAnOpportunityIsTooLate(t *testing.T) {
	n := newNet(t, true, 5, 10)
	n.send(5*ms, 1500)        // idle
	n.send(20*ms-1, 100, 100) // waiting for 20 ms
	n.send(20*ms, 200)        // has room at 20 ms, but comes with it
	n.run(100*ms, 10*ms, 20*ms, 20*ms, 25*ms)
}

func TestRepeats(t *testing.T) {
	n := newNet(t, true, 0, 4, 10)
	n.send(7*ms, 1500, 1500, 1500)
	// 10 is the end of one pass and the 0 of the next.
	n.send(1234*ms+500*time.Microsecond, 1500)
	n.send(50*time.Second, 1500, 1500)
	n.run(time.Minute, 10*ms, 10*ms, 14*ms, 1240*ms, 50*time.Second+4*ms, 50*time.Second+10*ms)
}

func TestEndsWithoutRepeat(t *testing.T) {
	n := newNet(t, false, 2, 4)
	n.send(1*ms, 1500, 1500, 1500)
	n.send(9*ms, 1500)
	n.run(time.Second, 2*ms, 4*ms)
}

// Over a long backlog the link carries every octet of every opportunity.
func TestBackloggedLinkCarriesEverything(t *testing.T) {
	r := rng.New(7).Stream("trace")
	var at []uint32
	for now := uint32(1); len(at) < 2000; now += uint32(r.Uint64() % 5) {
		at = append(at, now)
	}
	n := newNet(t, true, at...)
	var sizes []units.Bytes
	var sum units.Bytes
	for sum < 2000*trace.OpportunitySize {
		s := 100 + units.Bytes(r.Uint64()%1400)
		sizes = append(sizes, s)
		sum += s + Overhead
	}
	n.send(0, sizes...)
	if err := n.loop.Run(context.Background(), simtime.At(n.m.period)); err != nil {
		t.Fatal(err)
	}
	if len(n.got) != len(sizes)-1 && sum != 2000*trace.OpportunitySize {
		t.Errorf("%d of %d packets went through in one pass, want all but the last", len(n.got), len(sizes))
	}
	if n.m.Used() != 2000 || n.m.Wasted() != 0 {
		t.Errorf("used %d, wasted %d, want 2000 and 0", n.m.Used(), n.m.Wasted())
	}
}

// model is mm-link's rule in its plainest form: it walks through every
// opportunity and returns when each packet leaves.
func model(at []uint32, arrivals []time.Duration, sizes []units.Bytes, until time.Duration) []time.Duration {
	var out []time.Duration
	first, left := 0, sizes[0]+Overhead
	for base := time.Duration(0); ; base += time.Duration(at[len(at)-1]) * ms {
		for _, o := range at {
			now := base + time.Duration(o)*ms
			if now > until {
				return out
			}
			for room := trace.OpportunitySize; room > 0 && first < len(sizes) && arrivals[first] < now; {
				n := min(room, left)
				room, left = room-n, left-n
				if left > 0 {
					continue
				}
				out = append(out, now)
				if first++; first < len(sizes) {
					left = sizes[first] + Overhead
				}
			}
		}
	}
}

// Random traffic over random traces, idle and backlogged, leaves when the model
// says.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rng.New(seed).Stream("model")
		at := []uint32{uint32(r.Uint64() % 3)}
		for range r.Uint64() % 40 {
			at = append(at, at[len(at)-1]+uint32(r.Uint64()%4*(r.Uint64()%10)))
		}
		at = append(at, at[len(at)-1]+1)
		n := newNet(t, true, at...)
		var arrivals []time.Duration
		var sizes []units.Bytes
		now := time.Duration(0)
		for range 300 {
			// Half of the arrivals are at whole milliseconds, where
			// opportunities are, and some come together.
			now += time.Duration(r.Uint64()%3*(r.Uint64()%8)) * ms / time.Duration(1+r.Uint64()%2)
			if r.Bool(0.02) {
				now += 500 * ms
			}
			arrivals = append(arrivals, now)
			sizes = append(sizes, 28+units.Bytes(r.Uint64()%1473))
			n.send(now, sizes[len(sizes)-1])
		}
		n.run(now+time.Second, model(at, arrivals, sizes, now+time.Second)...)
		if t.Failed() {
			t.Fatalf("seed %d, trace %v", seed, at)
		}
	}
}

func BenchmarkMedium(b *testing.B) {
	n := newNet(b, true, 1, 1, 2, 3, 5)
	n.send(0, 1200)
	_ = n.loop.Run(context.Background(), simtime.At(time.Second))
	now := simtime.At(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		p := n.f.Pool().New()
		p.SetPayload(1172)
		p.Dst.IP = 2
		n.src.Send(now, p)
		now = now.Add(5 * ms)
		n.got = n.got[:0]
		_ = n.loop.Run(context.Background(), now)
	}
}
