package runner_test

import (
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
)

// Who sends ten times what others' paths carry harms nobody but those who would see it.
func TestOneTooMuchHarmsNobody(t *testing.T) {
	long(t)
	t.Parallel()
	loaded := load(t, meshes+"sfm-over-rate.yaml")[0]
	r := run(t, loaded)
	for _, v := range scenarios.Judge(loaded.Scenario, r) {
		if !v.Pass {
			t.Errorf("%s: %v", v.Expectation, v.Value)
		}
	}
	for _, flow := range []string{"A/video>B", "A/video>C"} {
		if rate := mean(series(t, r, flow, record.SendRate)[25:]); rate > 0 {
			t.Errorf("%s is sent at %.0f bit/s", flow, rate)
		}
	}
}

// Who asks for key frames without end gets some, and costs others nothing: neither through an SFM
// nor behind a relay, where the senders see to it themselves.
func TestFloodOfFIRsHarmsNobody(t *testing.T) {
	long(t)
	t.Parallel()
	loaded := load(t, meshes+"sfm-fir-flood.yaml")[0]
	sim := build(t, loaded.Scenario)
	play(t, sim, loaded.Scenario)
	for _, f := range sim.Flows {
		c := f.Sender.Session().RepairCounts()
		switch {
		case f.To == "sfm" && f.From != "C" && (c.RefreshesObeyed < 20 || c.RefreshesObeyed > 50):
			t.Errorf("%s makes %d key frames in 20 s", f.Flow(), c.RefreshesObeyed)
		case f.From == "sfm" && f.To == "C" && c.RefreshesHeard < 1900:
			t.Errorf("%s: %d requests come", f.Flow(), c.RefreshesHeard)
		}
	}
	relayed := load(t, meshes+"sfm-fir-flood.yaml", "topology={type: relay, at: M, peers: [A, B, C]}", "expect=[]",
		"repair={refresh: fir, decoder: true}", "congestion={controller: nada, feedback: rfc8888}")[0]
	for _, v := range scenarios.Judge(loaded.Scenario, run(t, loaded)) {
		if !v.Pass {
			t.Errorf("%s: %v", v.Expectation, v.Value)
		}
	}
	for _, flow := range []string{"A/video", "B/video"} {
		if fps := mean(series(t, run(t, relayed), flow, record.FrameRate)[50:150]); fps < 25 {
			t.Errorf("%s behind a relay: %.1f pictures a second", flow, fps)
		}
	}
}

// Five seconds without one leg are five seconds without that: others see and hear as before,
// and who was away is there again within two seconds.
func TestLegLoss(t *testing.T) {
	long(t)
	t.Parallel()
	const away = "network.links.c={between: [C, M], delay: 35ms, " +
		"forward: {rate: 5Mbps, impairments: [{type: outage, during: [15s..20s]}]}, backward: {rate: 5Mbps, impairments: [{type: outage, during: [15s..20s]}]}}"
	r := run(t, load(t, meshes+"sfm.yaml", "expect=[]", away)[0])
	during := func(flow, metric string, from, until int) float64 {
		return mean(series(t, r, flow, metric)[5*from : 5*until])
	}
	for _, flow := range []string{"A/video>B", "B/video>A"} {
		if fps := during(flow, record.FrameRate, 12, 40); fps < 29 {
			t.Errorf("%s: %.1f pictures a second", flow, fps)
		}
	}
	if n := during("A/audio>B", record.Concealed, 12, 40); n > 0 {
		t.Errorf("B misses %.1f ms of audio in 200", n)
	}
	for _, flow := range []string{"A/video>C", "B/video>C", "C/video>A", "C/video>B"} {
		if fps := during(flow, record.FrameRate, 16, 20); fps > 1 {
			t.Errorf("%s: %.1f pictures a second while C is away", flow, fps)
		}
		if fps := during(flow, record.FrameRate, 22, 40); fps < 28 {
			t.Errorf("%s: %.1f pictures a second afterwards", flow, fps)
		}
	}

	s := load(t, mixing, "expect=[]", "duration=40s", "network.links.c={between: [C, M], delay: 35ms, rate: 1Mbps, impairments: [{type: outage, during: [15s..20s]}]}")[0]
	sim, heard := buildHearing(t, s.Scenario)
	play(t, sim, s.Scenario)
	tone := func(to string, from, until int) map[string]float64 {
		return spectrum(heard["mixer/audio>"+to].samples[from*8000:until*8000], hums)
	}
	for _, from := range []string{"B", "D"} {
		if level := tone("A", 15, 20)[from]; level < -26.5 {
			t.Errorf("while C is away A hears %s at %.1f dBov", from, level)
		}
	}
	if level := tone("A", 16, 20)["C"]; level > -60 {
		t.Errorf("while C is away A hears it at %.1f dBov", level)
	}
	if level := tone("A", 22, 30)["C"]; level < -27 {
		t.Errorf("when C is there again A hears it at %.1f dBov", level)
	}
	if level := tone("C", 22, 30)["A"]; level < -27 {
		t.Errorf("when C is there again it hears A at %.1f dBov", level)
	}
}
