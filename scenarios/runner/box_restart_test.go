package runner_test

import (
	"fmt"
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// outage is what peers notice of a middlebox that was gone for a while.
type outage struct {
	sim            *topologies.Simulation
	sent           *rtpWatch            // by the middlebox
	sound, picture map[string][]float64 // by who hears or sees it: when, in s
	timeouts, byes int
	lost           bool // a peer has reported a loss, or has been told of one
}

// watchOutage runs a scenario and takes note of what comes of its middlebox.
func watchOutage(t *testing.T, box, path string, set ...string) *outage {
	t.Helper()
	s := load(t, path, append(set, "expect=[]", "protection=none")...)[0].Scenario
	o := &outage{sound: map[string][]float64{}, picture: map[string][]float64{}}
	sim := build(t, s)
	o.sim, o.sent = sim, watchRTP(t, sim, box)
	sim.OnEvent(func(e endpoints.Event) {
		end := e.Session.Endpoint()
		switch {
		case end == box:
		case e.Kind == endpoints.FrameRendered && e.Section.Kind() == endpoints.Audio:
			o.sound[end] = append(o.sound[end], e.At.Seconds())
		case e.Kind == endpoints.FrameRendered:
			o.picture[end] = append(o.picture[end], e.At.Seconds())
		case e.Kind == endpoints.ParticipantTimedOut:
			o.timeouts++
		case e.Kind == endpoints.ByeReceived:
			o.byes++
		}
		for _, m := range e.Session.Sections() {
			for _, r := range m.Main().Reports() {
				o.lost = o.lost || r.Lost > 0 || r.FractionLost > 0
			}
		}
	})
	play(t, sim, s)
	return o
}

// silence returns for how long somebody had nothing around a time.
func silence(times []float64, around float64) float64 {
	before := 0.0
	for _, at := range times {
		if at > around {
			return at - before
		}
		before = at
	}
	return 1e9
}

// A middlebox that is started anew sends with no SSRC of before, so that SRTP with the same key encrypts nothing with a key
// stream that was used (RFC 3711 §9.1). Nobody reports a loss: what was sent to nobody, nobody has counted. Participants
// of before time out without a BYE (RFC 3550 §6.3.5), and who is there again is heard and seen soon.
func TestRestartedBoxes(t *testing.T) {
	t.Parallel()
	const switching = "topology={type: switching-mixer, at: M, peers: [A, B, C], restarts: [{at: 20s, for: 1s}]}"
	for _, c := range few(2, []struct {
		box, file, set string
		out            float64 // s that nobody is there
		sound, picture float64 // s that it takes at most to hear and see somebody then
	}{
		{"sfm", "sfm-restart.yaml", "title=again", 1, 0.4, 0.9},
		{"mixer", "mixer-restart.yaml", "title=again", 0.5, 0.2, 0.5},
		{"mixer", "sfm-restart.yaml", switching, 1, 0.6, 1},
		{"sfm", "sfm-restart.yaml", "congestion={controller: gcc}", 1, 0.6, 1},
		{"sfm", "sfm-restart.yaml", "congestion={controller: scream, feedback: rfc8888}", 1, 0.6, 1},
		{"sfm", "sfm-restart.yaml", "congestion={controller: rr-loss, feedback: none}", 1, 0.6, 1},
		{"sfm", "sfm-restart.yaml", "congestion={controller: nada, coupled: active}", 1, 0.6, 1},
		{"sfm", "sfm-restart.yaml", "rtcp.mux=false", 1, 0.6, 1},
		// Alone in a session a voice says whose it is when the SFM has reported for the first time, by RTCP's timing rules.
		{"sfm", "sfm-restart.yaml", "topology.sessions=per-kind", 1, 4, 1},
	}...) {
		o := watchOutage(t, c.box, meshes+c.file, c.set)
		name := fmt.Sprintf("%s, %s", c.file, c.set)
		died, back := simtime.At(20*time.Second), simtime.At(20*time.Second+time.Duration(c.out*1e9))
		for ssrc, list := range o.sent.sent {
			if first, last := list[0].at, list[len(list)-1].at; first < died && last >= died || first >= died && first < back {
				t.Errorf("%s: %x is sent from %v to %v", name, ssrc, first, last)
			}
		}
		if o.lost || o.byes > 0 || o.timeouts < 6 {
			t.Errorf("%s: losses reported: %v; %d BYEs, %d time-outs", name, o.lost, o.byes, o.timeouts)
		}
		for end, times := range o.sound {
			if s := silence(times, 20.3) - c.out; s < -0.3 || s > c.sound {
				t.Errorf("%s: %s hears nothing for %.3f s more than nobody is there", name, end, s)
			}
		}
		for end, times := range o.picture {
			if s := silence(times, 20.3) - c.out; s < -0.3 || s > c.picture {
				t.Errorf("%s: %s sees nothing for %.3f s more than nobody is there", name, end, s)
			}
		}
		if len(o.sound) != 3 || len(o.picture) != 3 {
			t.Errorf("%s: %d hear something, %d see something", name, len(o.sound), len(o.picture))
		}
	}
}

// Everybody hears all others again, as loud as before, and nobody twice.
func TestRestartedMixerMixes(t *testing.T) {
	long(t)
	t.Parallel()
	s := load(t, meshes+"mixer-restart.yaml", "expect=[]", "duration=40s")[0].Scenario
	sim, heard := buildHearing(t, s)
	play(t, sim, s)
	for _, to := range []string{"A", "B", "C"} {
		samples := heard["mixer/audio>"+to].samples
		was, is := spectrum(samples[10*8000:19*8000], hums), spectrum(samples[25*8000:34*8000], hums)
		for _, from := range []string{"A", "B", "C"} {
			if from != to && (is[from] < was[from]-0.5 || is[from] > was[from]+0.5) {
				t.Errorf("%s hears %s at %.1f dBov before and %.1f after", to, from, was[from], is[from])
			}
		}
		if is[to] > was["A"]-40 && is[to] > -60 {
			t.Errorf("%s hears itself at %.1f dBov", to, is[to])
		}
	}
}

// A restart of one second stops nobody. One of half a minute does: a sender of which nobody reports for three reporting
// intervals has to cease (RFC 8083 §4.2).
func TestBreakersOverRestarts(t *testing.T) {
	long(t)
	t.Parallel()
	tripped := func(away string) int {
		r := run(t, load(t, meshes+"sfm-restart.yaml", "expect=[]", "topology.restarts=[{at: 20s, for: "+away+"}]")[0])
		n := 0
		for _, e := range r.Events {
			if e.Kind == record.BreakerTripped {
				n++
			}
		}
		return n
	}
	if short, lasting := tripped("1s"), tripped("30s"); short > 0 || lasting != 4 {
		t.Errorf("%d streams are stopped by a second without anybody, %d of 4 by half a minute", short, lasting)
	}
}

// A relay has nothing to lose. What was sent to nobody is lost to all who share the session, and they report it.
func TestRestartedRelay(t *testing.T) {
	t.Parallel()
	o := watchOutage(t, "relay", meshes+"relay-restart.yaml")
	if !o.lost || o.timeouts > 0 {
		t.Errorf("losses reported: %v; %d time-outs", o.lost, o.timeouts)
	}
	for end, times := range o.sound {
		if s := silence(times, 20.3) - 1; s > 0.2 {
			t.Errorf("%s hears nothing for %.3f s more than nobody is there", end, s)
		}
	}
}

// The same run is the same each time, with cryptography and without: what nobody remembers is drawn from the seed.
func TestRestartsAreTheSame(t *testing.T) {
	long(t)
	t.Parallel()
	for _, file := range []string{"sfm-restart.yaml", "mixer-restart.yaml", "relay-restart.yaml"} {
		digests := map[string]bool{}
		for _, protection := range []string{"full", "size-only", "full"} {
			digests[run(t, load(t, meshes+file, "duration=30s", "expect=[]", "protection="+protection)[0]).Manifest.Digest] = true
		}
		if len(digests) != 1 {
			t.Errorf("%s: %d digests", file, len(digests))
		}
	}
}

// Who has left before isn't sent anything.
func TestRestartKnowsWhoHasLeft(t *testing.T) {
	long(t)
	t.Parallel()
	r := run(t, load(t, meshes+"sfm-restart.yaml", "expect=[]", "endpoints.C.leaves=20500ms")[0])
	if rate := mean(series(t, r, "A/video>C", record.SendRate)[5*21:]); rate > 0 {
		t.Errorf("C has left, and is sent %.0f bit/s", rate)
	}
	if fps := mean(series(t, r, "A/video>B", record.FrameRate)[5*22:]); fps < 29 {
		t.Errorf("B sees %.1f pictures a second", fps)
	}
}
