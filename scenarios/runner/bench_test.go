package runner_test

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

// BenchmarkVariableCapacity is the whole of RFC 8867 §5.1, 100 s of simulated
// time, with the record written to disk, without the page. Its metric is how
// much faster than real time that is.
func BenchmarkVariableCapacity(b *testing.B) {
	for _, protection := range []string{"full", "size-only"} {
		b.Run(protection, func(b *testing.B) {
			r := load(b, case51, "seed=1", forward, "protection="+protection)[0]
			dir := b.TempDir()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				rec, err := runner.Run(context.Background(), r, runner.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := record.Write(filepath.Join(dir, strconv.Itoa(i)), rec); err != nil {
					b.Fatal(err)
				}
			}
			simulated := r.Scenario.Duration * time.Duration(b.N)
			b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "×real-time")
		})
	}
}
