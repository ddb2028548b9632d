package simrun

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rtpfabric/plots"
	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
)

// awkward is a text that XML, Markdown and workflow commands each have something against.
const awkward = "a|b <c> & \"d\" `e` *f*\x1b[31m\x00\xff\ufffe]]>\n::error::g%0A, h:"

// everyOutcome is a plan with a run of each kind.
func everyOutcome() []*plannedFile {
	f := &plannedFile{File: &scenarios.File{Path: "dir/calls.yaml", Title: awkward}, folder: "results/calls"}
	add := func(name string, state runState, status record.Status, verdicts ...record.Verdict) *plannedRun {
		r := &plannedRun{
			Run:   &scenarios.Run{Name: name, File: f.Path, ExpectLines: []int{7, 9}, Scenario: &scenarios.Scenario{Seed: 3, Duration: 10 * time.Second}},
			state: state, row: plots.Run{Digest: "00ff", Status: status, Verdicts: verdicts}, took: 2 * time.Second, reached: 10 * time.Second,
		}
		f.runs = append(f.runs, r)
		return r
	}
	passed := record.Verdict{Expectation: "loss is at most 1%", Pass: true, Value: 0.005, Unit: "1", Bound: "≤ 1 %"}
	failed := record.Verdict{Expectation: awkward, Value: 0.125, Unit: "1", Bound: "≤ 1 %"}
	known := failed
	known.Expectation, known.Known = "what is known", awkward
	unmeasured := record.Verdict{Expectation: "no data", Problem: "there is no data"}
	add("pass", finished, record.Complete, passed)
	add("fail", finished, record.Complete, passed, failed)
	add("again", finished, record.Complete, failed).kept = true
	add("known", finished, record.Complete, known)
	add("silent", finished, record.Complete)
	add("cut", finished, record.Incomplete, unmeasured).reached = 3 * time.Second
	add("broken", broken, "").row.Problem = awkward
	add("waiting", notRun, "").row.Problem = "not run: interrupted"
	add("base", finished, record.Complete, failed).Variation = []record.Setting{{Path: "congestion.controller", Value: "fixed"}}
	return []*plannedFile{f}
}

// JUnit XML has every expectation of every run, with counts that are right.
func TestJUnitHasEveryOutcome(t *testing.T) {
	var b bytes.Buffer
	if err := writeJUnit(&b, everyOutcome(), &runOptions{}); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, &b)
	}
	if c := got.junitCounts; c.Tests != 11 || c.Failures != 3 || c.Errors != 3 || c.Skipped != 2 || c.Time != "18.000000" {
		t.Errorf("counts are %+v", c)
	}
	if len(got.Suites) != 1 || got.Suites[0].junitCounts != got.junitCounts || len(got.Suites[0].Cases) != got.Tests {
		t.Fatalf("not one suite with all test cases:\n%s", &b)
	}
	outcomes := map[string]string{}
	for _, c := range got.Suites[0].Cases {
		what := "passed"
		switch {
		case c.Failure != nil:
			what = "failure: " + c.Failure.Message
		case c.Error != nil:
			what = "error: " + c.Error.Message
		case c.Skipped != nil:
			what = "skipped: " + c.Skipped.Message
		}
		outcomes[c.Class+", "+c.Name] = what
		if c.Properties[1] != (junitProperty{"seed", "3"}) || c.Properties[2] != (junitProperty{"digest", "00ff"}) || c.File != "dir/calls.yaml" {
			t.Errorf("%s: %s has properties %v", c.Name, c.File, c.Properties)
		}
		if c.Class == "calls.fail" && c.Time != "1.000000" {
			t.Errorf("one of two expectations of a run of 2 s took %s", c.Time)
		}
	}
	shown := "a|b <c> & \"d\" `e` *f*\\x1b[31m\\x00\ufffd\ufffd]]>\n::error::g%0A, h:"
	for name, want := range map[string]string{
		"calls.pass, loss is at most 1%": "passed",
		"calls.fail, loss is at most 1%": "passed",
		"calls.fail, " + shown:           "failure: measured 12.5 %, expected ≤ 1 %",
		"calls.again, " + shown:          "failure: measured 12.5 %, expected ≤ 1 %",
		"calls.known, what is known":     "skipped: known to fail: " + shown + "; measured 12.5 %, expected ≤ 1 %",
		"calls.silent, runs to its end":  "passed",
		"calls.cut, runs to its end":     "error: interrupted at 3s of 10s",
		"calls.cut, no data":             "failure: measured there is no data, expected a value",
		"calls.broken, runs to its end":  "error: " + shown,
		"calls.waiting, runs to its end": "error: not run: interrupted",
		"calls.base, " + shown:           "skipped: measured 12.5 %, expected ≤ 1 %; a baseline may fail",
	} {
		if outcomes[name] != want {
			t.Errorf("%q: got %q, want %q", name, outcomes[name], want)
		}
	}
	lines := map[int]int{}
	for _, c := range got.Suites[0].Cases {
		lines[c.Line]++
	}
	if lines[9] != 1 || lines[7] != 6 || lines[0] != 4 {
		t.Errorf("lines are %v", lines)
	}
}

// An independent reader accepts it.
func TestJUnitIsXML(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed")
	}
	path := filepath.Join(t.TempDir(), "junit.xml")
	if err := writeReport(path, func(w io.Writer) error { return writeJUnit(w, everyOutcome(), &runOptions{}) }); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(xmllint, "--noout", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMarkdownSummary(t *testing.T) {
	got := string(markdownSummary(everyOutcome(), &runOptions{}))
	shown := "a\\|b \\<c\\> \\& \"d\" \\`e\\` \\*f\\*\\\\x1b\\[31m\\\\x00\ufffd\ufffe\\]\\]\\> ::error::g%0A, h:"
	for _, want := range []string{
		"## simrun: 9 runs, 1 passed, 1 without expectations, 2 failed, ",
		"; 1 of them kept\n",
		"| ERROR | `dir/calls.yaml` | " + shown + " | 9 runs, ",
		" | 83s in 18.00 s |  |\n",
		"### Not run to the end\n",
		"| `dir/calls.yaml` | `cut` | interrupted at 3s of 10s |\n",
		"### Not met\n",
		"| `dir/calls.yaml:9` | " + shown + " | 12.5 % | ≤ 1 % | in 2 of 9 runs, first fail |\n",
		"To repeat:\n\n    simrun run dir/calls.yaml\n\n",
		"### Known not to be met\n",
		"| `dir/calls.yaml:7` | what is known | 12.5 % | ≤ 1 % | " + shown + " |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
}

// What went wrong stands before what didn't, as tables are cut.
func TestSummariesBeginWithFailures(t *testing.T) {
	good, bad := everyOutcome()[0], everyOutcome()[0]
	good.File, good.runs = &scenarios.File{Path: "good.yaml"}, good.runs[:1]
	got := string(markdownSummary([]*plannedFile{good, bad}, &runOptions{}))
	if i, j := strings.Index(got, "| ERROR | `dir/calls.yaml`"), strings.Index(got, "| PASS | `good.yaml`"); i < 0 || j < i {
		t.Errorf("not in this order:\n%s", got)
	}
}

func TestSummariesAreBounded(t *testing.T) {
	var plan []*plannedFile
	for range 3 * maxSummaryRows {
		plan = append(plan, everyOutcome()...)
	}
	if n := len(markdownSummary(plan, &runOptions{})); n > 1<<18 {
		t.Errorf("%d octets", n)
	}
}

func TestAnnotations(t *testing.T) {
	t.Setenv(githubWorkspace, filepath.Dir(t.TempDir()))
	plan := everyOutcome()
	lost := *plan[0].runs[0]
	lost.Run, lost.state, lost.row = &scenarios.Run{Name: "lost", File: "dir/calls.yaml", Scenario: lost.Scenario}, unwritten, plots.Run{Problem: "disk full"}
	plan[0].runs = append(plan[0].runs, &lost)
	var b bytes.Buffer
	annotate(&b, plan, &runOptions{})
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	begin := "a|b <c> & \"d\" `e` *f*\\x1b[31m\\x00\ufffd\ufffe]]>%0A::error::g%250A, h:"
	want := []string{
		"::error file=dir/calls.yaml,line=9,title=expectation isn't met::" + begin +
			"%0Ameasured 12.5 %25, expected ≤ 1 %25, in 2 of 10 runs, first fail%0Asimrun run dir/calls.yaml",
		"::error file=dir/calls.yaml,line=7,title=expectation isn't met::no data%0Ameasured there is no data, expected a value, in 1 of 10 runs, first cut%0Asimrun run dir/calls.yaml",
		"::error file=dir/calls.yaml,line=1,title=run broken failed::" + begin + "%0Asimrun run dir/calls.yaml",
		"::error file=dir/calls.yaml,line=1,title=run lost failed::disk full%0Asimrun run dir/calls.yaml",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), &b)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("got  %q\nwant %q", lines[i], want[i])
		}
	}
}

func TestAnnotationsNameFilesFromTheWorkspace(t *testing.T) {
	root := t.TempDir()
	t.Setenv(githubWorkspace, root)
	for path, want := range map[string]string{
		filepath.Join(root, "a,b:c%.yaml"): "::error file=a%2Cb%3Ac%25.yaml,line=1,title=x::y\n",
		"../elsewhere.yaml":                "::error file=../elsewhere.yaml,line=1,title=x::y\n",
	} {
		var b bytes.Buffer
		if annotation(&b, "error", path, 0, "x", "y"); b.String() != want {
			t.Errorf("got %q, want %q", &b, want)
		}
	}
}

// A report that can't be written leaves what was there; a link stays one.
func TestReportsAppearWhole(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "junit.xml"), filepath.Join(dir, "link.xml")
	say := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, _ = io.WriteString(w, text) // a file's
			return err
		}
	}
	if err := writeReport(path, say("one", nil)); err != nil {
		t.Fatal(err)
	}
	if err := writeReport(path, say("tw", errors.New("disk full"))); err == nil {
		t.Error("no error")
	}
	if err := os.Symlink("junit.xml", link); err == nil {
		if err := writeReport(link, say("one", nil)); err != nil {
			t.Error(err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is gone: %v", err)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "one" {
		t.Errorf("got %q, %v", text, err)
	}
}
