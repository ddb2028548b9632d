package runner_test

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/units"
)

// Random loss trips where ten times TCP's throughput is clearly below the rate, and doesn't
// where it is clearly above, with both equations.
//
// conformance: CC-7.1-5
func TestBreakersUnderRandomLoss(t *testing.T) {
	long(t)
	t.Parallel()
	f, err := scenarios.Load("../breakers/09-random-loss.yaml", scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	clear := 0
	for i := range f.Runs {
		s := f.Runs[i].Scenario
		r, err := runner.Run(t.Context(), f.Runs[i], runner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		forward := &s.Network.Links[0].Forward
		loss, rtt := float64(*forward.Loss), 2*(*forward.Delay)
		for kind, e := range map[string]breaker.Equation{record.BreakerObserved: breaker.Simplified, record.BreakerWatched: breaker.Full} {
			trips := 0
			for _, event := range r.Events {
				if event.Kind == kind {
					trips++
				}
			}
			margin := float64(10*e.Throughput(1100, rtt, loss)) / float64(2050*units.Kbps)
			switch {
			case margin < 0.7 && trips != 1, margin > 2 && trips != 0:
				t.Errorf("%s, %v equation: %d trips, and ten times X is %.2f of the rate", f.Runs[i].Name, e, trips, margin)
			case margin < 0.7 || margin > 2:
				clear++
			}
		}
	}
	if clear < 20 {
		t.Errorf("only %d clear cases", clear)
	}
}

// A breaker changes nothing unless it trips.
//
// conformance: CC-7.1-2
func TestBreakersChangeNothingElse(t *testing.T) {
	digests := map[string]string{}
	for _, mode := range []string{"off", "observe", "enforce"} {
		f, err := scenarios.Load("../quickstart.yaml", scenarios.Options{Set: []string{"breakers.mode=" + mode}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := runner.Run(t.Context(), f.Runs[0], runner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		digests[mode] = r.Manifest.Digest
	}
	if digests["off"] != digests["observe"] || digests["off"] != digests["enforce"] {
		t.Errorf("digests %v", digests)
	}
}

// The record says which condition tripped, when, and why.
//
// conformance: CC-7.1-2, CC-7.1-3
func TestRecordsTellOfBreakers(t *testing.T) {
	f, err := scenarios.Load("../breakers/01-reverse-path-cut.yaml", scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.Run(t.Context(), f.Runs[0], runner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range r.Events {
		if e.Kind == record.BreakerTripped && e.At.Duration() > 24*time.Second {
			n++
			if e.Entity != "S1/video" && e.Entity != "S1/audio" || !strings.HasPrefix(e.Detail, "rtcp-timeout, ceases: no report for 15") {
				t.Errorf("%s: %s", e.Entity, e.Detail)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d trips", n)
	}
	for _, v := range r.Verdicts {
		if !v.Pass {
			t.Errorf("%s: %v", v.Expectation, v.Value)
		}
	}
}

// A receiver leaves if all that it gets is useless, and not for one stream of two; one that
// observes says so and stays.
//
// conformance: CC-7.1-7
func TestReceiverLeaves(t *testing.T) {
	const text = `
title: Large packets are lost
duration: 40s
protection: size-only
network: {links: {l: {between: [A, B], delay: 20ms, forward: {impairments: [{type: size-loss, probability: 20%, fragment: 300B}]}}}}
endpoints: {S: {at: A}, R: {at: B}}
topology: {peers: [S, R]}
media:
  - {from: S, kind: video, encoder: {model: perfect, min: 1Mbps, max: 1Mbps}}
  - {from: S, kind: audio, rate: 20kbps}
congestion: {controller: fixed}
rtcp: {trr-interval: 1s}
breakers: {mode: enforce, congestion: off, usability: {loss: 40%, for: 10s, judge: receiver}}
`
	when := func(kind string, set ...string) (at time.Duration) {
		for _, e := range parsed(t, text, set...).Events {
			if e.Kind == kind && e.Entity == "R" {
				return e.At.Duration()
			}
		}
		return 0
	}
	if at := when(record.BreakerLeft); at != 0 {
		t.Errorf("leaves at %v, and audio is good", at)
	}
	for kind, set := range map[string]string{
		record.BreakerLeft:     "breakers.usability.loss=10%",
		record.BreakerObserved: "breakers={mode: observe, usability: {loss: 10%, for: 10s, judge: both}}",
	} {
		if at := when(kind, set); at < 10*time.Second || at > 13*time.Second {
			t.Errorf("%s: %s at %v", set, kind, at)
		}
	}
}
