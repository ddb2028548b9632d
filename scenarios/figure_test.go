package scenarios_test

import (
	"context"
	"math"
	"slices"
	"testing"

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

func quickstart(t *testing.T, set ...string) (*scenarios.Scenario, *record.Record) {
	t.Helper()
	file, err := scenarios.Load("quickstart.yaml", scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.Run(context.Background(), file.Runs[0], runner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return file.Runs[0].Scenario, r
}

func names(figures []*scenarios.Figure) (list []string) {
	for _, f := range figures {
		list = append(list, f.String())
	}
	return list
}

func TestFigures(t *testing.T) {
	s, r := quickstart(t, `expect=[
		{metric: queue-delay-p95, link: bottleneck/forward, during: 6s..10s, max: 100ms},
		{metric: queue-delay-p95, link: bottleneck/forward, during: 6s..10s, min: 1ms},
		{metric: loss, flow: S1/video, max: 10%},
		{metric: rate-sum, flows: ["S1/*"], min: 100kbps}]`)
	everywhere := []string{
		"loss of S1/video", "frame-delay-p95 of S1/video", "freeze-time of S1/video", "goodput of S1/video",
		"loss of S1/audio", "mos of S1/audio", "queue-delay-p95 of bottleneck/forward",
	}
	figures := scenarios.Figures(s, r)
	expected := []string{"queue-delay-p95 of bottleneck/forward during 6s..10s", "loss of S1/video", "rate-sum of S1/*"}
	if got, want := names(figures), slices.Concat(expected, everywhere[1:]); !slices.Equal(got, want) {
		t.Errorf("compared are %q, want %q", got, want)
	}
	if got := names(scenarios.Figures(nil, r)); !slices.Equal(got, everywhere) {
		t.Errorf("without a scenario compared are %q, want %q", got, everywhere)
	}
	// What is bounded from both sides has none that is better.
	if got := figures[0].Better; got != scenarios.Neither {
		t.Errorf("of %s %s is better", figures[0], got)
	}
	for _, f := range figures {
		if want := slices.Contains(expected, f.String()); f.Expected != want {
			t.Errorf("%s: expected is %v", f, f.Expected)
		}
		if x := f.Measure(r); math.IsNaN(x) || f.Least <= 0 || f.Unit() == "" {
			t.Errorf("%s is %v, from %v on it is news", f, x, f.Least)
		}
	}
	// They are what verdicts have.
	for i, v := range map[int]int{0: 0, 1: 2, 2: 3} {
		if got, want := figures[i].Measure(r), r.Verdicts[v].Value; got != want || got == 0 {
			t.Errorf("%s is %v, the verdict has %v", figures[i], got, want)
		}
	}
}

func TestFiguresWithoutData(t *testing.T) {
	s, r := quickstart(t)
	figures := scenarios.Figures(s, r)
	r.Series, r.Distributions = nil, nil
	for _, f := range figures {
		if x := f.Measure(r); !math.IsNaN(x) {
			t.Errorf("%s of nothing is %v", f, x)
		}
	}
}
