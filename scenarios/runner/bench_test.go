package runner_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios"
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

// BenchmarkConference is a conference of which ten members send 1 Mbit/s to all others by way
// of an SFM, or of 20 in a mesh, 10 s of simulated time. Its metrics are how much faster than real
// time that is, and what a packet costs from end to end that is sent on.
func BenchmarkConference(b *testing.B) {
	const conference = `
title: A conference
duration: 10s
protection: size-only
let: {peers: %d}
network: {links: {access<1..peers>: {between: [home<n>, core], delay: 10ms, rate: 100Mbps}}}
endpoints: {P<1..peers>: {at: home<n>}}
topology: {%s, peers: [P<1..peers>]}
media: [{from: P<1..10>, kind: video, encoder: {min: 1Mbps, max: 1Mbps}}]
congestion: {controller: nada, feedback: rfc8888}
`
	for _, c := range []struct {
		name, topology string
		peers          int
	}{
		{"mesh", "type: mesh", 20},
		{"sfm", "type: sfm, at: core", 10},
		{"sfm", "type: sfm, at: core", 20},
		{"sfm", "type: sfm, at: core", 50},
		{"sfm", "type: sfm, at: core", 100},
		{"sfm", "type: sfm, at: core", 200},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, c.peers), func(b *testing.B) {
			f, err := scenarios.Parse("conference.yaml", fmt.Appendf(nil, conference, c.peers, c.topology), scenarios.Options{Catalogue: runner.Catalogue{}})
			if err != nil {
				b.Fatal(err)
			}
			packets := 0.0
			for b.Loop() {
				result, err := runner.Run(b.Context(), f.Runs[0], runner.Options{})
				if err != nil {
					b.Fatal(err)
				}
				for _, s := range result.Series {
					if s.Metric == record.SentPackets && strings.Contains(s.Entity, "/video>") {
						packets += sum(s.Values)
					}
				}
			}
			simulated := f.Runs[0].Scenario.Duration * time.Duration(b.N)
			b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "×real-time")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/packets, "ns/packet")
		})
	}
}
