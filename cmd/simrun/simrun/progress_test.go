package simrun

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
)

// planOf is a plan of one file with runs of the given durations.
func planOf(durations ...time.Duration) []*plannedFile {
	f := &plannedFile{File: &scenarios.File{Path: "a.yaml"}}
	for _, d := range durations {
		f.runs = append(f.runs, &plannedRun{Run: &scenarios.Run{
			Name: seconds(d), File: "a.yaml", Scenario: &scenarios.Scenario{Duration: d},
		}})
	}
	return []*plannedFile{f}
}

func oneVerdict(pass bool) []record.Verdict { return []record.Verdict{{Expectation: "x", Pass: pass}} }

func TestQuietProgressPrintsOnlyErrors(t *testing.T) {
	var b bytes.Buffer
	plan := planOf(time.Second, 2*time.Second)
	p := newProgress(&screen{Writer: &b}, plan, quiet)
	plan[0].runs[0].state = finished
	p.ended(plan[0].runs[0], nil)
	plan[0].runs[1].state = unwritten
	p.ended(plan[0].runs[1], errors.New("disk full"))
	p.end()
	if got, want := b.String(), "simrun: a.yaml, run 2s: disk full\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBarCountsRunsAndShowsErrors(t *testing.T) {
	var b bytes.Buffer
	plan := planOf(time.Second, 3*time.Second)
	p := newProgress(&screen{Writer: &b, terminal: true, width: 80}, plan, normal)
	bar, ok := p.(*barProgress)
	if !ok {
		t.Fatalf("on a terminal the progress is a %T", p)
	}
	first, second := plan[0].runs[0], plan[0].runs[1]
	p.advanced(first, 0.5)
	if got := bar.bar.State().CurrentNum; got != barSteps/8 {
		t.Errorf("after half of the first of four seconds the bar is at %d of %d", got, barSteps)
	}
	first.state = broken
	p.ended(first, errors.New("out of luck"))
	if got, want := bar.text(), "1/2 runs, 1 failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := "simrun: a.yaml, run 1s: out of luck\n"; !strings.Contains(b.String(), want) {
		t.Errorf("%q isn't in %q", want, b.String())
	}
	second.state = finished
	p.ended(second, nil)
	if bar.bar.IsFinished() {
		t.Error("the bar is finished before the end")
	}
	p.end()
	if got, want := bar.text(), "2/2 runs, 1 failed"; got != want || !bar.bar.IsFinished() {
		t.Errorf("at the end: %q, finished %v", got, bar.bar.IsFinished())
	}
}

func TestExitCodes(t *testing.T) {
	pass := func(r *plannedRun) { r.state = finished }
	fail := func(r *plannedRun) { r.state = finished; r.row.Verdicts = oneVerdict(false) }
	broke := func(r *plannedRun) { r.state = broken }
	lost := func(r *plannedRun) { r.state = unwritten }
	not := func(*plannedRun) {}
	for _, tt := range []struct {
		first, second func(*plannedRun)
		interrupted   bool
		want          int
	}{
		{pass, pass, false, ExitPassed},
		{pass, fail, false, ExitFailed},
		{fail, broke, false, ExitInternal},
		{broke, fail, false, ExitInternal},
		{lost, pass, false, ExitInternal},
		{pass, not, true, ExitInterrupted},
		{broke, not, true, ExitInterrupted},
		{pass, pass, true, ExitPassed}, // too late to matter
		{fail, pass, true, ExitFailed},
	} {
		plan := planOf(time.Second, time.Second)
		tt.first(plan[0].runs[0])
		tt.second(plan[0].runs[1])
		if got := exitOf(plan, tt.interrupted); got != tt.want {
			t.Errorf("exit code %d, want %d, of %+v", got, tt.want, tt)
		}
	}
}
