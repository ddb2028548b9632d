package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rtpfabric/scenarios"
)

// What a scenario says of MediaStreams is what receivers group by, also when the scenario
// was written with every default filled in.
//
// conformance: API-11.1-4
func TestMediaStreams(t *testing.T) {
	r := load(t, library+"endpoints/media-streams.yaml")[0]
	sim := build(t, r.Scenario)
	play(t, sim, r.Scenario)
	streams := func(c int) (list []string) {
		for _, s := range sim.Connections[c].MediaStreams() {
			text := s.ID
			if s.Default {
				text = "default"
			}
			for _, t := range s.Tracks {
				text += " " + t.Section.Name()
			}
			list = append(list, text)
		}
		slices.Sort(list)
		return list
	}
	if at := streams(0); !slices.Equal(at, []string{"default audio"}) {
		t.Errorf("S1 receives %q", at)
	}
	if at := streams(1); len(at) != 2 || at[0] != "camera video" || at[1] != "meeting audio video" && at[1] != "meeting video audio" {
		t.Errorf("R1 receives %q", at)
	}
	again := filepath.Join(t.TempDir(), "resolved.yaml")
	if err := os.WriteFile(again, []byte(r.Resolved), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*scenarios.Scenario{r.Scenario, load(t, again)[0].Scenario} {
		for i, want := range []string{"[camera meeting]", "[meeting]", "[]"} {
			if got := fmt.Sprint(s.Media[i].MSID); got != want {
				t.Errorf("stream %d has %s, want %s", i, got, want)
			}
		}
	}
}
