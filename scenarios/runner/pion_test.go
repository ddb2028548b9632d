package runner_test

import (
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/hosted"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	_ "rtpfabric/topologies/pion"
)

const guests = library + "hosted/"

// value returns a figure of the summary; 0 if it isn't there.
func value(rec *record.Record, entity, metric string) float64 {
	for _, m := range rec.Summary {
		if m.Entity == entity && m.Metric == metric && (m.Stat == "mean" || m.Stat == "total") {
			return m.Value
		}
	}
	return 0
}

// steady lets goroutines take turns in the same way each time, as in a process of its own.
func steady(t *testing.T) {
	t.Helper()
	before := runtime.GOMAXPROCS(1)
	restore := hosted.Undisturbed()
	t.Cleanup(func() {
		restore()
		runtime.GOMAXPROCS(before)
	})
}

const pionCall = `
title: A call
duration: 12s
network:
  links:
    path: {between: [A, B], delay: 20ms, loss: 2%%, rate: 2Mbps}
endpoints:
  A: {at: A%s}
  B: {at: B%s}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, encoder: {max: 800kbps}}
  - {from: B, kind: video, encoder: {max: 800kbps}}
  - {from: A, kind: audio, rate: 32kbps}
  - {from: B, kind: audio, rate: 32kbps}
congestion: {controller: %s, feedback: %s}
repair: {nack: true, rtx: true, refresh: pli, decoder: true}
playout: {delay: 300ms}
`

// Ours and pion's stack understand each other in whatever roles they have: media and reports go both ways,
// what is lost comes again, and is nothing to anybody who looks on.
func TestPionInteroperates(t *testing.T) {
	t.Parallel()
	const ours, theirs, passive = "", ", stack: pion", ", stack: pion, pion: {dtls: passive}"
	for _, c := range []struct{ name, a, b, controller, feedback, extra string }{
		{"ours to pion", ours, theirs, "fixed", "twcc", ""},
		{"pion to ours", theirs, ours, "fixed", "twcc", ""},
		{"pion waits for the handshake", ours, passive, "fixed", "twcc", ""},
		{"pion to pion", theirs, theirs, "fixed", "twcc", ""},
		{"with gcc", ours, theirs, "gcc", "twcc", ""},
		{"with gcc and RFC 8888", theirs, ours, "gcc", "rfc8888", ""},
		{"without feedback", ours, theirs, "fixed", "none", ""},
		{"with GCM", ours, theirs, "fixed", "twcc", "security: {profile: gcm-128}\n"},
		{"without gcc's pacer", theirs + ", pion: {pacer: none}", ours, "gcc", "twcc", ""},
		{"as it is", ours, ", stack: pion, pion: {profile: faithful}", "fixed", "twcc", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := loadText(t, fmt.Sprintf(pionCall, c.a, c.b, c.controller, c.feedback)+c.extra)
			rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
			for _, e := range rec.Events {
				if e.Kind == "keys-agreed" && e.At > simtime.At(3*time.Second) { // a packet in fifty is lost there, too
					t.Errorf("%s has keys at %v", e.Entity, e.At)
				}
			}
			for _, who := range []string{"A", "B"} {
				peer := map[string]string{"A": "B", "B": "A"}[who]
				for _, kind := range []string{"video", "audio"} {
					flow := who + "/" + kind
					encoded, rendered := value(rec, flow, "frames-encoded"), value(rec, flow, "frames-rendered")
					if encoded < 200 || rendered < 0.8*encoded {
						t.Errorf("of %v frames of %s %v were shown", encoded, flow, rendered)
					}
				}
				video := who + "/video"
				lost, restored := value(rec, video, "packets-lost"), value(rec, video, "packets-restored")
				if lost < 3 || restored < lost-max(3, 0.3*lost) {
					t.Errorf("of %v packets of %s that were lost %v came again", lost, video, restored)
				}
				if n := value(rec, who, "rtcp-packets"); n < 12 {
					t.Errorf("%s sent %v packets of RTCP", who, n)
				}
				if !slices.ContainsFunc(rec.Distributions, func(d *record.Distribution) bool { return d.Entity == who+"/video" && d.Metric == record.Intervals }) {
					t.Errorf("nobody has seen which packets of %s are reports", who)
				}
				if rtt := value(rec, who+"-"+peer, "rtt"); rtt < 40 || rtt > 80 {
					t.Errorf("%s has found a round-trip time of %v ms, want 40 ms and a queue's", who, rtt)
				}
				// Not rejected-replayed: what pion sends again a second time is the same packet of SRTP, which may
				// have come already.
				for _, bad := range []string{"rejected-not-authentic", "rejected-malformed"} {
					if n := value(rec, who, bad); n != 0 {
						t.Errorf("%s: %v %s", who, n, bad)
					}
				}
			}
		})
	}
}

// Each end sends its tracks in the sections that they are meant for, whatever comes in those before.
func TestPionKeepsSectionsApart(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"A: {at: A}, B: {at: B, stack: pion}", "A: {at: A, stack: pion}, B: {at: B}", "A: {at: A, stack: pion}, B: {at: B, stack: pion}"} {
		s := loadText(t, `
title: Three videos
duration: 5s
network: {links: {path: {between: [A, B], delay: 20ms, rate: 5Mbps}}}
endpoints: {`+who+`}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, name: camera, encoder: {max: 500kbps}}
  - {from: A, kind: video, name: slides, encoder: {max: 300kbps}}
  - {from: B, kind: video, name: face, encoder: {max: 400kbps}}
congestion: {controller: fixed, feedback: twcc}
`)
		rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
		for flow, rate := range map[string]float64{"A/camera": 500e3, "A/slides": 300e3, "B/face": 400e3} {
			if n, got := value(rec, flow, "frames-rendered"), value(rec, flow, "goodput"); n < 120 || got < 0.8*rate || got > 1.1*rate {
				t.Errorf("%s: %v frames of %s were shown, %v bit/s", who, n, flow, got)
			}
		}
	}
}

// Who leaves says so, and the other one stops: ours by BYE, which pion's stack doesn't look at, and pion by
// closing the connection.
func TestPionLeaves(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf(pionCall, "", ", stack: pion, leaves: 6s", "fixed", "twcc")
	rec := run(t, &scenarios.Run{Name: "default", Scenario: loadText(t, text)})
	closed := slices.ContainsFunc(rec.Events, func(e record.Event) bool {
		return e.Entity == "A" && e.Kind == "peer-closed" && e.At > simtime.At(6*time.Second) && e.At < simtime.At(6100*time.Millisecond)
	})
	if n := value(rec, "B", "datagrams-unreachable"); !closed || n > 20 {
		t.Errorf("A has heard that B has closed: %v; %v packets of A's came later", closed, n)
	}
	text = fmt.Sprintf(pionCall, ", leaves: 6s", ", stack: pion", "fixed", "twcc")
	rec = run(t, &scenarios.Run{Name: "default", Scenario: loadText(t, text)})
	byes := 0
	for _, e := range rec.Events {
		if e.Kind == "bye-sent" {
			byes++
		}
	}
	if encoded := value(rec, "A/video", "frames-encoded"); byes < 2 || encoded > 200 {
		t.Errorf("A has sent %d BYEs and %v frames", byes, encoded)
	}
}

// A key frame that either end needs is asked for, and made.
func TestPionMakesKeyFrames(t *testing.T) {
	t.Parallel()
	text := strings.Replace(fmt.Sprintf(pionCall, "", ", stack: pion", "fixed", "twcc"), "nack: true, rtx: true, ", "", 1)
	s := loadText(t, text)
	rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
	for _, who := range []string{"A", "B"} {
		asked := value(rec, map[string]string{"A": "B", "B": "A"}[who]+"/video", "refreshes-requested")
		made := value(rec, who, "refreshes-made")
		if asked < 5 || made < 0.5*asked {
			t.Errorf("%s was asked for %v key frames and made %v", who, asked, made)
		}
	}
}

// Middleboxes of ours serve pion's stack like endpoints of ours: everybody sees and hears something all the
// time.
func TestPionInConferences(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(guests + "pion-sfm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sfm, _, _ := strings.Cut(string(data), "\nexpect:")
	speech := strings.ReplaceAll(sfm, "rate: 32kbps", "speech: {codec: pcmu, activity: always}")
	for _, c := range []struct{ name, text string }{
		{"sfm", sfm},
		{"switching mixer", strings.Replace(sfm, "type: sfm", "type: switching-mixer", 1)},
		{"mixer", strings.Replace(speech, "type: sfm", "type: mixer", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := loadText(t, c.text)
			rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
			shown := map[string][]float64{} // to each, frames of every stream
			for _, m := range rec.Summary {
				if m.Metric == "concealed" && m.Value > 0.05 {
					t.Errorf("of %s %v is missing", m.Entity, m.Value)
				}
				if _, to, legs := strings.Cut(m.Entity, ">"); legs && m.Metric == "frames-rendered" {
					shown[to] = append(shown[to], m.Value)
				}
			}
			for _, to := range []string{"A", "B", "C"} {
				// A picture has 900 frames, a voice 1500; of legs that lose one in a hundred.
				if len(shown[to]) < 2 || slices.Min(shown[to]) < 600 || slices.Max(shown[to]) < 1300 {
					t.Errorf("%s was shown %v frames", to, shown[to])
				}
			}
		})
	}
}

// Checks of real ICE open NATs whatever they filter by, on either side; through one whose mapping depends on
// the address that packets go to nobody gets who answers to the address that it was told.
func TestPionThroughNAT(t *testing.T) {
	t.Parallel()
	hosts := map[string][]string{
		"inside": {"endpoints.S1.stack=pion"}, "outside": {"endpoints.R1.stack=pion"}, "both": {"endpoints.S1.stack=pion", "endpoints.R1.stack=pion"},
	}
	for name, set := range hosts {
		set = append(set, "protection=full", "congestion.controller=gcc", "congestion.feedback=twcc")
		for _, path := range []string{library + "network/nat.yaml", library + "network/nat-symmetric.yaml"} {
			for _, r := range load(t, path, set...) {
				for _, v := range run(t, r).Verdicts {
					if !v.Pass {
						t.Errorf("pion %s, %s: %s: %v", name, r.Name, v.Expectation, v.Value)
					}
				}
			}
		}
	}
}

// A pion stack sends a picture in two qualities, each a track of its own, and the SFM gives each receiver the
// one that suits it.
func TestPionSendsSimulcast(t *testing.T) {
	t.Parallel()
	rec := run(t, load(t, meshes+"simulcast.yaml", "endpoints.A.stack=pion", "protection=full")[0])
	for _, v := range rec.Verdicts {
		if !v.Pass {
			t.Errorf("%s: %v", v.Expectation, v.Value)
		}
	}
}

// The same run is the same each time, to the last digit, with an estimator of pion's at each end and packets that are lost.
func TestHostedRunsAreTheSame(t *testing.T) {
	long(t)
	steady(t)
	for _, c := range []struct {
		path string
		n    int
		set  []string
	}{
		{guests + "gcc-5.1.yaml", 50, []string{"endpoints.S1.stack=pion", "seed=1"}},
		{guests + "pion-call.yaml", 20, []string{"congestion.controller=gcc"}},
		{guests + "pion-sfm.yaml", 10, nil},
		{guests + "pion-mesh.yaml", 5, nil},
		{guests + "pion-parts.yaml", 20, nil},
		{guests + "pion-relay.yaml", 10, nil},
		{guests + "pion-gateway.yaml", 10, nil},
		{guests + "pion-turn-tcp.yaml", 10, []string{"endpoints.A.stack=pion", "congestion.controller=gcc"}},
		{guests + "pion-transcoder.yaml", 10, []string{"endpoints.B.stack=pion", "media.2.speech.codec=pcma"}},
		{guests + "pion-keying.yaml", 20, []string{"security.keying=pion", "security.ice=pion"}},
		{guests + "pion-parts.yaml", 20, []string{"congestion.feedback=rfc8888", "endpoints.A.interceptors=[{type: rfc8888}, {type: nack-responder}]", "endpoints.B.interceptors=[{type: gcc, options: {pacer: none}}, {type: pacing}, {type: nack-generator}, {type: pli}]"}},
	} {
		digests, series := map[string]int{}, map[uint64]int{}
		for range c.n {
			rec := run(t, load(t, c.path, c.set...)[0])
			digests[rec.Manifest.Digest]++
			h := fnv.New64a()
			for _, s := range rec.Series {
				fmt.Fprintln(h, s.Entity, s.Metric, s.Values)
			}
			series[h.Sum64()]++
		}
		if len(digests) != 1 || len(series) != 1 {
			t.Errorf("%s: %d runs had the digests %v, and %d kinds of series", c.path, c.n, digests, len(series))
		}
	}
}

// Runs leave nothing behind: neither goroutines nor memory.
func TestHostedRunsLeaveNothing(t *testing.T) {
	long(t)
	s := loadText(t, strings.Replace(fmt.Sprintf(pionCall, ", stack: pion", ", stack: pion", "gcc", "twcc"), "12s", "1s", 1))
	parts := intercepted(t, "1%", "{type: gcc}, {type: twcc-numbers}, {type: nack-responder}, {type: flexfec}", "{type: nack-generator}, {type: receiver-reports}, {type: sender-reports}, {type: pli}, {type: twcc}", "fixed", "twcc")
	parts.Duration, parts.Security.Keying, parts.Security.ICE = time.Second, "pion", "pion"
	turn := load(t, guests+"pion-turn-tcp.yaml", "duration=1500ms", "expect=[]")[0]
	measure := func() (goroutines int, heap uint64) {
		for range 100 { // what ends needs its turn
			runtime.Gosched()
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	play := func(n int) {
		for range n {
			run(t, &scenarios.Run{Name: "default", Scenario: s})
			run(t, &scenarios.Run{Name: "default", Scenario: parts})
			run(t, turn)
		}
	}
	play(20)
	goroutines, heap := measure()
	play(980)
	after, grown := measure()
	if after > goroutines {
		t.Errorf("%d goroutines after a thousand runs, %d after twenty", after, goroutines)
	}
	if grown > heap+4<<20 {
		t.Errorf("%d kB after a thousand runs, %d kB after twenty", grown>>10, heap>>10)
	}
}

// BenchmarkHosted is a call between two of pion's stacks with its gcc, RFC 8867 §5.1, and a mesh of five. Its
// metric is how much faster than real time they are.
func BenchmarkHosted(b *testing.B) {
	for _, c := range []struct {
		name, path string
		set        []string
	}{
		{"call", guests + "gcc-5.1.yaml", []string{"endpoints.S1.stack=pion", "endpoints.R1.stack=pion", "seed=1"}},
		{"mesh", guests + "pion-mesh.yaml", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := load(b, c.path, c.set...)[0]
			before := runtime.GOMAXPROCS(1)
			defer runtime.GOMAXPROCS(before)
			defer hosted.Undisturbed()()
			for b.Loop() {
				run(b, r)
			}
			simulated := r.Scenario.Duration * time.Duration(b.N)
			b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "×real-time")
		})
	}
}
