package record_test

import (
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// Samples count from the first moment on, however often and whenever somebody looks.
func TestEverySampleCounts(t *testing.T) {
	for _, every := range []int{1, 2, 15, 16, 1000} {
		d := record.NewDistribution("L", "delay", 200*time.Millisecond)
		for i := range 100 {
			at := simtime.At(time.Duration(i) * 30 * time.Millisecond)
			d.Add(at, time.Duration(i)*time.Microsecond)
			if d.Len() != i+1 {
				t.Fatalf("%d samples of %d", d.Len(), i+1)
			}
			if i%every > 0 {
				continue
			}
			w := d.Window(0, at.Add(time.Second))
			if mean := float64(i) / 2000; w.Count() != i+1 || w.Mean() < mean-1e-9 || w.Mean() > mean+1e-9 || w.Quantile(1) != float64(i)/1000 && i < 64 {
				t.Fatalf("looked at every %d: after %d samples %d, mean %v, largest %v", every, i+1, w.Count(), w.Mean(), w.Quantile(1))
			}
		}
	}
}
