package runner_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// What is sent over a relay suits all of the three paths, or all but the worst; with one
// controller for all, whoever hears best makes the rate, and the others' packets are lost.
//
// conformance: TOP-A.4.3-5, IMP-12.7-2
func TestRateForSeveralPaths(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tt := range []struct {
		policy        string
		least, most   float64 // bit/s that A sends
		lostC, lostD  float64 // at most, of what goes down to C and D
		aboveC, above float64 // at least
	}{
		{"least", 180e3, 300e3, 0, 0.01, 0, 0},
		{"drop-worst", 750e3, 1e6, 0.05, 0.7, 0, 0.4},
		{"naive", 1.8e6, 2.2e6, 0.7, 0.9, 0.4, 0.6},
	} {
		r := run(t, load(t, meshes+"relay-paths.yaml", "expect=[]", "congestion.receivers="+tt.policy)[0])
		sent := mean(series(t, r, "A/video", record.SendRate)[100:])
		loss := func(link string) float64 {
			return sum(series(t, r, link, record.Drops)[100:]) / sum(series(t, r, link, record.Arrivals)[100:])
		}
		c, d := loss("c/backward"), loss("d/backward")
		if sent < tt.least || sent > tt.most || c > tt.lostC || c < tt.aboveC || d > tt.lostD || d < tt.above {
			t.Errorf("%s: A sends %.0f bit/s, of which C loses %.3f and D %.3f", tt.policy, sent, c, d)
		}
	}
}

// Loss on B's path is B's: the controller for C, with the same reports as before, keeps its
// rate. What is left behind is B alone.
//
// conformance: TOP-A.4.3-4, CNF-5.1-4
func TestPathsDontMeddle(t *testing.T) {
	const same = "network.links={a: {between: [A, M], delay: 10ms, rate: 5Mbps}, b: {between: [B, M], delay: 20ms, rate: 1Mbps, loss: 15%}, " +
		"c: {between: [C, M], delay: 20ms, rate: 1Mbps}, d: {between: [D, M], delay: 20ms, rate: 1Mbps}}"
	for policy, behind := range map[string]float64{"least": 0, "drop-worst": 1} {
		r := run(t, load(t, meshes+"relay-paths.yaml", "expect=[]", same, "congestion.receivers="+policy)[0])
		least, most := mean(series(t, r, "A-relay", "signal/least")[150:]), mean(series(t, r, "A-relay", "signal/most")[150:])
		if n := mean(series(t, r, "A-relay", "signal/left-behind")[150:]); math.Abs(n-behind) > 0.05 {
			t.Errorf("%s: %.2f receivers are left behind, want %v", policy, n, behind)
		}
		if n := mean(series(t, r, "A-relay", "signal/receivers")[150:]); n != 3 {
			t.Errorf("%s: %v receivers are told apart", policy, n)
		}
		if least > 250e3 || policy == "drop-worst" && most < 750e3 {
			t.Errorf("%s: B's controller allows %.0f bit/s, the best %.0f", policy, least, most)
		}
	}
}

// A relay that holds packets back makes its peers report what isn't so: no link loses anything,
// and A goes down to its least rate. The same selection by a middlebox that rewrites headers
// isn't noticed.
//
// conformance: TOP-A.4.3-6
func TestSelectiveRelayingLooksLikeCongestion(t *testing.T) {
	long(t)
	t.Parallel()
	loaded := load(t, meshes+"relay-selective.yaml")[0]
	r := run(t, loaded)
	for _, v := range scenarios.Judge(loaded.Scenario, r) {
		if !v.Pass {
			t.Errorf("%s: %v", v.Expectation, v.Value)
		}
	}
	sim, worst := build(t, loaded.Scenario), 0.0
	sim.OnEvent(func(e endpoints.Event) {
		for _, about := range sim.Flows[0].Sender.Main().Reports() {
			worst = max(worst, about.FractionLost)
		}
	})
	play(t, sim, loaded.Scenario)
	if worst < 0.9 {
		t.Errorf("after the pause %.2f of the packets are reported lost at most", worst)
	}
	r = run(t, load(t, meshes+"sfm-speakers.yaml", "expect=[]")[0])
	for _, flow := range r.Series {
		if flow.Metric != record.ReportedLoss {
			continue
		}
		for i, v := range flow.Values {
			if v > 0 {
				t.Errorf("behind an SFM %.2f of %s is reported lost in bin %d", v, flow.Entity, i)
				break
			}
		}
	}
}

// Behind an MCU that switches video and leaves RTCP alone, who doesn't see somebody reports nothing about
// them, and then that all was lost: everybody goes down to little more than the least rate, and begins there at
// each turn. A mixer that switches reports for itself, and everybody keeps their rate.
//
// conformance: CNF-5.1-2
func TestVideoSwitchingMCU(t *testing.T) {
	t.Parallel()
	const file = meshes + "video-switching-mcu.yaml"
	sent := func(set ...string) float64 {
		r := run(t, load(t, file, append(set, "expect=[]")...)[0])
		return mean(series(t, r, "B/video", record.SendRate)[5*21 : 5*50]) // seen from 30 s to 40 s only
	}
	mcu, mixer := sent(), sent("topology={type: switching-mixer, at: M, peers: [A, B, C, D], limits: false}")
	if mcu > 300e3 || mixer < 500e3 {
		t.Errorf("B sends %.0f bit/s to the MCU and %.0f to a mixer", mcu, mixer)
	}
	s := load(t, file, "expect=[]")[0].Scenario
	sim, about := build(t, s), 0
	worst, d := 0.0, sim.Connections[3].CNAME()
	sim.OnEvent(func(e endpoints.Event) {
		for _, r := range sim.Flows[1].Sender.Main().Reports() { // of B
			worst = max(worst, r.FractionLost)
			if r.CNAME == d && r.At > simtime.At(23*time.Second) && r.At < simtime.At(30*time.Second) {
				about++
			}
		}
	})
	play(t, sim, s)
	if about > 0 || worst < 0.5 {
		t.Errorf("D makes %d reports about what it doesn't see, and %.2f are reported lost at most", about, worst)
	}
}

// Nobody hears who sends with A's SSRC, if the relay looks where an SSRC comes from. If it
// doesn't, A has to give the SSRC up.
//
// conformance: TOP-A.4.3-11, IMP-12.7-5
func TestRelayBindsSSRCs(t *testing.T) {
	t.Parallel()
	for _, bind := range []string{"true", "false"} {
		s := load(t, meshes+"relay-spoofer.yaml", "expect=[]", "topology.bind="+bind)[0].Scenario
		sim := build(t, s)
		var victim, changed uint32
		for _, f := range sim.Flows {
			if f.From == "A" {
				victim = f.Sender.SSRC()
			}
		}
		play(t, sim, s)
		for _, f := range sim.Flows {
			if f.From == "A" {
				changed = f.Sender.SSRC()
			}
		}
		suppressed, _ := sim.Relayed("relay")
		if bind == "true" && (suppressed < 800 || changed != victim) {
			t.Errorf("bound: %d packets suppressed, SSRC %08x becomes %08x", suppressed, victim, changed)
		}
		if bind == "false" && (suppressed != 0 || changed == victim) {
			t.Errorf("unbound: %d packets suppressed, SSRC %08x becomes %08x", suppressed, victim, changed)
		}
	}
}

// An SSRC belongs to a peer, and not to one of its ports: RTCP on its own port, and what one
// peer sends in several sessions, is copied.
func TestRelayBindsPeers(t *testing.T) {
	t.Parallel()
	for sessions, sources := range map[string]int{"bundle": 2, "per-media": 1} { // of each peer in a session
		s := load(t, meshes+"relay-spoofer.yaml", "expect=[]", "rtcp.mux=false", "topology.sessions="+sessions,
			"media=[{from: A, kind: video, encoder: {max: 300kbps}}, {from: A, kind: audio}]")[0].Scenario
		sim := build(t, s)
		play(t, sim, s)
		if suppressed, _ := sim.Relayed("relay"); suppressed > 0 {
			t.Errorf("%s: %d packets suppressed", sessions, suppressed)
		}
		for _, f := range sim.Flows {
			if n := len(f.Sender.Main().Reports()); n != 3*sources {
				t.Errorf("%s: %d sources of three peers report on %s", sessions, n, f.Flow())
			}
		}
	}
}

// The relay has no key, and what goes over it can't be read there; nor is there a handshake
// with it.
//
// conformance: TOP-A.4.3-8
func TestRelayReadsNothing(t *testing.T) {
	sent := func(protection string) map[string]bool {
		s := load(t, meshes+"relay-paths.yaml", "expect=[]", "duration=5s", "protection="+protection, "congestion={controller: fixed, feedback: none}")[0].Scenario
		_, w := playRTP(t, s, "", nil) // what A sends, and the relay's copies of it
		payloads := map[string]bool{}
		for _, list := range w.sent {
			for _, p := range list {
				if len(p.payload) > 60 {
					payloads[p.payload[20:52]] = true
				}
			}
		}
		return payloads
	}
	plain, encrypted := sent("none"), sent("full")
	if len(plain) == 0 || len(encrypted) < 100 {
		t.Fatalf("%d and %d different payloads", len(plain), len(encrypted))
	}
	for p := range encrypted {
		if plain[p] {
			t.Fatal("the relay can read a payload")
		}
	}
	_, err := scenarios.Load(meshes+"relay-paths.yaml", scenarios.Options{Set: []string{"security.keying=dtls"}, Catalogue: runner.Catalogue{}})
	if err == nil || !strings.Contains(err.Error(), "handshake") {
		t.Errorf("a handshake with a relay: %v", err)
	}
}

// A payload type means the same to all of a group. What has another one is nothing that an
// endpoint knows, and it shows no picture; the checker doesn't let such a session begin.
//
// conformance: TOP-A.4.3-7
func TestPayloadTypesMismatch(t *testing.T) {
	set := []string{"expect=[]", "duration=10s", "congestion={controller: fixed, feedback: none}", "media=[{from: A, kind: video, encoder: {max: 200kbps}}]"}
	same := append(set, "endpoints={A: {at: A, video-type: 105}, B: {at: B, video-type: 105}, C: {at: C, video-type: 105}, D: {at: D, video-type: 105}}")
	if fps := mean(series(t, run(t, load(t, meshes+"relay-paths.yaml", same...)[0]), "A/video", record.FrameRate)[10:]); fps < 29 {
		t.Errorf("%.1f pictures a second with payload type 105", fps)
	}
	_, err := scenarios.Load(meshes+"relay-paths.yaml", scenarios.Options{Set: append(set, "endpoints.C={at: C, video-type: 105}"), Catalogue: runner.Catalogue{}})
	if err == nil || !strings.Contains(err.Error(), "in an RTP session a type means the same everywhere") {
		t.Errorf("another payload type at C: %v", err)
	}
	s := load(t, meshes+"relay-paths.yaml", set...)[0].Scenario
	config, err := runner.Config(s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range config.Endpoints {
		if e := &config.Endpoints[i]; e.Name == "C" {
			e.VideoType = 105
		}
	}
	sim, err := topologies.Build(config)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]int{}
	sim.OnEvent(func(e endpoints.Event) {
		if e.Kind == endpoints.FrameRendered {
			shown[e.Session.Endpoint()]++
		}
	})
	play(t, sim, s)
	for _, c := range sim.Connections {
		if n := c.Sessions()[0].Counts().Unassociated; (c.Endpoint() == "C") != (n > 100) {
			t.Errorf("%s gets %d packets of payload types that it doesn't know", c.Endpoint(), n)
		}
	}
	if shown["B"] < 250 || shown["C"] != 0 {
		t.Errorf("pictures shown: %v", shown)
	}
}
