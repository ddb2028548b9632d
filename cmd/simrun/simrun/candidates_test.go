package simrun

import (
	"fmt"
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

const candidatesPage = "../../../docs/experiments/candidates.md"

// candidatesTable has a line for each run of a scenario: by which pair either end sends, and when that and the first frames of
// the other end were there.
func candidatesTable(t *testing.T, path string) string {
	t.Helper()
	f, err := scenarios.Load(path, scenarios.Options{Catalogue: runner.Catalogue{}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| A's NAT maps by | B's | trickled | A sends by | B sends by | A has all candidates | has a pair | B has | A hears B | B hears A |\n")
	b.WriteString("|---|---|---|---|---|---:|---:|---:|---:|---:|\n")
	for _, run := range f.Runs {
		r, err := runner.Run(t.Context(), run, runner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range run.Scenario.Network.Nodes { // NA and NB
			fmt.Fprintf(&b, "| %s ", mappings[n.NAT.Mapping])
		}
		fmt.Fprintf(&b, "| %s ", map[bool]string{true: "yes", false: "no"}[*run.Scenario.ICE.Trickle])
		for _, end := range []string{"A", "B"} {
			_, detail := eventOf(r, end, record.PairSelected)
			words := strings.Fields(detail)
			if len(words) != 5 {
				t.Fatalf("%s: %s goes by %q", run.Name, end, detail)
			}
			fmt.Fprintf(&b, "| %s to %s ", words[0], words[3])
		}
		for _, e := range [][2]string{{"A", record.GatheringComplete}, {"A", record.PairSelected}, {"B", record.PairSelected}, {"B/audio", record.FirstFrame}, {"A/audio", record.FirstFrame}} {
			at, _ := eventOf(r, e[0], e[1])
			fmt.Fprintf(&b, "| %.0f ", at)
		}
		b.WriteString("|\n")
	}
	return b.String()
}

// mappings is what a NAT's mapping depends on.
var mappings = map[string]string{"endpoint-independent": "nothing else", "address-and-port-dependent": "address, port"}

// eventOf returns when an event happened first, in ms since the first offer was wanted, a second into the run, and what it says.
func eventOf(r *record.Record, entity, kind string) (at float64, detail string) {
	for _, e := range r.Events {
		if e.Entity == entity && e.Kind == kind {
			return float64(e.At)/1e6 - 1000, e.Detail
		}
	}
	return -1, ""
}

// The page has the figures of the scenario that it is about.
func TestCandidatesPage(t *testing.T) {
	page, err := os.ReadFile(candidatesPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "## All figures\n"
	text, figures, _ := strings.Cut(string(page), begin)
	want := "\n`simrun run scenarios/signalling/homes.yaml`, in ms since A wants to call:\n\n" + candidatesTable(t, "../../../scenarios/signalling/homes.yaml")
	if *rewrite {
		if err := os.WriteFile(candidatesPage, []byte(text+begin+want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(strings.Split(figures, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("docs/experiments/candidates.md (-) isn't what is measured (+):\n%s\nrun go test ./cmd/simrun/simrun -run TestCandidatesPage -rewrite", diff)
	}
}
