package runner_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

const unlikeCalls = `
title: Calls with their own controllers
duration: 5s
protection: size-only
network: {links: {path: {between: [A, B], delay: 20ms, forward: {rate: 2Mbps}}}}
endpoints:
  S1: {at: A}
  R1: {at: B}
  S2: {at: A, congestion: {controller: gcc, feedback: twcc, parameters: {probing: "off"}}}
  R2: {at: B}
topology: {pairs: [[S1, R1], [S2, R2]]}
media:
  - {from: S1, kind: video}
  - {from: S2, kind: video}
congestion: {controller: nada, parameters: {qeps: 24ms}}
`

// unlikeRun returns the run of such calls.
func unlikeRun(t *testing.T, set ...string) *scenarios.Run {
	t.Helper()
	f, err := scenarios.Parse("test.yaml", []byte(unlikeCalls), scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	return f.Runs[0]
}

// Each call has its own controller, in its signals, in the picture and in its log.
func TestEachCallHasItsController(t *testing.T) {
	dir := t.TempDir()
	rec, err := runner.Run(t.Context(), unlikeRun(t), runner.Options{FeedbackDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"nada", "gcc"} {
		if f := rec.Manifest.Topology.Flows[i]; f.Controller != want {
			t.Errorf("%s is controlled by %s, want %s", f.Name, f.Controller, want)
		}
	}
	for connection, signal := range map[string]string{"S1-R1": "x-curr", "S2-R2": "trend"} {
		if rec.Find(connection, record.SignalPrefix+signal) == nil {
			t.Errorf("%s has no signal %s", connection, signal)
		}
	}
	for connection, want := range map[string]map[string]string{"S1-R1": {"qeps": "24ms"}, "S2-R2": {"probing": "off"}} {
		f, err := os.Open(filepath.Join(dir, connection+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		log, err := feedlog.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(log.Header.Settings, want) {
			t.Errorf("the log of %s has the settings %v, want %v", connection, log.Header.Settings, want)
		}
	}
}

// An endpoint's controller that can't be made is refused at the endpoint.
func TestEndpointSettingsAreCheckedTogether(t *testing.T) {
	_, err := scenarios.Parse("test.yaml", []byte(unlikeCalls), scenarios.Options{
		Set: []string{"endpoints.S2.congestion={controller: nada, parameters: {rmin: 5Mbps}}"}, Catalogue: runner.Catalogue{},
	})
	if err == nil || !strings.Contains(err.Error(), "endpoints.S2.congestion.parameters: ") || !strings.Contains(err.Error(), "rmin 5Mbps is larger than rmax") {
		t.Errorf("error %v", err)
	}
}

// One call may have a program, and its rival a controller of this tree.
func TestProgramAgainstController(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run the program")
	}
	f, err := scenarios.Parse("../../docs/examples/external/test.yaml", []byte(unlikeCalls), scenarios.Options{
		Set: []string{"endpoints.S2.congestion={controller: {exec: [python3, loss.py]}}"}, Catalogue: runner.Catalogue{},
	})
	if err != nil {
		t.Fatal(err)
	}
	rec := run(t, f.Runs[0])
	for i, want := range []string{"nada", "exec python3 loss.py"} {
		if got := rec.Manifest.Topology.Flows[i].Controller; got != want {
			t.Errorf("flow %d is controlled by %q, want %q", i, got, want)
		}
	}
	if events := loopEvent(rec, "S1-R1") + loopEvent(rec, "S2-R2"); events != "" {
		t.Errorf("control loops are flagged: %s", events)
	}
}

// An endpoint whose controller is that of the scenario, said again, sends the same packets.
func TestOwnControllerIsTheSame(t *testing.T) {
	want := run(t, unlikeRun(t, "endpoints.S2.congestion={}")).Manifest.Digest
	got := run(t, unlikeRun(t, "endpoints.S2.congestion={controller: nada, feedback: rfc8888, interval: 100ms, offers: [rfc8888]}")).Manifest.Digest
	if got != want {
		t.Error("the digests differ")
	}
	if other := run(t, unlikeRun(t)).Manifest.Digest; other == want {
		t.Error("another controller makes no difference")
	}
}

const unlikeMarks = `
title: ECN summaries one way, RFC 8888 the other
duration: 20s
protection: size-only
network: {links: {path: {between: [X, Y], delay: 20ms, rate: 600kbps, queue: {type: codel, ecn: true}}}}
endpoints:
  A: {at: X, congestion: {controller: rr-loss, feedback: ecn}}
  B: {at: Y}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video}
  - {from: B, kind: video}
congestion: {controller: nada, ecn: ect0}
`

// Each direction has its own kind of feedback about marks, and only where the sender hears
// summaries it asks what the path does to ECN.
func TestMarksAreToldInTwoWays(t *testing.T) {
	rec := parsed(t, unlikeMarks)
	for _, link := range []string{"path/forward", "path/backward"} {
		if floats.Sum(series(t, rec, link, record.Marks)) == 0 {
			t.Errorf("nothing is marked on %s", link)
		}
	}
	asked := map[string]bool{}
	for _, e := range rec.Events {
		if strings.HasPrefix(e.Kind, "ecn-") {
			asked[e.Entity] = true
		}
	}
	if len(asked) != 1 || !asked["A-B"] {
		t.Errorf("%v ask what the path does to ECN, want A-B", asked)
	}
	if rec.Find("A/video", record.ReportedMarks) == nil || rec.Find("B/video", record.ReportedMarks) != nil {
		t.Error("not only A is told in summaries")
	}
	for _, connection := range []string{"A-B", "B-A"} {
		if event := loopEvent(rec, connection); event != "" {
			t.Errorf("%s has %s", connection, event)
		}
	}
}
