package runner_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// coupledRun runs the first variation of a scenario with changes.
func coupledRun(t *testing.T, name string, set ...string) *record.Record {
	t.Helper()
	f, err := scenarios.Load(library+"control/"+name+".yaml", scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	return run(t, f.Runs[0])
}

// missed returns the expectations that a run doesn't meet.
func missed(r *record.Record) string {
	var list []string
	for _, v := range r.Verdicts {
		if !v.Pass {
			list = append(list, v.Expectation)
		}
	}
	return strings.Join(list, "\n")
}

// groupsOf returns the flow groups that a session was in.
func groupsOf(t *testing.T, r *record.Record, session string) map[int]bool {
	t.Helper()
	series := r.Find(session, record.SignalPrefix+"fgi")
	if series == nil {
		t.Fatalf("%s shows no FGI", session)
	}
	seen := map[int]bool{}
	for _, v := range series.Values {
		if v >= 0 { // not NaN: in no group
			seen[int(math.Round(v))] = true
		}
	}
	return seen
}

// RFC 8699 §5.2 and §5.3: rates follow priorities, and without coupling they don't.
func TestCoupledFlowsFollowPriorities(t *testing.T) {
	long(t)
	t.Parallel()
	if got := missed(coupledRun(t, "coupled")); got != "" {
		t.Errorf("coupled flows miss\n%s", got)
	}
	if got := missed(coupledRun(t, "coupled", "congestion.coupled=off")); !strings.Contains(got, "rate-quotient") {
		t.Errorf("what isn't coupled has rates by priority; it misses %q", got)
	}
}

// The log of a coupled flow has what it was set to, so that its controller does the same
// again, and changes nothing about the run.
func TestCoupledFlowsCanBeReplayed(t *testing.T) {
	long(t)
	t.Parallel()
	for _, controller := range []string{"nada", "gcc", "tfrc", "rr-loss"} {
		set := []string{"congestion.controller=" + controller, "congestion.coupled=active"}
		f, err := scenarios.Load(library+"control/coupled.yaml", scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		r, err := runner.Run(t.Context(), f.Runs[0], runner.Options{FeedbackDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if want := run(t, f.Runs[0]).Manifest.Digest; r.Manifest.Digest != want {
			t.Errorf("%s: digest %s, without a log %s", controller, r.Manifest.Digest, want)
		}
		for _, flow := range []string{"S-R1", "S-R2", "S-R3"} {
			log, err := os.Open(filepath.Join(dir, flow+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			reader, err := feedlog.NewReader(log)
			if err != nil {
				t.Fatal(err)
			}
			spec, _ := ccontrol.Lookup(controller)
			c, err := spec.Build(reader.Header.Limits.Limits(), reader.Header.Settings)
			if err != nil {
				t.Fatal(err)
			}
			res, err := feedlog.Replay(reader, c, true)
			if err != nil || res.Departed != nil || len(res.Points) < 50 {
				t.Errorf("%s, %s: %v, %d targets, departed %+v", controller, flow, err, len(res.Points), res.Departed)
			}
			_ = log.Close()
		}
	}
}

// RFC 8382 §3.3: flows behind different bottlenecks aren't coupled, and it would do harm.
func TestBottlenecksAreToldApart(t *testing.T) {
	if testing.Short() {
		t.Skip("needs minutes of delays")
	}
	r := coupledRun(t, "coupled-two-bottlenecks")
	if got := missed(r); got != "" {
		t.Errorf("with sbd the flows miss\n%s", got)
	}
	if alone := groupsOf(t, r, "S-R3"); len(alone) != 1 || !alone[2] {
		t.Errorf("other was in groups %v, want its own", alone)
	}
	if second := groupsOf(t, r, "S-R2"); !second[0] || second[2] {
		t.Errorf("second was in groups %v, want main's", second)
	}
	got := missed(coupledRun(t, "coupled-two-bottlenecks", "congestion.groups=endpoint"))
	if !strings.Contains(got, "loss of S/main") || !strings.Contains(got, "utilization of own/forward") {
		t.Errorf("coupled across bottlenecks the flows miss only %q", got)
	}
}

// Flows with one peer are one group by "groups: peer", sessions of an endpoint all flows
// of it, and a controller that can't be told a rate is refused.
func TestCouplingOfSessions(t *testing.T) {
	const text = `
title: Two sessions of one call
duration: 30s
protection: size-only
network: {honours-dscp: false, links: {l: {between: [A, B], delay: 20ms, forward: {rate: 1.5Mbps}}}}
endpoints: {S: {at: A}, R: {at: B}, Q: {at: B}}
topology: {pairs: [[S, R], [S, Q]], sessions: per-media}
media:
  - {from: S, to: R, kind: video, name: a, encoder: {model: perfect, max: 2Mbps}}
  - {from: S, to: R, kind: video, name: b, encoder: {model: perfect, max: 2Mbps}}
  - {from: S, to: Q, kind: audio, name: c}
congestion: {controller: nada, coupled: active, groups: peer}
`
	r := parsed(t, text)
	for session, want := range map[string]int{"S-R/a": 0, "S-R/b": 0, "S-Q/c": 1} {
		if got := groupsOf(t, r, session); len(got) != 1 || !got[want] {
			t.Errorf("%s was in groups %v, want %v", session, got, want)
		}
	}
	_, err := scenarios.Parse("test.yaml", []byte(text), scenarios.Options{Set: []string{"congestion.controller=scream"}, Catalogue: runner.Catalogue{}})
	if err == nil || !strings.Contains(err.Error(), "congestion.coupled: controller scream can't be coupled") {
		t.Errorf("scream is coupled: %v", err)
	}
}

// The legs of a middlebox are flows of one sender: where they are coupled and have the same
// priority, whatever changes the rate of one changes that of the other at the same time, be it
// feedback or that none comes. With the race detector nothing escapes the middlebox's agenda.
func TestMiddleboxCouplesLegs(t *testing.T) {
	t.Parallel()
	const text = `
title: Legs that share a bottleneck
duration: 20s
protection: size-only
network:
  links:
    a: {between: [A, M], delay: 10ms, rate: 10Mbps}
    shared: {between: [M, N], delay: 20ms, rate: 2Mbps}
    b: {between: [N, B], delay: 5ms, backward: {rate: 10Mbps, impairments: [{type: outage, during: [12s..16s]}]}}
    c: {between: [N, C], delay: 5ms}
endpoints: {A: {at: A}, B: {at: B}, C: {at: C}}
topology: {type: sfm, at: M, peers: [A, B, C], limits: false}
media:
  - {from: A, kind: video, encoder: {min: 100kbps, max: 2Mbps}}
congestion: {controller: nada, coupled: active}
repair: {refresh: pli, decoder: true}
`
	for _, set := range few(
		2,
		[]string(nil),
		[]string{"congestion={controller: gcc, coupled: active}"},
		[]string{"congestion={controller: tfrc, coupled: active}"},
		[]string{"congestion={controller: rr-loss, coupled: active, feedback: none}"},
	) {
		together := func(coupled bool) (n, all int) {
			s := loadText(t, text, set...)
			s.Congestion.Coupled = map[bool]string{true: "active", false: "off"}[coupled]
			changes := map[string][]simtime.Time{}
			sim := build(t, s)
			sim.OnEvent(func(e endpoints.Event) {
				if e.Kind == endpoints.TargetChanged && e.At > simtime.At(2*time.Second) {
					changes[e.Session.Name()] = append(changes[e.Session.Name()], e.At)
				}
			})
			play(t, sim, s)
			for _, at := range changes["sfm-B"] {
				if slices.Contains(changes["sfm-C"], at) {
					n++
				}
			}
			return n, len(changes["sfm-B"])
		}
		if n, all := together(true); n < all || all < 10 {
			t.Errorf("%v: C's rate follows %d of %d changes of B's", set, n, all)
		}
		if n, all := together(false); n > all/2 {
			t.Errorf("%v: without coupling it follows %d of %d", set, n, all)
		}
	}
}
