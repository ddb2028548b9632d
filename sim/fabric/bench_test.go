package fabric

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

type source struct {
	timer *engine.Timer
	pool  *packet.Pool
	port  *Port
	dst   packet.Addr
	gap   time.Duration
}

func (s *source) Fire(now simtime.Time) {
	p := s.pool.New()
	p.SetPayload(1172)
	p.Dst = s.dst
	s.port.Send(now, p)
	s.timer.Set(now.Add(s.gap))
}

type sink struct{ pool *packet.Pool }

func (s sink) Receive(_ simtime.Time, p *packet.Packet) { s.pool.Release(p) }

// BenchmarkDumbbell moves 10 flows of constant rate through three links, of
// which the middle one is loaded to 95 %, with every packet event hashed.
func BenchmarkDumbbell(b *testing.B) {
	const flows = 10
	loop := &engine.Loop{}
	f := New(loop, rng.New(1))
	left, a, z, right := f.AddNode("left"), f.AddNode("A"), f.AddNode("B"), f.AddNode("right")
	access := LinkConfig{Rate: 100 * units.Mbps, Delay: time.Millisecond}
	access.Name = "in"
	f.AddLink(left, a, access)
	f.AddLink(a, z, LinkConfig{
		Name: "bottleneck", Rate: 10 * units.Mbps, Delay: 20 * time.Millisecond,
		Queue: NewDropTail(Limit{Time: 300 * time.Millisecond}),
	})
	access.Name = "out"
	f.AddLink(z, right, access)
	for i := range flows {
		s := &source{pool: f.Pool(), gap: 10100*time.Microsecond + time.Duration(i)*7*time.Microsecond}
		s.timer = loop.NewTimer(s)
		s.port = f.Attach(left, packet.IPv4(1+i), sink{f.Pool()})
		s.dst = packet.Addr{IP: packet.IPv4(100 + i), Port: 5004}
		f.Attach(right, s.dst.IP, sink{f.Pool()})
		s.timer.Set(simtime.Time(i * 1_000_003))
	}
	f.Route()
	ctx := context.Background()
	end := simtime.At(2 * time.Second) // warm up
	_ = loop.Run(ctx, end)
	start := f.Hops()
	b.ReportAllocs()
	for b.Loop() { // one op is a simulated second, about 1,000 packets
		end = end.Add(time.Second)
		_ = loop.Run(ctx, end)
	}
	hops := float64(f.Hops() - start)
	b.ReportMetric(hops/b.Elapsed().Seconds()/1e6, "Mhops/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/hops, "ns/hop")
	if err := f.CheckConservation(0); err != nil {
		b.Error(fmt.Errorf("after the benchmark: %w", err))
	}
}
