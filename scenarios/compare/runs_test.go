package compare_test

import (
	"context"
	"testing"

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/compare"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/rng"
)

const call = `
title: A call over a step in capacity
duration: 4s
protection: size-only
network:
  links:
    bottleneck:
      between: [A, B]
      delay: 20ms
      forward: {rate: 1Mbps, queue: {length: 300ms}, loss: 0.5%}
      schedule: [{at: 2s, forward: {rate: 400kbps}}]
endpoints: {S1: {at: A}, R1: {at: B}}
topology: {peers: [S1, R1]}
media:
  - {from: S1, kind: video, encoder: {min: 150kbps, max: 1Mbps}}
  - {from: S1, kind: audio, rate: 20kbps}
congestion: {controller: nada}
matrix:
  seed: {from: 1, count: 120}
expect:
  - {metric: queue-delay-p95, link: bottleneck/forward, during: 3s..4s, max: 400ms}
  - {metric: undecodable, flow: S1/video, max: 400}
`

// The false alarms of real figures: 120 runs of one call are dealt out to two sides, 12 to each, 200 times.
func TestFalseAlarmsOfRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long: go test without -short runs it")
	}
	file, err := scenarios.Parse("call.yaml", []byte(call), scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	var figures []*scenarios.Figure
	var values [][]float64
	for _, r := range file.Runs {
		rec, err := runner.Run(context.Background(), r, runner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if figures == nil {
			figures = scenarios.Figures(r.Scenario, rec)
		}
		var of []float64
		for _, f := range figures {
			of = append(of, f.Measure(rec))
		}
		values = append(values, of)
	}
	const comparisons, seeds = 200, 12
	deal := rng.New(1).Stream("deal")
	alarms, tests, order := 0, 0, make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	for range comparisons {
		for i := range 2 * seeds {
			k := i + int(deal.Float64()*float64(len(order)-i))
			order[i], order[k] = order[k], order[i]
		}
		var samples []compare.Sample
		for i, f := range figures {
			s := compare.Sample{Better: f.Better, Least: f.Least}
			for seed := range seeds {
				s.A, s.B = append(s.A, values[order[seed]][i]), append(s.B, values[order[seeds+seed]][i])
			}
			samples = append(samples, s)
		}
		ds := compare.Decide(samples, 0.05, nil)
		tests += ds.Tests
		for _, d := range ds.Of {
			if d.Verdict == compare.Regression {
				alarms++
				break
			}
		}
	}
	t.Logf("%d alarms, %.1f tests on average", alarms, float64(tests)/comparisons)
	if alarms > comparisons*5/100 {
		t.Errorf("%d of %d comparisons of equals find a regression", alarms, comparisons)
	}
	if tests < 4*comparisons {
		t.Errorf("there are %d tests in %d comparisons: these show nothing", tests, comparisons)
	}
}
