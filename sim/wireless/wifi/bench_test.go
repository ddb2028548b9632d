package wifi

import (
	"testing"
	"time"
)

// BenchmarkSaturated is 20 stations that always have something to send.
func BenchmarkSaturated(b *testing.B) {
	for _, x := range []struct {
		name   string
		frames int
	}{{"single", 1}, {"a-mpdu", 32}} {
		b.Run(x.name, func(b *testing.B) {
			c := Defaults(N)
			c.Aggregation.MaxFrames = x.frames
			c.RetryLimit = Endless
			n := newNet(b, c)
			for range 20 {
				n.station(nil).saturate(1500, 100)
			}
			end := 2 * time.Second
			n.run(end)
			delivered := func() (d float64) {
				for i := range 20 {
					d += float64(n.stats(i).Delivered)
				}
				return d
			}
			before := delivered()
			b.ReportAllocs()
			for b.Loop() { // one op is a tenth of a simulated second
				end += 100 * time.Millisecond
				n.resume(end)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/(delivered()-before), "ns/packet")
		})
	}
}
