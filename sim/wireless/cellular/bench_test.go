package cellular

import (
	"testing"
	"time"
)

// BenchmarkCell is 15 saturated users with fading channels, proportional fair and
// HARQ.
func BenchmarkCell(b *testing.B) {
	n := newNet(b, 1, Defaults())
	for range 15 {
		n.user(UserConfig{SNR: 10, Speed: 3}).saturate(100)
	}
	end := 5 * time.Second
	n.run(end)
	delivered := func() (d float64) {
		for i := range 15 {
			d += float64(n.stats(i).Delivered)
		}
		return d
	}
	before, ttis := delivered(), n.cell.Stats().TTIs
	b.ReportAllocs()
	for b.Loop() { // one op is a tenth of a simulated second
		end += 100 * time.Millisecond
		n.resume(end)
	}
	ns := float64(b.Elapsed().Nanoseconds())
	b.ReportMetric(ns/(delivered()-before), "ns/packet")
	b.ReportMetric(ns/float64(n.cell.Stats().TTIs-ttis), "ns/TTI")
}
