package runner

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rtpfabric/scenarios"
)

func TestFilesOfAScenario(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"up.trace", "frames.trace", "my.sh", "model", "unnamed"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := &scenarios.Scenario{
		Dir:     dir,
		Network: scenarios.Network{Links: []scenarios.Link{{Forward: scenarios.Direction{Capacity: &scenarios.Capacity{File: "up.trace"}}, Backward: scenarios.Direction{Capacity: &scenarios.Capacity{File: "up.trace"}}}}},
		Media:   []scenarios.Media{{Encoder: &scenarios.VideoEncoder{File: "frames.trace"}}, {}},
		Endpoints: []scenarios.Endpoint{
			{Name: "S1", Congestion: &scenarios.EndCongestion{Controller: "exec", External: &scenarios.External{Exec: []string{"./my.sh", "model", "--fast", "absent"}}}},
			{Name: "R1"},
		},
	}
	var want []string
	for _, name := range []string{"frames.trace", "model", "my.sh", "up.trace"} {
		want = append(want, filepath.Join(dir, name))
	}
	if got := Files(s); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
