package impair_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/impair"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func stream(name string) *rng.Stream { return rng.New(1).Stream(name) }

func fates(m fabric.Impairment, n int, size units.Bytes) []fabric.Fate {
	out := make([]fabric.Fate, n)
	for i := range out {
		out[i] = m.Impair(simtime.Time(i), &packet.Packet{Size: size, Payload: make([]byte, 16)})
	}
	return out
}

// within reports whether an observed share lies in the 99.9 % interval of a
// binomial distribution with independent trials.
func within(share, p float64, n int) bool {
	return math.Abs(share-p) <= 3.29*math.Sqrt(p*(1-p)/float64(n))
}

func share(f []fabric.Fate, what fabric.Fate) float64 {
	n := 0
	for _, x := range f {
		if x == what {
			n++
		}
	}
	return float64(n) / float64(len(f))
}

// Stationary loss and mean burst of losses against theory. With LossGood 0 and
// LossBad 1 a burst of losses is a visit to the bad state, which lasts
// 1/BadToGood packets; the variance of the loss share is larger than a
// binomial's by (1+d)/(1−d) with d = 1−p−r.
//
// conformance: RFC8868-4.4
func TestGilbertElliott(t *testing.T) {
	const n = 2_000_000
	for _, g := range []impair.GilbertElliott{
		{GoodToBad: 0.01, BadToGood: 0.3, LossBad: 1},
		{GoodToBad: 0.002, BadToGood: 0.05, LossBad: 1},
		{GoodToBad: 0.01, BadToGood: 0.2, LossGood: 0.001, LossBad: 0.5},
		{GoodToBad: 0.05, BadToGood: 0.05, LossGood: 0.01, LossBad: 0.9},
	} {
		g.Random = stream("ge")
		f := fates(&g, n, 1200)
		got, want := share(f, fabric.Lose), g.MeanLoss()
		d := 1 - g.GoodToBad - g.BadToGood
		bad := g.GoodToBad / (g.GoodToBad + g.BadToGood)
		spread := (g.LossBad - g.LossGood) * (g.LossBad - g.LossGood) * bad * (1 - bad)
		variance := want*(1-want) + 2*spread*d/(1-d)
		if math.Abs(got-want) > 3.29*math.Sqrt(variance/n) {
			t.Errorf("%+v: loss %.5f, theory %.5f", g, got, want)
		}
		if g.LossBad < 1 || g.LossGood > 0 {
			continue
		}
		bursts, lost := 0, 0
		for i, x := range f {
			if x == fabric.Lose {
				lost++
				if i == 0 || f[i-1] != fabric.Lose {
					bursts++
				}
			}
		}
		mean, r := float64(lost)/float64(bursts), g.BadToGood
		if sd := math.Sqrt((1-r)/(r*r)) / math.Sqrt(float64(bursts)); math.Abs(mean-1/r) > 3.29*sd {
			t.Errorf("%+v: mean burst %.3f packets, theory %.3f", g, mean, 1/r)
		}
	}
}

// RFC 5506 §3.3: with x fragments the loss is 1−(1−p)^x.
func TestSizeLoss(t *testing.T) {
	const n = 400_000
	for fragments, size := range map[int]units.Bytes{1: 400, 2: 401, 3: 1200} {
		l := &impair.SizeLoss{P: 0.05, Fragment: 400, Random: stream("size")}
		got, want := share(fates(l, n, size), fabric.Lose), 1-math.Pow(0.95, float64(fragments))
		if !within(got, want, n) {
			t.Errorf("%v: loss %.4f, theory %.4f", size, got, want)
		}
	}
}

func TestProbabilities(t *testing.T) {
	const n, p = 400_000, 0.03
	for what, m := range map[fabric.Fate]fabric.Impairment{
		fabric.Lose:      &fabric.IndependentLoss{P: p, Random: stream("a")},
		fabric.Damage:    &impair.Corruption{P: p, Random: stream("b")},
		fabric.Duplicate: &impair.Duplication{P: p, Random: stream("c")},
	} {
		if got := share(fates(m, n, 1200), what); !within(got, p, n) {
			t.Errorf("%T: %.4f of packets, want %.4f", m, got, p)
		}
	}
}

func TestCorruptionFlipsOneBit(t *testing.T) {
	c := &impair.Corruption{P: 1, Random: stream("bit")}
	for range 1000 {
		p := &packet.Packet{Payload: make([]byte, 20)}
		c.Impair(0, p)
		ones := 0
		for _, b := range p.Payload {
			for ; b > 0; b &= b - 1 {
				ones++
			}
		}
		if ones != 1 {
			t.Fatalf("%d bits flipped", ones)
		}
	}
}

func TestPositionLoss(t *testing.T) {
	var lost []int
	for i, f := range fates(impair.NewPositionLoss([]uint64{5, 1, 3, 3}), 8, 100) {
		if f == fabric.Lose {
			lost = append(lost, i+1)
		}
	}
	if !slices.Equal(lost, []int{1, 3, 5}) {
		t.Errorf("lost %v", lost)
	}
}

func TestOutageWindows(t *testing.T) {
	o := impair.NewOutage([]impair.Window{{From: 50, To: 60}, {From: 10, To: 20}, {From: 15, To: 55}})
	for at := simtime.Time(0); at < 70; at++ {
		want := fabric.Pass
		if at >= 10 && at < 60 {
			want = fabric.Lose
		}
		if got := o.Impair(at, nil); got != want {
			t.Errorf("at %d: fate %d, want %d", at, got, want)
		}
	}
}

// pipe is a link from A to B with a sink that notes what comes out.
type pipe struct {
	loop *engine.Loop
	f    *fabric.Fabric
	link *fabric.Link
	from *fabric.Port
	to   *fabric.Port
	ids  []uint64
	// forget keeps nothing.
	forget bool
}

func newPipe(c fabric.LinkConfig) *pipe {
	p := &pipe{loop: &engine.Loop{}}
	p.f = fabric.New(p.loop, rng.New(1))
	a, b := p.f.AddNode("A"), p.f.AddNode("B")
	c.Name = "A-B"
	p.link = p.f.AddLink(a, b, c)
	p.from, p.to = p.f.Attach(a, 1, p), p.f.Attach(b, 2, p)
	p.f.Route()
	return p
}

func (p *pipe) Receive(_ simtime.Time, pkt *packet.Packet) {
	if !p.forget {
		p.ids = append(p.ids, pkt.ID)
	}
	p.f.Pool().Release(pkt)
}

// send sends packets at a fixed distance.
func (p *pipe) send(t *testing.T, n int, gap time.Duration) {
	t.Helper()
	var timer *engine.Timer
	timer = p.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		pkt := p.f.Pool().New()
		clear(pkt.SetPayload(1172))
		pkt.Dst.IP = 2
		p.from.Send(now, pkt)
		if n--; n > 0 {
			timer.Set(now.Add(gap))
		}
	}))
	timer.Set(0)
	if err := p.loop.Run(context.Background(), simtime.At(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := p.f.CheckConservation(0); err != nil {
		t.Error(err)
	}
}

// A chain of all impairments on a link: every packet is accounted for.
func TestChainConservesPackets(t *testing.T) {
	p := newPipe(fabric.LinkConfig{
		Rate: 10 * units.Mbps, Delay: 5 * time.Millisecond, Loss: 0.01,
		Queue: fabric.NewDropTail(fabric.Limit{Packets: 20}),
		Impairments: []fabric.Impairment{
			&impair.GilbertElliott{GoodToBad: 0.01, BadToGood: 0.3, LossBad: 1, Random: stream("ge")},
			&impair.Duplication{P: 0.1, Random: stream("dup")},
			&impair.Corruption{P: 0.05, Random: stream("bits")},
			&impair.Duplication{P: 0.1, Random: stream("dup2")},
		},
		Jitter: &impair.Reordering{P: 0.1, Delay: 3 * time.Millisecond, Random: stream("order")},
	})
	p.send(t, 20_000, 900*time.Microsecond)
	s := p.link.Stats()
	if s.Duplicated == 0 || s.Damaged == 0 || s.Lost == 0 || s.Refused == 0 {
		t.Errorf("something never happened: %+v", s)
	}
	if uint64(len(p.ids)) >= s.Delivered {
		t.Errorf("%d packets received of %d that came, although some are damaged", len(p.ids), s.Delivered)
	}
	if slices.IsSorted(p.ids) {
		t.Error("nothing was reordered")
	}
}

// A packet held back is overtaken by exactly those sent within the delay.
func TestReorderingDistance(t *testing.T) {
	p := newPipe(fabric.LinkConfig{
		Rate: fabric.Unlimited, Delay: time.Millisecond,
		Jitter: &impair.Reordering{P: 0.02, Delay: 5500 * time.Microsecond, Random: stream("order")},
	})
	const n = 50_000
	p.send(t, n, time.Millisecond)
	late := 0
	for i, id := range p.ids {
		overtaken := 0
		for j := max(i-10, 0); j < i; j++ {
			if p.ids[j] > id {
				overtaken++
			}
		}
		if overtaken > 5 {
			t.Fatalf("packet %d was overtaken by %d", id, overtaken)
		}
		if overtaken > 0 {
			late++
		}
	}
	if got := float64(late) / n; !within(got, 0.02, n) {
		t.Errorf("%.4f of packets were overtaken, want 0.02", got)
	}
}

// Damaged packets reach only a port that wants them.
func TestChecksum(t *testing.T) {
	for _, lenient := range []bool{false, true} {
		p := newPipe(fabric.LinkConfig{
			Rate: fabric.Unlimited, Impairments: []fabric.Impairment{&impair.Corruption{P: 1, Random: stream("bits")}},
		})
		want := 0
		if lenient {
			p.to.AcceptDamaged()
			want = 10
		}
		p.send(t, 10, time.Millisecond)
		if len(p.ids) != want {
			t.Errorf("lenient %v: %d packets received", lenient, len(p.ids))
		}
	}
}
