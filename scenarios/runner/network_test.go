package runner_test

import (
	"math"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

// total adds up a series over bins of 200 ms.
func total(t *testing.T, r *record.Record, entity, metric string, from, to int) float64 {
	t.Helper()
	s := r.Find(entity, metric)
	if s == nil {
		t.Fatalf("no %s of %s", metric, entity)
	}
	sum := 0.0
	for _, v := range s.Values[from:to] {
		sum += v
	}
	return sum
}

// Two of three streams are suspended; when the third has stopped, one of them
// sends, although the rate doesn't leave a fifth to spare.
func TestSomebodyAlwaysSends(t *testing.T) {
	text := strings.ReplaceAll(threeVideos, "min: 100kbps", "min: 500kbps")
	text = strings.Replace(text, "priority: high,", "priority: high, stop: 10s,", 1)
	r := parsed(t, text, "congestion.parameters={rate: 620kbps, pacing-factor: 3}")
	for name, want := range map[string][2]bool{"high": {true, false}, "low": {false, true}, "least": {false, false}} {
		before, after := total(t, r, "S/"+name, record.SentPackets, 10, 49), total(t, r, "S/"+name, record.SentPackets, 55, 100)
		if (before > 100) != want[0] || (after > 100) != want[1] {
			t.Errorf("%s sends %.0f packets before 10 s and %.0f after", name, before, after)
		}
	}
}

// A suspended stream comes back no sooner than after two seconds, and when there
// is room with a fifth to spare.
func TestSuspendedStreamsComeBack(t *testing.T) {
	text := strings.Replace(threeVideos, "{between: [A, B], delay: 20ms}",
		"{between: [A, B], delay: 20ms, forward: {rate: 2Mbps, schedule: []}}", 1)
	text = strings.Replace(text, ", schedule: []", "", 1)
	text = strings.Replace(text, "congestion: {controller: fixed}", "congestion: {controller: nada}", 1)
	text = strings.Replace(text, "duration: 20s", "duration: 40s", 1)
	text = strings.ReplaceAll(text, "min: 100kbps", "min: 300kbps")
	text = strings.Replace(text, "forward: {rate: 2Mbps}", "forward: {rate: 2Mbps}, schedule: [{at: 10s, forward: {rate: 700kbps}}, {at: 20s, forward: {rate: 2.5Mbps}}]", 1)
	r := parsed(t, text)
	suspended, resumed := map[string]float64{}, map[string]float64{}
	for _, e := range r.Events {
		at := e.At.Duration().Seconds()
		switch e.Kind {
		case "stream-suspended":
			suspended[e.Entity] = at
		case "stream-resumed":
			if since := at - suspended[e.Entity]; since < 2 {
				t.Errorf("%s is back after %.2f s", e.Entity, since)
			}
			resumed[e.Entity] = at
		}
	}
	if suspended["S/least"] == 0 || resumed["S/least"] < 20 || resumed["S/least"] > 35 {
		t.Errorf("the lowest level was suspended at %.1f s and back at %.1f s", suspended["S/least"], resumed["S/least"])
	}
	if suspended["S/high"] != 0 {
		t.Errorf("the highest level was suspended at %.1f s", suspended["S/high"])
	}
}

const quiet = `
title: A stream with a pause
duration: 20s
protection: size-only
network: {links: {l: {between: [A, B], delay: 20ms}}}
endpoints: {S: {at: A}, R: {at: B}}
topology: {peers: [S, R]}
media:
  - {from: S, kind: video, pauses: [5s..10s, 12s..13s], encoder: {model: perfect, min: 500kbps, max: 500kbps}}
congestion: {controller: fixed}
`

// Nothing is sent in a pause, and nobody calls it a freeze.
func TestPauses(t *testing.T) {
	r := parsed(t, quiet)
	if n := total(t, r, "S/video", record.SentPackets, 26, 49) + total(t, r, "S/video", record.SentPackets, 61, 64); n > 0 {
		t.Errorf("%.0f packets were sent in pauses", n)
	}
	if n := total(t, r, "S/video", record.SentPackets, 50, 60); n < 100 {
		t.Errorf("%.0f packets were sent between them", n)
	}
	if f := stat(t, r, "S/video", "freeze-time", "total"); f > 0 {
		t.Errorf("the picture froze for %.0f ms", f)
	}
}

// The rate of TCP and UDP that get out through a NAT is measured.
func TestTrafficThroughNAT(t *testing.T) {
	const text = `
title: Traffic through a NAT
duration: 10s
network:
  links:
    home: {between: [H, N], delay: 5ms}
    line: {between: [N, B], delay: 20ms, rate: 3Mbps, queue: {type: priority, bands: [{flows: [probe]}, {}]}}
  nodes: {N: {nat: {inside: [H]}}}
traffic:
  probe: {type: udp, from: H, to: B, rate: 1Mbps}
  bulk: {type: tcp, from: H, to: B}
  flood: {type: udp, from: H, to: B, rate: 1Mbps}
`
	r := parsed(t, text)
	for flow, want := range map[string]float64{"probe": 1e6, "flood": 1e6, "bulk": 0.9e6} {
		if got := stat(t, r, flow, record.ReceiveRate, "mean"); math.Abs(got-want) > 0.15*want {
			t.Errorf("%s receives %.0f bit/s, want about %.0f", flow, got, want)
		}
	}
	if d := stat(t, r, "probe", record.OneWayDelay, "max"); d > 40 {
		t.Errorf("the band for the probe has delays of %.0f ms", d)
	}
}

// Slow reports are no reason to give up a marking.
func TestMarkingWaitsForReports(t *testing.T) {
	for _, set := range [][]string{
		{"rtcp.profile=avp", "rtcp.minimum=fixed"},
		{"network.links.l.delay=1200ms"},
	} {
		set = append(set, "congestion.feedback=none", "media.0.pauses=[]", "media.0.priority=high")
		for _, e := range parsed(t, quiet, set...).Events {
			if e.Kind == "marking-dropped" {
				t.Errorf("%v: %+v", set, e)
			}
		}
	}
}

// After a change of route what flows could use of a link is counted on the new
// path.
func TestAvailableFollowsTheRoute(t *testing.T) {
	const text = `
title: A link goes down
duration: 20s
protection: size-only
network:
  links:
    first: {between: [A, B], rate: 1Mbps, delay: 10ms, schedule: [{at: 10s, up: false}]}
    second: {between: [A, B], rate: 2Mbps, cost: 2, delay: 15ms}
endpoints: {S: {at: A}, R: {at: B}}
topology: {peers: [S, R]}
media:
  - {from: S, kind: video, encoder: {model: perfect, min: 600kbps, max: 600kbps}}
congestion: {controller: fixed}
`
	r := parsed(t, text)
	for link, want := range map[string][2]bool{"first/forward": {true, false}, "second/forward": {false, true}} {
		for half := range 2 {
			available := total(t, r, link, record.Available, 50*half, 50*half+50) / 50
			if (available > 500e3) != want[half] {
				t.Errorf("%s: %.0f bit/s available in half %d", link, available, half)
			}
		}
	}
	noted := false
	for _, e := range r.Events {
		noted = noted || e.Kind == "link-changed" && strings.HasSuffix(e.Detail, "down")
	}
	if !noted {
		t.Error("no event says that the link went down")
	}
}

// Copies are no losses.
func TestDuplicationLosesNothing(t *testing.T) {
	const text = `
title: Every packet twice on a link that is too small for it
duration: 10s
network:
  links: {l: {between: [A, B], rate: 1Mbps, impairments: [{type: duplication, probability: 100%}]}}
traffic: {bg: {type: udp, from: A, to: B, rate: 700kbps}}
`
	r := parsed(t, text)
	drops := total(t, r, "l/forward", record.Drops, 0, 50) / total(t, r, "l/forward", record.Arrivals, 0, 50)
	if drops < 0.2 || drops > 0.4 {
		t.Errorf("the link drops %.2f of what comes, copies included; 0.29 fit", drops)
	}
}

// What can't be simulated is refused when the file is read.
func TestImpossibleCapacities(t *testing.T) {
	const text = `
title: A capacity that can't be
duration: 10s
network:
  links: {l: {between: [A, B], forward: {capacity: {CAPACITY}}}}
traffic: {bg: {type: udp, from: A, to: B, rate: 700kbps}}
`
	for _, capacity := range []string{
		"type: random-walk, low: 1Mbps, high: 2Mbps, mean: 5Mbps",
		"type: 5g, mean: 900Gbps",
	} {
		_, err := scenarios.Parse("test.yaml", []byte(strings.Replace(text, "CAPACITY", capacity, 1)), scenarios.Options{Catalogue: runner.Catalogue{}})
		if err == nil || !strings.Contains(err.Error(), "test.yaml:") {
			t.Errorf("%s: error %v", capacity, err)
		}
	}
	r := parsed(t, strings.Replace(text, "CAPACITY", "type: wifi, mean: 2Mbps", 1))
	mean := total(t, r, "l/forward", record.Capacity, 0, 50) / 50
	if mean < 0.7e6 || mean > 4e6 {
		t.Errorf("a capacity of 2 Mbit/s on average has %.0f bit/s in 10 s", mean)
	}
}
