//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package simrun

import (
	"os"
	"path/filepath"
	"testing"

	"rtpfabric/scenarios"
)

// What looks like a leftover may be a run's of another program that is at work.
func TestLeftoversStayWhileSomebodyIsAtWork(t *testing.T) {
	out := t.TempDir()
	f := &plannedFile{folder: filepath.Join(out, "calls")}
	f.runs = []*plannedRun{{Run: &scenarios.Run{Name: "seed=1"}, folder: filepath.Join(f.folder, "seed=1")}}
	left := filepath.Join(f.folder, ".seed=1.partial-12")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	plan := []*plannedFile{f}
	other := attend(nil, out)
	attend(plan, out)()
	if _, err := os.Stat(left); err != nil {
		t.Fatalf("removed beside another program: %v", err)
	}
	third := attend(nil, out)
	other()
	attend(plan, out)()
	if _, err := os.Stat(left); err != nil {
		t.Fatalf("removed beside the last of two programs: %v", err)
	}
	third()
	attend(plan, out)()
	if _, err := os.Stat(left); err == nil {
		t.Error("stays although nobody is at work")
	}
}
