package scenarios_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/units"
	_ "rtpfabric/topologies/pion"
)

// library returns the paths of all scenario files that come with the program.
func library(t *testing.T) []string {
	t.Helper()
	top, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(top) == 0 || len(folders) == 0 {
		t.Fatal("the library isn't where it should be")
	}
	return slices.Concat(top, folders)
}

func TestTheLibraryNamesControllersThatExist(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long: go test without -short runs it")
	}
	for _, path := range library(t) {
		if _, err := scenarios.Load(path, scenarios.Options{Catalogue: runner.Catalogue{}}); err != nil {
			t.Error(err)
		}
		_, err := scenarios.Load(path, scenarios.Options{Catalogue: runner.Catalogue{}, Set: []string{"congestion.controller=nadda"}})
		if err == nil || !strings.Contains(err.Error(), `did you mean "nada"?`) {
			t.Errorf("%s loads with a controller that doesn't exist (%v)", path, err)
		}
	}
}

func TestCatalogueChecksParametersAndFeedback(t *testing.T) {
	for set, want := range map[string]string{
		"congestion.parameters.nothing=1": "nada has no such parameter",
		"congestion.feedback=none":        "needs feedback",
	} {
		_, err := scenarios.Load("quickstart.yaml", scenarios.Options{Catalogue: runner.Catalogue{}, Set: []string{set}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %q", set, err, want)
		}
	}
}

// RFC 8867 §4.2, §4.3 and §5.1, table 1.
func TestVariableCapacityIsAsInTheRFC(t *testing.T) {
	f, err := scenarios.Load("rfc8867/5.1-variable-capacity.yaml", scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Runs) != 20 || f.Runs[0].Name != "delay=50ms,seed=1" || f.Runs[19].Name != "delay=100ms,seed=10" {
		t.Errorf("%d runs, from %s to %s", len(f.Runs), f.Runs[0].Name, f.Runs[len(f.Runs)-1].Name)
	}
	s := f.Runs[0].Scenario
	link := s.Network.Links[0]
	rates := []units.BitRate{*link.Forward.Rate}
	times := []time.Duration{0}
	for _, c := range link.Schedule {
		rates, times = append(rates, *c.Forward.Rate), append(times, c.At)
	}
	if !slices.Equal(rates, []units.BitRate{units.Mbps, 2500 * units.Kbps, 600 * units.Kbps, units.Mbps}) ||
		!slices.Equal(times, []time.Duration{0, 40 * time.Second, 60 * time.Second, 80 * time.Second}) {
		t.Errorf("capacity is %v at %v", rates, times)
	}
	if j := link.Forward.Jitter; *j.Mean != 15*time.Millisecond || j.Bound*float64(j.Std) != 15e6 {
		t.Errorf("jitter is %+v, want 0 to 30ms", j)
	}
	if q := link.Forward.Queue.Length.Time; q != 300*time.Millisecond {
		t.Errorf("queue is %v", q)
	}
	for _, m := range s.Media {
		if m.Start.From != 0 || m.Stop.From != 99*time.Second {
			t.Errorf("%s lasts from %v to %v", m.FlowName(), m.Start, *m.Stop)
		}
	}
}
