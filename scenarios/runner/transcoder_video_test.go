package runner_test

import (
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
)

const transcodedVideo = meshes + "transcoder-video.yaml"

// A transcoder that asks for twice what it sends on saves 2 Mbit/s of 2.5 on the way to it, and what
// comes out is no worse (experiment E17).
//
// conformance: TOP-A.4.1-6
func TestTranscoderAsksForLess(t *testing.T) {
	t.Parallel()
	rates := func(limits string) (in, out, pictures float64) {
		r := run(t, load(t, transcodedVideo, "expect=[]", "topology.limits="+limits)[0])
		return mean(series(t, r, "A/video", record.EncoderRate)[100:]), mean(series(t, r, "A/video>B", record.EncoderRate)[100:]),
			mean(series(t, r, "A/video>B", record.FrameRate)[100:])
	}
	wasteful, outOfMuch, picturesOfMuch := rates("false")
	frugal, out, pictures := rates("true")
	if saved := wasteful - frugal; saved < 1.9e6 || saved < 0.8*wasteful {
		t.Errorf("A sends %.0f bit/s instead of %.0f", frugal, wasteful)
	}
	if ratio := out / outOfMuch; ratio < 0.95 || ratio > 1.05 || pictures < picturesOfMuch-0.5 {
		t.Errorf("B gets %.0f bit/s and %.1f pictures a second, and %.0f and %.1f of much", out, pictures, outOfMuch, picturesOfMuch)
	}
}

// Each way has a control loop of its own: when the one to B gets narrow, what A sends stays as it is.
// Where media are passed on as they are, and A sends no less, they have to stop.
//
// conformance: TOP-A.4.1-5, TOP-A.4.2-4
func TestTranscoderSplitsLoops(t *testing.T) {
	t.Parallel()
	fall := []string{
		"expect=[]", "topology.limits=false", "breakers={mode: enforce}", "media=[{from: A, kind: video, encoder: {min: 1.2Mbps, max: 1.5Mbps}}]",
		"network.links.b={between: [B, M], delay: 20ms, forward: {rate: 4Mbps}, backward: {rate: 3Mbps}, schedule: [{at: 20s, backward: {rate: 300kbps}}]}",
	}
	tripped := func(r *record.Record) (n int) {
		for _, e := range r.Events {
			if e.Kind == "breaker-tripped" {
				n++
			}
		}
		return n
	}
	r := run(t, load(t, transcodedVideo, append(fall, "topology.type=transcoder")...)[0])
	before, after := mean(series(t, r, "A/video", record.SendRate)[50:100]), mean(series(t, r, "A/video", record.SendRate)[150:])
	if ratio := after / before; ratio < 0.95 || ratio > 1.05 {
		t.Errorf("A sends %.0f bit/s, and %.0f when the way to B is narrow", before, after)
	}
	if rate := mean(series(t, r, "A/video>B", record.SendRate)[150:]); rate > 330e3 {
		t.Errorf("B is sent %.0f bit/s", rate)
	}
	if fps := mean(series(t, r, "A/video>B", record.FrameRate)[150:]); fps < 20 || tripped(r) > 0 {
		t.Errorf("B sees %.1f pictures a second, and %d breakers trip", fps, tripped(r))
	}
	r = run(t, load(t, transcodedVideo, append(fall, "topology.type=gateway")...)[0])
	if fps := mean(series(t, r, "A/video>B", record.FrameRate)[200:]); fps > 1 || tripped(r) == 0 {
		t.Errorf("past a gateway B sees %.1f pictures a second, and %d breakers trip", fps, tripped(r))
	}
}

// Pictures keep the SSRC and the name of whose they are, and a key frame that B needs is the
// transcoder's to make.
//
// conformance: TOP-A.4.1-3
func TestTranscodedPictures(t *testing.T) {
	t.Parallel()
	s := load(t, transcodedVideo, "expect=[]", "duration=20s", "network.links.b.backward={rate: 2Mbps, loss: 2%}")[0].Scenario
	sim := build(t, s)
	play(t, sim, s)
	in, out := flowOf(t, sim, "A/video"), flowOf(t, sim, "A/video>B")
	if in.Sender.SSRC() != out.Sender.SSRC() {
		t.Errorf("A sends %08x, the transcoder %08x", in.Sender.SSRC(), out.Sender.SSRC())
	}
	if a, b := in.Sender.Session().RepairCounts(), out.Sender.Session().RepairCounts(); a.RefreshesObeyed > 0 || b.RefreshesObeyed == 0 {
		t.Errorf("A makes %d key frames on request, the transcoder %d", a.RefreshesObeyed, b.RefreshesObeyed)
	}
	if _, err := scenarios.Load(transcodedVideo, scenarios.Options{Set: []string{"topology.type=mixer"}}); err == nil {
		t.Error("a mixer shows several videos")
	}
}
