package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxMain is how long the main of somebody's own simrun needs to be.
const maxMain = 20

// TestExampleModule builds the example of a controller in a foreign module outside of
// the repository, without a network, and runs it.
func TestExampleModule(t *testing.T) {
	if testing.Short() {
		t.Skip("it links a program")
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	module := t.TempDir()
	if err := os.CopyFS(module, os.DirFS(filepath.Join(repository, "docs/examples/controller"))); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(module, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n > maxMain {
		t.Errorf("main.go has %d lines, of %d", n, maxMain)
	}
	sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(module, "go.sum"), sums, 0o600); err != nil {
		t.Fatal(err)
	}
	inModule := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	inModule("go", "mod", "edit", "-replace=rtpfabric="+repository)
	inModule("go", "vet", "./...")
	program := filepath.Join(module, "mine.exe")
	inModule("go", "build", "-o", program, ".")

	list := inModule(program, "controllers", "aimd")
	for _, want := range []string{"additive increase", "step", "50kbps", "factor", "0.1..0.99"} {
		if !strings.Contains(list, want) {
			t.Errorf("controllers aimd doesn't say %q:\n%s", want, list)
		}
	}
	inModule(program, "run", "call.yaml", "--no-page", "--feedback-log") // fails if it doesn't meet its expectation
	if out := inModule(program, "replay", "results/call/default/feedback/S1-R1.jsonl"); !strings.Contains(out, "the same as recorded") {
		t.Errorf("replay:\n%s", out)
	}
}
