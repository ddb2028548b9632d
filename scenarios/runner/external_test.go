package runner_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

// python returns the run of the example of a program as a controller, with another
// program if source isn't empty.
func python(t *testing.T, source string) *scenarios.Run {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run the program")
	}
	const example = "../../docs/examples/external/loss.yaml"
	f, err := scenarios.Load(example, scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Runs[0].Scenario
	if source != "" {
		s.Dir = t.TempDir()
		if err := os.WriteFile(filepath.Join(s.Dir, "loss.py"), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f.Runs[0]
}

// An interrupt ends the program, and the record reaches until then.
func TestInterruptedProgram(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rec, err := runner.Run(ctx, python(t, ""), runner.Options{Progress: func(part float64) {
		if part > 0.4 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if m := rec.Manifest; m.Status != record.Incomplete || m.Reached < m.Duration/3 || m.Reached > m.Duration*2/3 {
		t.Errorf("%s, reached %v of %v", m.Status, m.Reached, m.Duration)
	}
}

// What a program prints for people is kept beside its log, also if it fails.
func TestProgramThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const source = `
import sys
sys.stdin.readline()
print("{}", flush=True)
for i in range(3):
    sys.stdin.readline()
    print("working", file=sys.stderr, flush=True)
    print("{}", flush=True)
print("that was it", file=sys.stderr)
`
	_, err := runner.Run(t.Context(), python(t, source), runner.Options{FeedbackDir: dir})
	if err == nil || !strings.Contains(err.Error(), "controller of S1-R1, python3 loss.py: it died (exit status 0)") {
		t.Errorf("error %v", err)
	}
	said, err := os.ReadFile(filepath.Join(dir, "S1-R1.stderr.txt"))
	if want := "working\nworking\nworking\nthat was it\n"; err != nil || string(said) != want {
		t.Errorf("standard error %q, %v", said, err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "S1-R1.jsonl"))
	if n := strings.Count(string(log), `"report":`); err != nil || n < 3 {
		t.Errorf("%d reports in the log, %v", n, err)
	}
}
