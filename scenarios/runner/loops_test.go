package runner_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

const twoStacks = `
title: Two stacks
duration: 60s
protection: size-only
network: {links: {path: {between: [X, Y], delay: 20ms, rate: 1Mbps}}}
endpoints:
  A: {at: X, congestion: %s}
  B: {at: Y, congestion: %s}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, encoder: &encoder {max: 2Mbps}}
  - {from: B, kind: video, encoder: *encoder}
`

// stacks are types of endpoints: those with a controller at the sender, which know both kinds of
// feedback about packets, and one with a controller at the receiver, which gives its
// estimates to everybody.
var stacks = map[string]string{
	"nada": "{controller: nada, feedback: rfc8888, offers: [rfc8888, twcc]}",
	"gcc":  "{controller: gcc, feedback: twcc, offers: [rfc8888, twcc]}",
	"remb": "{controller: remb, feedback: remb, offers: [rfc8888, twcc, remb]}",
}

// Where both ends decide at the sender, or both at the receiver, each direction has one
// control loop, whatever its feedback. Otherwise one has two, and the other none; the record
// says so. What is counted is what happens: who has no loop hears no estimate, and who has
// two is held below its controller's target.
//
// conformance: CC-7.4-4
func TestEachDirectionHasOneControlLoop(t *testing.T) {
	long(t)
	t.Parallel()
	for a, atA := range stacks {
		for b, atB := range stacks {
			text := fmt.Sprintf(twoStacks, atA, atB)
			f, err := scenarios.Parse("test.yaml", []byte(text), scenarios.Options{Catalogue: runner.Catalogue{}})
			if err != nil {
				t.Fatal(err)
			}
			loops, err := runner.ControlLoops(f.Runs[0].Scenario)
			if err != nil {
				t.Fatal(err)
			}
			rec := run(t, f.Runs[0])
			number := func(self, peer string) int {
				switch {
				case (self == "remb") == (peer == "remb"):
					return 1
				case self == "remb":
					return 0
				}
				return 2
			}
			for i, want := range []int{number(a, b), number(b, a)} {
				l := &loops[i]
				if len(l.By) != want || l.Flagged() != (want != 1) {
					t.Errorf("%s and %s: %s has %s, flagged %v, want %d", a, b, l.Name(), l, l.Flagged(), want)
				}
				if event := loopEvent(rec, l.Name()); (event == "") != (want == 1) || want != 1 && event != l.String() {
					t.Errorf("%s and %s: the event of %s is %q, want %s", a, b, l.Name(), event, l)
				}
				told := rec.Find(l.Name(), record.SignalPrefix+"remb")
				if want == 0 && heard(told) {
					t.Errorf("%s and %s: %s hears an estimate", a, b, l.Name())
				}
				if want == 1 && told != nil && !heard(told) {
					t.Errorf("%s and %s: %s hears no estimate", a, b, l.Name())
				}
				if limited := limitedByREMB(rec, l.From+"/video"); limited != (want == 2) {
					t.Errorf("%s and %s: estimates limit %s: %v", a, b, l.Name(), limited)
				}
			}
		}
	}
}

// loopEvent is what the record says about a direction's loops.
func loopEvent(r *record.Record, connection string) string {
	for _, e := range r.Events {
		if e.Kind == "control-loops" && e.Entity == connection {
			return e.Detail
		}
	}
	return ""
}

// heard reports whether a series has a value.
func heard(s *record.Series) bool {
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}

func limitedByREMB(r *record.Record, flow string) bool {
	for _, e := range r.Events {
		if e.Kind == "bound-changed" && e.Entity == flow && strings.HasSuffix(e.Detail, " REMB") {
			return true
		}
	}
	return false
}

// An endpoint that doesn't offer what its peer wants gives nothing, and neither it nor
// what needs no feedback is counted. Limits by TMMBR are a loop.
//
// conformance: CC-7.4-4
func TestControlLoopsAreCounted(t *testing.T) {
	for _, c := range []struct {
		set  string
		want string
	}{
		{"endpoints.B.congestion.offers=[twcc]", "A-B has 0 control loops: nada of A wants rfc8888, which B doesn't offer"},
		{"endpoints.B.congestion.offers=[]", "A-B has 0 control loops: nada of A wants rfc8888, which B doesn't offer"},
		{"endpoints.B.congestion.offers=[remb]", "A-B has 0 control loops: nada of A wants rfc8888, which B doesn't offer"}, // B's controller estimates nothing
		{"endpoints.B={at: Y, congestion: {controller: remb, feedback: remb, offers: [remb]}}", "A-B has 1 control loop: estimates (REMB) of B: nada of A wants rfc8888, which B doesn't offer"},
		{"endpoints.B={at: Y, congestion: {controller: remb, feedback: remb}}", "A-B has 1 control loop: nada of A"},
		{"media.0.limits=[{at: 1s, rate: 500kbps}]", "A-B has 2 control loops: nada of A, limits (TMMBR) of B"},
		{"media.0.limits=[{at: 1s}]", "A-B has 1 control loop: nada of A"},
		{"endpoints.A.congestion={controller: never-back-off}", "A-B has 0 control loops"},
		{"endpoints.A.congestion={controller: rr-loss, feedback: none}", "A-B has 1 control loop: rr-loss of A"},
		{"endpoints={A: {at: X, congestion: {controller: rr-loss, feedback: none}}, B: {at: Y, type: legacy-no-rtcp}}", "A-B has 0 control loops: rr-loss of A needs reception reports, and there is no RTCP"},
		{"endpoints={A: {at: X, type: legacy-avp}, B: {at: Y}}", "A-B has 0 control loops"},
	} {
		text := fmt.Sprintf(twoStacks, "{feedback: rfc8888}", "{controller: nada}") + "congestion: {controller: rr-loss}\n"
		set := []string{"endpoints.A.congestion={controller: nada}", c.set}
		f, err := scenarios.Parse("test.yaml", []byte(text), scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		loops, err := runner.ControlLoops(f.Runs[0].Scenario)
		if err != nil {
			t.Fatal(err)
		}
		if got := loops[0].Name() + " has " + loops[0].String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.set, got, c.want)
		}
	}
}

// In unlike-stacks.yaml each end's queue is as RFC 8834 §7.2 says; once both give what the
// other wants, and only that, neither stands.
//
// conformance: CC-7.4-4
func TestUnlikeStacks(t *testing.T) {
	t.Parallel()
	got := missed(coupledRun(t, "unlike-stacks", "endpoints.A.congestion.offers=[rfc8888, remb]", "endpoints.B.congestion.offers=[rfc8888]"))
	for _, want := range []string{"queue-delay-p95 of path/backward", "loss of B/video"} {
		if !strings.Contains(got, want) {
			t.Errorf("stacks that agree miss %q, and not %s", got, want)
		}
	}
	if strings.Contains(got, "forward") {
		t.Errorf("stacks that agree miss %q", got)
	}
}
