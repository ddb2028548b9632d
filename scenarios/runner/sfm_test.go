package runner_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

const (
	speakers = meshes + "sfm-speakers.yaml"
	badPaths = library + "testdata/determinism/middlebox.yaml"
)

// flowOf returns the stream of a name.
func flowOf(t *testing.T, sim *topologies.Simulation, name string) *topologies.Flow {
	t.Helper()
	i := slices.IndexFunc(sim.Flows, func(f *topologies.Flow) bool { return f.Flow() == name })
	if i < 0 {
		t.Fatalf("no flow %s", name)
	}
	return sim.Flows[i]
}

// On every leg all sources of others are known from the start, under SSRCs that the
// middlebox made, and two send video at a time.
//
// conformance: TOP-A.3.3-1, TOP-A.3.3-2
func TestSFMProjectsAllSources(t *testing.T) {
	long(t)
	t.Parallel()
	sim, w := playRTP(t, load(t, speakers)[0].Scenario, "sfm", nil)
	own := map[uint32]bool{}
	for _, f := range sim.Flows {
		if f.To == "sfm" {
			own[f.Sender.SSRC()] = true
		}
	}
	for _, f := range sim.Flows {
		if f.From == "sfm" && own[f.Sender.SSRC()] {
			t.Errorf("%s keeps its SSRC", f.Flow())
		}
	}
	for _, c := range sim.Connections {
		session := c.Sessions()[0]
		if session.Endpoint() == "sfm" {
			continue
		}
		// Of ten projected streams and its own two, at either end, and of what repairs videos.
		if n := session.Members(); n != 24+6 {
			t.Errorf("%s knows %d members, want 30", c.Name(), n)
		}
	}
	// Videos of the middlebox on A's leg that send in a second.
	for second := 2; second < 40; second++ {
		sending := 0
		for _, f := range sim.Flows {
			if f.From != "sfm" || f.To != "A" || f.Kind != endpoints.Video {
				continue
			}
			if slices.ContainsFunc(w.sent[f.Sender.SSRC()], func(p rtpSent) bool {
				return p.at >= simtime.At(time.Duration(second)*time.Second+500*time.Millisecond) && p.at < simtime.At(time.Duration(second+1)*time.Second)
			}) {
				sending++
			}
		}
		if turns := second%5 == 0; sending != 2 && !turns || sending < 1 || sending > 3 {
			t.Errorf("in second %d %d videos are sent to A", second, sending)
		}
	}
}

// A projected stream that is turned off and on goes on with the next sequence number, while
// its timestamps show how long it was away; nobody reports a loss. A relay that left the
// packets out would leave a gap instead.
//
// conformance: TOP-A.3.3-3
func TestSFMNumbersHaveNoGaps(t *testing.T) {
	long(t)
	t.Parallel()
	sim, w := playRTP(t, load(t, speakers)[0].Scenario, "sfm", nil)
	returns := 0
	for _, f := range sim.Flows {
		if f.From != "sfm" || f.Kind != endpoints.Video {
			continue
		}
		list := w.sent[f.Sender.SSRC()]
		for i := 1; i < len(list); i++ {
			a, b := list[i-1], list[i]
			if b.head.SequenceNumber != a.head.SequenceNumber+1 {
				t.Fatalf("%s: number %d follows %d at %v", f.Flow(), b.head.SequenceNumber, a.head.SequenceNumber, b.at)
			}
			away := b.at.Sub(a.at)
			if away < 2*time.Second {
				continue
			}
			returns++
			ticks := time.Duration(int32(b.head.Timestamp-a.head.Timestamp)) * time.Second / 90_000
			if d := ticks - away; d < -200*time.Millisecond || d > 200*time.Millisecond {
				t.Errorf("%s: away for %v, by timestamps for %v", f.Flow(), away, ticks)
			}
		}
		for _, r := range f.Sender.Main().Reports() {
			if r.Lost != 0 {
				t.Errorf("%s: %d packets are reported lost", f.Flow(), r.Lost)
			}
		}
	}
	if returns < 5 {
		t.Errorf("only %d streams came back", returns)
	}
}

// Streams that nobody sees stay members: nobody times out in two minutes, as the
// middlebox's SSRCs report on, and their names are known before they are seen.
//
// conformance: TOP-A.3.3-4
func TestSFMKeepsSilentStreams(t *testing.T) {
	long(t)
	t.Parallel()
	timeouts := 0
	s := load(t, speakers, "duration=120s", "expect=[]", "media.6.pauses=[5s..120s]", "media.7.pauses=[0s..120s]", "media.8.pauses=[0s..120s]",
		"media.9.pauses=[0s..120s]", "media.10.pauses=[0s..120s]", "media.11.pauses=[0s..120s]")[0].Scenario
	sim, w := playRTP(t, s, "sfm", func(e endpoints.Event) {
		if e.Kind == endpoints.ParticipantTimedOut {
			timeouts++
		}
	})
	if silent := flowOf(t, sim, "F/video>A"); timeouts > 0 || len(w.sent[silent.Sender.SSRC()]) > 0 {
		t.Errorf("%d members time out; F's picture goes to A in %d packets", timeouts, len(w.sent[silent.Sender.SSRC()]))
	}
	for _, c := range sim.Connections {
		if s := c.Sessions()[0]; s.Endpoint() != "sfm" && s.Members() != 24+6 {
			t.Errorf("%s knows %d members", c.Name(), s.Members())
		}
	}
}

// Each leg has SSRCs of its own: two endpoints with one SSRC don't collide, and what is
// passed on says by its name whose it is.
//
// conformance: TOP-A.3.3-5, TOP-A.3.3-6
func TestSFMKeepsSpacesApart(t *testing.T) {
	s := load(t, meshes+"sfm.yaml", "expect=[]", "duration=20s")[0].Scenario
	c, err := runner.Config(s)
	if err != nil {
		t.Fatal(err)
	}
	forced := 0
	for i := range c.Calls {
		for j := range c.Calls[i].Sessions[0].Media {
			if m := &c.Calls[i].Sessions[0].Media[j]; m.Kind == endpoints.Video && m.From != "sfm" {
				m.SSRC = 0x12345678
				forced++
			}
		}
	}
	sim, err := topologies.Build(c)
	if err != nil || forced != 3 {
		t.Fatal(forced, err)
	}
	sim.OnEvent(func(e endpoints.Event) {
		switch e.Kind {
		case endpoints.SSRCChanged, endpoints.ThirdPartyCollision, endpoints.ByeSent:
			t.Errorf("event %d of %s", e.Kind, e.Session.Name())
		default:
		}
	})
	play(t, sim, s)
	names := map[string]string{}
	for _, c := range sim.Connections {
		if c.Endpoint() != "sfm" {
			names[c.CNAME()] = c.Endpoint()
		}
	}
	seen := 0
	for _, f := range sim.Flows {
		if f.From != "sfm" {
			continue
		}
		for _, r := range f.Receiver.Session().Received(nil) {
			if r.Section == f.Receiver && r.SSRC == f.Sender.SSRC() {
				seen++
				if origin := names[r.CNAME]; f.Name[:1] != origin {
					t.Errorf("%s has the name of %q", f.Flow(), origin)
				}
			}
		}
	}
	if seen != 8 {
		t.Errorf("%d projected streams have come", seen)
	}
}

// A middlebox gives each leg SSRCs of its own, which mean something there alone: who tells
// another participant "mute this SSRC" may hit a third one, or nobody. The MediaStream's
// identifier names the same track everywhere.
//
// conformance: TOP-A.3.1-7
func TestSSRCsMeanNothingElsewhere(t *testing.T) {
	s := load(t, meshes+"sfm.yaml", "expect=[]", "duration=5s")[0].Scenario
	c, err := runner.Config(s)
	if err != nil {
		t.Fatal(err)
	}
	const taken = 0x7a6b5c4d // for B's picture on the leg to A, and for A's on that to C
	for _, call := range c.Calls {
		for _, session := range call.Sessions {
			for i := range session.Media {
				if m := &session.Media[i]; m.Flow() == "B/video>A" || m.Flow() == "A/video>C" {
					m.SSRC = taken
				}
			}
		}
	}
	sim, err := topologies.Build(c)
	if err != nil {
		t.Fatal(err)
	}
	play(t, sim, s)
	// find returns the tracks of pictures that an endpoint finds by an SSRC, or by a MediaStream.
	find := func(end string, match func(stream string, track *endpoints.Track) bool) (streams []string) {
		for _, c := range sim.Connections {
			if c.Endpoint() != end {
				continue
			}
			for _, stream := range c.MediaStreams() {
				for i := range stream.Tracks {
					if tr := &stream.Tracks[i]; tr.Section.Kind() == endpoints.Video && match(stream.ID, tr) {
						streams = append(streams, stream.ID)
					}
				}
			}
		}
		return streams
	}
	bySSRC := func(ssrc uint32) func(string, *endpoints.Track) bool {
		return func(_ string, tr *endpoints.Track) bool { return tr.Primary.SSRC == ssrc }
	}
	byStream := func(id string) func(string, *endpoints.Track) bool {
		return func(stream string, _ *endpoints.Track) bool { return stream == id }
	}
	if at := find("A", bySSRC(taken)); !slices.Equal(at, []string{"B"}) {
		t.Fatalf("A calls the tracks of %v by the SSRC", at)
	}
	if at := find("C", bySSRC(taken)); !slices.Equal(at, []string{"A"}) {
		t.Errorf("C mutes %v, whom A doesn't mean", at)
	}
	var other uint32
	for _, f := range sim.Flows {
		if f.Flow() == "C/video>A" {
			other = f.Sender.SSRC()
		}
	}
	if at := find("B", bySSRC(other)); len(at) != 0 {
		t.Errorf("B finds %v by an SSRC of A's leg", at)
	}
	if at := find("C", byStream("B")); !slices.Equal(at, []string{"B"}) {
		t.Errorf("C finds %v by the MediaStream of B", at)
	}
}

// What a receiver asks for is done by the middlebox if it can, and asked of whom it concerns
// otherwise: losses on a downlink are sent again from there, and a key frame comes from the
// one source.
//
// conformance: TOP-A.3.3-7, IMP-12.7-4
func TestSFMAnswersRequests(t *testing.T) {
	t.Parallel()
	s := load(t, meshes+"sfm.yaml", "expect=[]", "duration=30s", "network.links.b.backward={rate: 5Mbps, loss: 3%}")[0].Scenario
	sim, _ := playRTP(t, s, "sfm", nil)
	of := func(name string) endpoints.RepairCounts {
		i := slices.IndexFunc(sim.Connections, func(c *endpoints.Connection) bool { return c.Name() == name })
		return sim.Connections[i].Sessions()[0].RepairCounts()
	}
	if n := of("sfm-B"); n.NACKsReceived < 20 || n.Retransmitted < 20 {
		t.Errorf("B asks for what it lacks %d times, and %d packets are sent again", n.NACKsReceived, n.Retransmitted)
	}
	for _, name := range []string{"A-sfm", "C-sfm"} {
		if n := of(name); n.NACKsReceived != 0 || n.Retransmitted != 0 {
			t.Errorf("%s hears %d NACKs", name, n.NACKsReceived)
		}
	}

	// What is lost on the way to the middlebox is asked for there, and takes its place in
	// the picture when it comes: without, 12 pictures a second are shown.
	r := run(t, load(t, meshes+"sfm.yaml", "expect=[]", "duration=30s", "network.links.a.forward={rate: 5Mbps, loss: 3%}")[0])
	for _, flow := range []string{"A/video>B", "A/video>C"} {
		if fps := mean(series(t, r, flow, record.FrameRate)[75:]); fps < 27 {
			t.Errorf("%s: %.1f pictures a second with a loss of 3 %% on the uplink", flow, fps)
		}
	}

	keys := map[string]int{}
	s = load(t, meshes+"sfm.yaml", "expect=[]", "duration=30s", "repair.refresh=fir", "repair.nack=false", "repair.rtx=false",
		"network.links.b.backward={rate: 5Mbps, impairments: [{type: outage, during: [20s..20.3s]}]}")[0].Scenario
	_, _ = playRTP(t, s, "sfm", func(e endpoints.Event) {
		if e.Kind == endpoints.FrameEncoded && e.Key && e.Section.Kind() == endpoints.Video && e.At > simtime.At(19*time.Second) {
			keys[e.Session.Endpoint()]++
		}
	})
	if keys["A"] == 0 || keys["C"] == 0 || keys["B"] != 0 {
		t.Errorf("key frames %v, after B has lost some of A's and of C's", keys)
	}
}

// A sender with unlike receivers is asked for what the slowest can get, and left alone if its
// own uplink is the bottleneck. Without limits the slow one's stream doesn't fit.
//
// conformance: TOP-A.3.3-8, CNF-5.1.6-6
func TestSFMAsksForWhatTheSlowestGets(t *testing.T) {
	long(t)
	t.Parallel()
	const file = "topologies/sfm-slow-receivers.yaml"
	if got := failing(t, file); len(got) > 0 {
		t.Errorf("misses %v", got)
	}
	if got := failing(t, file, "topology.limits=false"); !slices.Contains(got, "send-rate") || !slices.Contains(got, "frame-rate") {
		t.Errorf("without limits only %v is missed", got)
	}
}

// The same endpoints talk to each other directly, in a mesh and by way of a middlebox; only
// what is at the far end differs.
//
// conformance: CNF-5.1-1
func TestEndpointsWorkInEveryTopology(t *testing.T) {
	const text = `
title: Two who don't care what is between them
duration: 15s
protection: size-only
network: {links: {a: {between: [A, M], delay: 20ms, rate: 4Mbps}, b: {between: [B, M], delay: 20ms, rate: 4Mbps}}}
endpoints: {A: {at: A}, B: {at: B}}
topology: {type: point-to-point, peers: [A, B]}
media:
  - {from: A, kind: video, encoder: {max: 1Mbps}}
  - {from: A, kind: audio}
  - {from: B, kind: video, encoder: {max: 1Mbps}}
  - {from: B, kind: audio}
congestion: {controller: nada}
repair: {nack: true, rtx: true, refresh: pli, decoder: true}
`
	for topology, flow := range map[string]string{
		"{type: point-to-point, peers: [A, B]}": "A/video",
		"{type: mesh, peers: [A, B]}":           "A/video>B",
		"{type: sfm, at: M, peers: [A, B]}":     "A/video>B",
	} {
		r := parsed(t, text, "topology="+topology)
		if fps := mean(series(t, r, flow, record.FrameRate)[40:]); fps < 29 {
			t.Errorf("%s: B sees %.1f pictures a second", topology, fps)
		}
		if rate := mean(series(t, r, flow, record.ReceiveRate)[50:]); rate < 0.9e6 {
			t.Errorf("%s: B gets %.0f bit/s", topology, rate)
		}
	}
}

// SRs of a middlebox say how the timestamps of picture and sound belong together, though its
// clock is another one than the source's, in one session or two; without lip-sync the sound
// of a video that waits for a slow leg is earlier.
func TestSFMKeepsLipSync(t *testing.T) {
	const text = `
title: Sound and picture by way of a middlebox
duration: 30s
protection: size-only
network: {links: {a: {between: [A, M], delay: 20ms, rate: 4Mbps}, b: {between: [B, M], delay: 20ms, forward: {rate: 4Mbps}, backward: {rate: 1.1Mbps}}}}
endpoints: {A: {at: A, clock-offset: 1h, clock-drift: 100ppm}, B: {at: B, clock-offset: -5s}}
topology: {type: sfm, at: M, peers: [A, B]}
media:
  - {from: A, kind: video, encoder: {model: perfect, min: 900kbps, max: 900kbps}}
  - {from: A, kind: audio, rate: 32kbps}
congestion: {controller: fixed, feedback: none, parameters: {pacing-factor: 3}}
playout: {delay: 400ms, lip-sync: true}
expect: [{metric: av-skew-p95, flow: A/video>B, during: 10s..30s, max: 10ms}]
`
	skew := func(set ...string) float64 { return parsed(t, text, set...).Verdicts[0].Value }
	for _, sessions := range []string{"bundle", "per-kind"} {
		if d := skew("topology.sessions=" + sessions); d > 10 {
			t.Errorf("%s: sound and picture are %v ms apart", sessions, d)
		}
	}
	if d := skew("playout.lip-sync=false"); d < 10 {
		t.Errorf("without lip-sync they are only %v ms apart", d)
	}
}

// When a source goes on with another SSRC, as its clock rate changes (RFC 7160 §4.1), SRs about
// what is passed on go by the new one, and not by the one that has said BYE.
func TestSFMReportsTimeOfTheSource(t *testing.T) {
	const text = `
title: A change of codec by way of a middlebox
duration: 12s
protection: none
network: {links: {a: {between: [A, M], delay: 20ms, rate: 4Mbps}, b: {between: [B, M], delay: 20ms, rate: 4Mbps}}}
endpoints: {A: {at: A, clock-offset: 1h}, B: {at: B}}
topology: {type: sfm, at: M, peers: [A, B]}
media: [{from: A, kind: audio, speech: {activity: always, switches: [{at: 5s, codec: pcmu}]}}]
`
	sim, w := playRTP(t, loadText(t, text), "sfm", nil)
	ssrc := flowOf(t, sim, "A/audio>B").Sender.SSRC()
	list, after := w.sent[ssrc], 0
	for _, sr := range w.srs[ssrc] {
		if sr.at < simtime.At(6*time.Second) {
			continue
		}
		after++
		i, _ := slices.BinarySearchFunc(list, sr.at, func(p rtpSent, at simtime.Time) int { return int(p.at - at) })
		if ahead := int32(sr.rtp - list[i-1].head.Timestamp); ahead < 0 || ahead > 8000/4 {
			t.Errorf("at %v an SR is %d ticks ahead of the packets", sr.at, ahead)
		}
	}
	if after < 10 {
		t.Errorf("only %d SRs", after)
	}
}

// One receiver who needs a key frame all the time doesn't make the sender send nothing else:
// there are some five a second at most, and the others see all pictures.
func TestSFMBearsEndlessRequests(t *testing.T) {
	long(t)
	t.Parallel()
	keys := 0
	s := load(t, meshes+"sfm.yaml", "expect=[]", "repair={refresh: fir, decoder: true}", "network.links.c.backward={rate: 5Mbps, loss: 20%}")[0]
	_, _ = playRTP(t, s.Scenario, "sfm", func(e endpoints.Event) {
		if e.Kind == endpoints.FrameEncoded && e.Key && e.Session.Endpoint() == "A" && e.Section.Kind() == endpoints.Video && e.At > simtime.At(20*time.Second) {
			keys++
		}
	})
	if keys < 20 || keys > 110 {
		t.Errorf("%d key frames in 20 s", keys)
	}
	if fps := mean(series(t, run(t, s), "A/video>B", record.FrameRate)[100:]); fps < 29 {
		t.Errorf("B sees %.1f pictures a second", fps)
	}
}

// Receivers that lack the same picture ask the middlebox, which asks the sender once,
// by its own SSRC.
//
// conformance: CNF-5.1.1-4
func TestSFMAsksOnce(t *testing.T) {
	long(t)
	t.Parallel()
	asked, downstream := 0, 0
	s := load(t, speakers, "expect=[]", "topology={type: sfm, at: M, peers: [A, B, C, D, E, F]}", "repair={refresh: fir, decoder: true}",
		"network.links.a.forward={rate: 10Mbps, impairments: [{type: outage, during: [15s..15.2s]}]}")[0].Scenario
	_, _ = playRTP(t, s, "sfm", func(e endpoints.Event) {
		if e.Kind != endpoints.RefreshRequested || e.At < simtime.At(15*time.Second) {
			return
		}
		switch {
		case e.Session.Name() == "sfm-A" && e.Section.Name() == "video":
			asked++
		case e.Section.Name() == "A/video>sfm":
			downstream++
		}
	})
	if asked != 1 || downstream < 3 {
		t.Errorf("%d requests come from receivers, and %d go to A, want one", downstream, asked)
	}
}

// Whatever paths do to packets and whoever leaves: nothing panics, every packet is accounted
// for, and pictures are seen again after it is over.
func TestSFMSurvivesBadPaths(t *testing.T) {
	long(t)
	t.Parallel()
	mixer := "topology={type: switching-mixer, at: M, peers: [A, B, C, D], last-n: 2}"
	for _, set := range [][]string{
		nil,
		{mixer},
		{mixer, "congestion={controller: scream}", "topology.csrc=false", "topology.sessions=per-kind"},
		{"protection=none", "congestion={controller: gcc, feedback: twcc}", "repair={refresh: pli, decoder: true, fec: 20%}"},
		{"protection=size-only", "congestion={controller: scream}", "topology.last-n=1", "topology.sessions=per-kind"},
		{"congestion={controller: remb, feedback: remb}", "rtcp.mux=false"},
		{"congestion={controller: fixed, feedback: none}", "topology.limits=false", "security.keying=preshared"},
	} {
		for seed := range 3 {
			r := one(t, badPaths, append([]string{fmt.Sprint("seed=", seed)}, set...)...)
			flow := "B/video>A"
			if slices.Contains(set, mixer) {
				flow = "mixer/video1>A"
			}
			if fps := mean(series(t, r, flow, record.FrameRate)[75:]); fps < 1 {
				t.Errorf("%v, seed %d: %.1f pictures a second of %s", set, seed, fps, flow)
			}
		}
	}
}

// Padding takes numbers of its own: what a leg's controller probes with has some, between
// frames, and what a source's controller did leaves no gap. What is sent again has the place
// that it had before.
func TestSFMNumbersPadding(t *testing.T) {
	long(t)
	t.Parallel()
	for _, lossy := range []bool{false, true} {
		set := []string{"expect=[]", "congestion={controller: gcc}"}
		if lossy {
			set = append(set, "network.links.a.forward={rate: 5Mbps, loss: 3%}")
		}
		sim, w := playRTP(t, load(t, meshes+"sfm.yaml", set...)[0].Scenario, "sfm", nil)
		for _, c := range sim.Connections {
			n := c.Sessions()[0].Counts()
			if n.Padding == 0 || n.Replayed > 0 {
				t.Errorf("lossy %v: %s: %d packets of padding, %d replayed", lossy, c.Name(), n.Padding, n.Replayed)
			}
		}
		for _, f := range sim.Flows {
			if f.From != "sfm" {
				continue
			}
			used := map[uint16]simtime.Time{}
			list := w.sent[f.Sender.SSRC()]
			for i := range list {
				b := &list[i].head
				if at, again := used[b.SequenceNumber]; again && list[i].at.Sub(at) < 10*time.Second {
					t.Fatalf("lossy %v: %s: number %d at %v and %v", lossy, f.Flow(), b.SequenceNumber, at, list[i].at)
				}
				if used[b.SequenceNumber] = list[i].at; i == 0 {
					continue
				}
				a := &list[i-1].head
				if b.SequenceNumber != a.SequenceNumber+1 && !lossy {
					t.Fatalf("%s: number %d follows %d at %v", f.Flow(), b.SequenceNumber, a.SequenceNumber, list[i].at)
				}
				if a.Padding && !b.Padding && b.Timestamp == a.Timestamp && !lossy {
					t.Fatalf("%s: padding within a frame at %v", f.Flow(), list[i].at)
				}
			}
			for _, r := range f.Sender.Main().Reports() {
				if r.Lost != 0 && !lossy {
					t.Errorf("%s: %d packets are reported lost", f.Flow(), r.Lost)
				}
			}
		}
	}
}
