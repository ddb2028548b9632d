package simrun

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
)

// What the sessions of every topology look like is in testdata/figures: the structures of
// figures 4, 5, 7 and 8 of draft-ietf-rtcweb-rtp-usage of July 2012, appendix A.
func TestFigures(t *testing.T) {
	paths, err := filepath.Glob("../../../scenarios/topologies/*.yaml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		f, err := scenarios.Load(path, scenarios.Options{Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		got := sessionFigure(f.Runs[0].Scenario)
		golden := filepath.Join("testdata", "figures", strings.TrimSuffix(filepath.Base(path), ".yaml")+".txt")
		if *rewrite {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s\nrun go test ./cmd/simrun/simrun -run TestFigures -rewrite", path, diff)
		}
	}
}
