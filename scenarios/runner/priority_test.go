package runner_test

import (
	"math"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

// parsed runs a scenario that stands in the test.
func parsed(t *testing.T, text string, set ...string) *record.Record {
	t.Helper()
	f, err := scenarios.Parse("test.yaml", []byte(text), scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	return run(t, f.Runs[0])
}

// stat returns a metric of a run's summary.
func stat(t *testing.T, r *record.Record, entity, metric, stat string) float64 {
	t.Helper()
	for _, m := range r.Summary {
		if m.Entity == entity && m.Metric == metric && m.Stat == stat {
			return m.Value
		}
	}
	t.Fatalf("no %s %s of %s", stat, metric, entity)
	return 0
}

const threeVideos = `
title: Three videos of different priority under one controller
duration: 20s
protection: size-only
network: {links: {l: {between: [A, B], delay: 20ms}}}
endpoints: {S: {at: A}, R: {at: B}}
topology: {peers: [S, R]}
media:
  - {from: S, kind: video, name: high, priority: high, encoder: {model: perfect, min: 100kbps, max: 5Mbps}}
  - {from: S, kind: video, name: low, priority: low, encoder: {model: perfect, min: 100kbps, max: 5Mbps}}
  - {from: S, kind: video, name: least, priority: very-low, encoder: {model: perfect, min: 100kbps, max: 5Mbps}}
  - {from: S, kind: audio, rate: 20kbps}
congestion: {controller: fixed}
`

// RFC 8835 §4.1: each level gets twice what the level below gets, and all
// together what the controller allows. If that is less than all minimum rates,
// the lowest level goes first.
//
// conformance: IMP-12.9-1
func TestPrioritiesDivideTheRate(t *testing.T) {
	long(t)
	t.Parallel()
	rates := func(target string) (r [3]float64, sum float64) {
		rec := parsed(t, threeVideos, "congestion.parameters={rate: "+target+", pacing-factor: 3}")
		for i, name := range []string{"high", "low", "least"} {
			r[i] = stat(t, rec, "S/"+name, record.SendRate, "mean")
			sum += r[i]
		}
		return r, sum + stat(t, rec, "S/audio", record.SendRate, "mean")
	}
	r, sum := rates("4Mbps")
	if math.Abs(sum-4e6) > 0.05*4e6 {
		t.Errorf("all streams send %.0f bit/s, the controller allows 4 Mbit/s", sum)
	}
	if a, b := r[0]/r[1], r[1]/r[2]; math.Abs(a-4) > 0.4 || math.Abs(b-2) > 0.2 {
		t.Errorf("rates %.0f: ratios %.2f and %.2f, want 4 (two levels) and 2", r, a, b)
	}
	// The minimum rates with headers are about 120 kbit/s each, audio is 44.
	for target, want := range map[string][3]bool{
		"500kbps": {true, true, true},
		"350kbps": {true, true, false},
		"250kbps": {true, false, false},
		"100kbps": {true, false, false},
	} {
		r, _ := rates(target)
		for i, sends := range want {
			if (r[i] > 50e3) != sends {
				t.Errorf("at %s the streams send %.0f bit/s", target, r)
				break
			}
		}
	}
}

const crowded = `
title: Media beside a flood, with priority for EF and AF4x
duration: 20s
protection: size-only
network:
  links:
    access: {between: [H, A], delay: 1ms}
    l:
      between: [A, B]
      delay: 20ms
      forward:
        rate: 1Mbps
        queue: {type: priority, bands: [{dscp: [46]}, {dscp: [34, 36]}, {}]}
  nodes: {A: {bleach: {}}}
endpoints: {S: {at: H}, R: {at: B}}
topology: {peers: [S, R]}
media:
  - {from: S, kind: audio, rate: 20kbps, priority: high}
  - {from: S, kind: video, priority: high, encoder: {model: perfect, min: 300kbps, max: 300kbps}}
traffic: {flood: {type: udp, from: H, to: B, rate: 2Mbps}}
congestion: {controller: fixed}
`

// RFC 8837 Table 1 marks the streams, and a network that honours code points
// protects them, one that ignores or clears them doesn't.
//
// conformance: IMP-12.9-2
func TestCodePointsSelectTheTreatment(t *testing.T) {
	for _, tt := range []struct {
		set       string
		protected bool
	}{
		{"network.honours-dscp=true", true},
		{"network.honours-dscp=false", false}, // the endpoint doesn't mark
		{"network.nodes.A.bleach.dscp=true", false},
		{"network.links.l.forward.queue={type: droptail}", false},
	} {
		r := parsed(t, crowded, tt.set)
		for _, flow := range []string{"S/audio", "S/video"} {
			if loss := stat(t, r, flow, "loss", "mean"); (loss < 0.001) != tt.protected {
				t.Errorf("%s: %s loses %.1f %%", tt.set, flow, 100*loss)
			}
		}
	}
	table := map[string][2]uint8{"very-low": {1, 1}, "low": {0, 0}, "medium": {46, 36}, "high": {46, 34}}
	for priority, want := range table {
		audio, video := scenarios.Media{Kind: "audio", Priority: priority}, scenarios.Media{Kind: "video", Priority: priority}
		if got := [2]uint8{audio.CodePoint(), video.CodePoint()}; got != want {
			t.Errorf("%s: audio and video have %v, want %v", priority, got, want)
		}
	}
}

// A network that tells flows apart by 5-tuple treats all of a flow alike: audio
// that shares a flow with video suffers from it, audio of a flow of its own
// doesn't.
//
// conformance: IMP-12.9-3, SES-4.4-5
func TestFlowsAreTreatedAsAWhole(t *testing.T) {
	const text = `
title: Two 5-tuples or one
duration: 20s
protection: size-only
network:
  links:
    l:
      between: [A, B]
      delay: 20ms
      forward: {rate: 600kbps, queue: {type: priority, bands: [{flows: [V]}, {}]}}
endpoints: {S: {at: A}, R: {at: B}, V: {at: A}, W: {at: B}}
topology: {pairs: [[S, R], [V, W]]}
media:
  - {from: S, kind: video, encoder: {model: perfect, min: 1Mbps, max: 1Mbps}}
  - {from: V, kind: audio, rate: 20kbps}
  - {from: S, kind: audio, rate: 20kbps}
congestion: {controller: fixed}
`
	r := parsed(t, text)
	alone, bundled := stat(t, r, "V/audio", record.OneWayDelay, "p95"), stat(t, r, "S/audio", record.OneWayDelay, "p95")
	if alone > 45 || bundled < 250 {
		t.Errorf("audio alone takes %.0f ms, audio bundled with video %.0f ms", alone, bundled)
	}
}

// The round-trip time of LSR and DLSR is that of the media only if reports are
// treated like the media.
//
// conformance: IMP-12.9-5
func TestReportsAreMarkedLikeTheirStream(t *testing.T) {
	flood := strings.Replace(crowded, "rate: 2Mbps", "rate: 800kbps", 1)
	media := func(r *record.Record) float64 { // one way there, 21 ms back
		return stat(t, r, "S/audio", record.OneWayDelay, "p50") + 21
	}
	r := parsed(t, flood)
	if rtt, want := stat(t, r, "S-R", record.RTT, "mean"), media(r); math.Abs(rtt-want) > 10 {
		t.Errorf("RTT %.1f ms by reports, %.1f ms by the media", rtt, want)
	}
	r = parsed(t, flood, "rtcp.dscp=0")
	if rtt, want := stat(t, r, "S-R", record.RTT, "mean"), media(r); rtt < want+50 {
		t.Errorf("RTT %.1f ms by reports in the wrong queue, %.1f ms by the media", rtt, want)
	}
}

// A network that swallows packets with a code point: an endpoint that doesn't
// trust it notices and goes without, one that does sends into the void.
//
// conformance: IMP-12.9-6
func TestMarkingIsGivenUpWhereItDoesHarm(t *testing.T) {
	hole := strings.Replace(crowded, "bleach: {}", "bleach: {drop-dscp: [46]}", 1)
	hole = strings.Replace(hole, "rate: 2Mbps", "rate: 100kbps", 1)
	for set, want := range map[string][2]float64{ // bounds of the audio's loss
		"true":    {0.99, 1}, // a packet or two are on their way
		"false":   {0, 0},
		"unknown": {0.08, 0.2}, // 2 s of 20
	} {
		r := parsed(t, hole, "network.honours-dscp="+set)
		if loss := stat(t, r, "S/audio", "loss", "mean"); loss < want[0] || loss > want[1] {
			t.Errorf("honours-dscp %s: audio loses %.1f %%", set, 100*loss)
		}
		if loss := stat(t, r, "S/video", "loss", "mean"); loss > 0 {
			t.Errorf("honours-dscp %s: video, with another code point, loses %.1f %%", set, 100*loss)
		}
		noticed := 0
		for _, e := range r.Events {
			if e.Kind == "marking-dropped" {
				noticed++
			}
		}
		if (noticed == 1) != (set == "unknown") {
			t.Errorf("honours-dscp %s: marking dropped %d times", set, noticed)
		}
	}
}
