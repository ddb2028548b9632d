package impair_test

import (
	"context"
	"testing"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/impair"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// BenchmarkImpairment moves packets through a link of 100 Mbit/s with drop-tail
// that they load to 95 %, without an impairment and with each. One op is a packet
// sent, with all its events and hashes.
func BenchmarkImpairment(b *testing.B) {
	for _, m := range []struct {
		name   string
		impair func() fabric.Impairment // anew for each run: they remember
		jitter func() fabric.Jitter
	}{
		{name: "none"},
		{name: "loss", impair: func() fabric.Impairment { return &fabric.IndependentLoss{P: 0.01, Random: stream("a")} }},
		{name: "gilbert-elliott", impair: func() fabric.Impairment {
			return &impair.GilbertElliott{GoodToBad: 0.01, BadToGood: 0.3, LossBad: 1, Random: stream("a")}
		}},
		{name: "positions", impair: func() fabric.Impairment { return impair.NewPositionLoss([]uint64{1 << 40}) }},
		{name: "outage", impair: func() fabric.Impairment { return impair.NewOutage([]impair.Window{{From: 1 << 60, To: 1 << 61}}) }},
		{name: "size-loss", impair: func() fabric.Impairment { return &impair.SizeLoss{P: 0.01, Fragment: 500, Random: stream("a")} }},
		{name: "corruption", impair: func() fabric.Impairment { return &impair.Corruption{P: 0.01, Random: stream("a")} }},
		{name: "duplication", impair: func() fabric.Impairment { return &impair.Duplication{P: 0.01, Random: stream("a")} }},
		{name: "reordering", jitter: func() fabric.Jitter { return &impair.Reordering{P: 0.01, Delay: time.Millisecond, Random: stream("a")} }},
		{name: "nr-bpdv", jitter: func() fabric.Jitter {
			return &fabric.BoundedPDV{Mean: 15 * time.Millisecond, Std: 5 * time.Millisecond, Bound: 3, NoReorder: true, Random: stream("a")}
		}},
		{name: "rbpdv", jitter: func() fabric.Jitter {
			return &fabric.BoundedPDV{Mean: 15 * time.Millisecond, Std: 5 * time.Millisecond, Bound: 3, Random: stream("a")}
		}},
	} {
		b.Run(m.name, func(b *testing.B) {
			c := fabric.LinkConfig{Rate: 100 * units.Mbps, Delay: 10 * time.Millisecond}
			if m.impair != nil {
				c.Impairments = append(c.Impairments, m.impair())
			}
			if m.jitter != nil {
				c.Jitter = m.jitter()
			}
			p := newPipe(c)
			p.forget = true
			sent := 0
			var timer *engine.Timer
			timer = p.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
				pkt := p.f.Pool().New()
				pkt.SetPayload(1172)
				pkt.Dst.IP = 2
				p.from.Send(now, pkt)
				sent++
				timer.Set(now.Add(101 * time.Microsecond))
			}))
			timer.Set(0)
			end := simtime.At(2 * time.Second)
			_ = p.loop.Run(context.Background(), end)
			sent = 0
			b.ReportAllocs()
			b.ResetTimer()
			for sent < b.N {
				end = end.Add(10 * time.Millisecond)
				_ = p.loop.Run(context.Background(), end)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent), "ns/packet")
		})
	}
}
