package tcp

import (
	"context"
	"testing"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// BenchmarkHundredFlows is 100 flows through a bottleneck of 1 Gbit/s, with
// round trips of 20 to 40 ms. One op is 100 ms of simulated time.
func BenchmarkHundredFlows(b *testing.B) {
	for _, control := range Controls() {
		b.Run(control, func(b *testing.B) {
			n := newNet(b, 1, bottleneck(units.Gbps, 10*ms, 10*ms), pipe(10*ms))
			var pairs []*pair
			for i := range 100 {
				delay := time.Duration(i) * 200 * time.Microsecond
				p := n.connect(time.Duration(i)*ms, delay, Config{Control: control}, Config{ECN: AccurateECN})
				p.snd.Write(Unlimited)
				pairs = append(pairs, p)
			}
			n.run(5 * time.Second)
			ctx := context.Background()
			end := simtime.At(5 * time.Second)
			count := func() (s uint64) {
				for _, p := range pairs {
					s += p.snd.Stats().SegmentsSent + p.rcv.Stats().SegmentsSent
				}
				return s
			}
			before := count()
			b.ReportAllocs()
			for b.Loop() {
				end = end.Add(100 * ms)
				_ = n.loop.Run(ctx, end)
			}
			wall := b.Elapsed().Seconds()
			segments := float64(count() - before)
			b.ReportMetric(end.Sub(simtime.At(5*time.Second)).Seconds()/wall, "sim-s/s")
			b.ReportMetric(wall/segments*1e9, "ns/segment")
			b.ReportMetric(segments/float64(b.N), "segments/op")
		})
	}
}

// BenchmarkOneFlow is the other extreme, a window of 8000 segments.
func BenchmarkOneFlow(b *testing.B) {
	n := newNet(b, 1, bottleneck(units.Gbps, 50*ms, 20*ms), pipe(50*ms))
	p := n.connect(0, 0, Config{Control: ControlCubic}, Config{})
	p.snd.Write(Unlimited)
	n.run(20 * time.Second)
	end := simtime.At(20 * time.Second)
	b.ReportAllocs()
	for b.Loop() {
		end = end.Add(100 * ms)
		_ = n.loop.Run(context.Background(), end)
	}
	b.ReportMetric(end.Sub(simtime.At(20*time.Second)).Seconds()/b.Elapsed().Seconds(), "sim-s/s")
}

// In steady state no segment allocates.
func TestNoAllocations(t *testing.T) {
	for _, control := range Controls() {
		n := newNet(t, 1, bottleneck(20*units.Mbps, 10*ms, 50*ms), pipe(10*ms))
		p := n.connect(0, 0, Config{Control: control}, Config{ECN: AccurateECN})
		p.snd.Write(Unlimited)
		n.run(20 * time.Second)
		end := simtime.At(20 * time.Second)
		allocs := testing.AllocsPerRun(10, func() {
			end = end.Add(time.Second)
			_ = n.loop.Run(context.Background(), end)
		})
		if allocs > 0 {
			t.Errorf("%s: %v allocations a second", control, allocs)
		}
	}
}
