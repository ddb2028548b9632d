package simrun

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// checklistFile has a line for each requirement: id, tier, source, requirement.
//
//go:embed conformance.tsv
var checklistFile string

// evidenceFile says what shows a requirement: its id, the name of a test and
// the import path of the test's package; or its id, the path of a scenario and
// the word scenario. TestConformance writes it from the comments in the tree.
//
//go:embed conformance_tests.tsv
var evidenceFile string

// ofScenario stands in the evidence file where tests have their package.
const ofScenario = "scenario"

// tiers of requirements, in the order in which they are counted: a keyword or
// a numbered rule of the sources, a behaviour that they describe without one,
// and what only the final standards say.
var tiers = []string{"A", "B", "C"}

// A requirement is a row of the checklist, with what shows that it is met. In
// the output of --json it is an object.
type requirement struct {
	ID   string `json:"id"`
	Tier string `json:"tier"` // of tiers
	// Source is the document and section that requires it.
	Source string `json:"source"`
	Text   string `json:"requirement"`
	// Built is whether a test shows it. Scenarios alone don't: who runs them is
	// left open.
	Built     bool      `json:"built"`
	Tests     []testRef `json:"tests"`
	Scenarios []string  `json:"scenarios"` // paths from the root of the module
}

// testRef names a test.
type testRef struct {
	Package string `json:"package"` // import path
	Name    string `json:"name"`
}

// String shortens the import path to the folder.
func (t testRef) String() string {
	return strings.TrimPrefix(t.Package, "rtpfabric/") + "." + t.Name
}

// checklist returns all requirements in the order of their sources, with what
// shows them.
func checklist() []requirement {
	var list []requirement
	index := map[string]int{}
	for _, f := range tabbed(checklistFile, 4) {
		if _, twice := index[f[0]]; twice || !slices.Contains(tiers, f[1]) {
			panic(fmt.Sprintf("simrun: conformance.tsv: requirement %s, tier %s", f[0], f[1]))
		}
		index[f[0]] = len(list)
		list = append(list, requirement{
			ID: f[0], Tier: f[1], Source: f[2], Text: f[3],
			Tests: []testRef{}, Scenarios: []string{}, // [] rather than null
		})
	}
	for _, f := range tabbed(evidenceFile, 3) {
		i, ok := index[f[0]]
		if !ok {
			continue // TestConformance reports it
		}
		r := &list[i]
		if f[2] == ofScenario {
			r.Scenarios = append(r.Scenarios, f[1])
			continue
		}
		r.Tests = append(r.Tests, testRef{Package: f[2], Name: f[1]})
		r.Built = true
	}
	return list
}

// chosen returns the requirement of an id, or else those whose ids begin so.
func chosen(list []requirement, id string) []requirement {
	var some []requirement
	for _, r := range list {
		if r.ID == id {
			return []requirement{r}
		}
		if strings.HasPrefix(r.ID, id) {
			some = append(some, r)
		}
	}
	return some
}

// tabbed splits an embedded file into lines, without the heading, of n fields
// between tabs.
func tabbed(file string, n int) [][]string {
	var rows [][]string
	for i, line := range strings.Split(strings.TrimSuffix(file, "\n"), "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != n {
			panic(fmt.Sprintf("simrun: an embedded file has %d fields in line %d, want %d: %q", len(fields), i+1, n, line))
		}
		if i > 0 {
			rows = append(rows, fields)
		}
	}
	return rows
}
