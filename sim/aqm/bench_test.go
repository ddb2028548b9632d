package aqm

import (
	"context"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// BenchmarkQueue moves packets of eight flows of constant rate through a link
// of 100 Mbit/s that they load to 105 %, once with drop-tail and once with
// every discipline. One op is a packet sent, with all its events, hashes and
// the sink.
func BenchmarkQueue(b *testing.B) {
	for _, d := range disciplines {
		b.Run(d.name, func(b *testing.B) {
			n := newNet(b, fabric.LinkConfig{Rate: 100 * units.Mbps, Delay: 10 * ms, Queue: d.make()})
			n.f.Observe(fabric.Nobody)
			sent := 0
			dscp := [...]uint8{EF, AF41, DF, LE}
			for i := range 8 {
				change := func(p *packet.Packet) {
					p.Src.Port, p.DSCP, p.ECN = uint16(5000+i), dscp[i%4], packet.ECN(i%3)
				}
				n.timer(time.Duration(i)*91*time.Microsecond, func(now simtime.Time) time.Duration {
					n.send(now, 1250, change)
					sent++
					return 762 * time.Microsecond
				})
			}
			ctx := context.Background()
			end := simtime.At(2 * time.Second)
			_ = n.loop.Run(ctx, end)
			sent = 0
			b.ReportAllocs()
			b.ResetTimer()
			for sent < b.N {
				end = end.Add(10 * ms)
				_ = n.loop.Run(ctx, end)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent), "ns/packet")
			if err := n.f.CheckConservation(0); err != nil {
				b.Error(err)
			}
		})
	}
}
