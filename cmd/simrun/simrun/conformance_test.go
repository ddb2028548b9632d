package simrun

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// rewrite replaces the evidence file; only commit the changes if you understand
// what caused them.
var rewrite = flag.Bool("rewrite", false, "replace conformance_tests.tsv by what the comments in the tree say")

// moduleRoot is where go.mod is, seen from this package.
const moduleRoot = "../../.."

// The evidence file is what the comments in the tests and scenarios say, and
// they name only requirements that exist.
func TestConformance(t *testing.T) {
	found, problems, err := evidenceIn(moduleRoot)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("only %d markers in the tree", len(found))
	}
	for _, p := range append(problems, unknown(found)...) {
		t.Error(p)
	}
	if t.Failed() {
		return // whatever else would be written has to be written again
	}
	want := evidenceLines(found)
	if *rewrite {
		if err := os.WriteFile("conformance_tests.tsv", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(strings.Split(evidenceFile, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("conformance_tests.tsv (-) isn't what the comments in the tree say (+):\n%s\nrun go test ./cmd/simrun/simrun -run TestConformance -rewrite", diff)
	}
}

// unknown reports the ids that the checklist doesn't have.
func unknown(found []evidence) []string {
	ids := positions()
	var problems []string
	for _, e := range found {
		if _, ok := ids[e.id]; !ok {
			problems = append(problems, fmt.Sprintf("%s %s: there is no requirement %q", e.pkg, e.name, e.id))
		}
	}
	return problems
}

// positions of the requirements in the checklist.
func positions() map[string]int {
	at := map[string]int{}
	for i, r := range checklist() {
		at[r.ID] = i
	}
	return at
}

// evidenceLines writes the evidence file in the order of the checklist, tests
// before scenarios.
func evidenceLines(found []evidence) string {
	at := positions()
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b evidence) int {
		return cmp.Or(
			cmp.Compare(at[a.id], at[b.id]),
			cmp.Compare(kindOrder(a), kindOrder(b)),
			cmp.Compare(a.pkg, b.pkg),
			cmp.Compare(a.name, b.name),
		)
	})
	var b strings.Builder
	b.WriteString("id\tname\tpackage\n")
	for _, e := range slices.Compact(found) {
		b.WriteString(e.id + "\t" + e.name + "\t" + e.pkg + "\n")
	}
	return b.String()
}

func kindOrder(e evidence) int {
	if e.pkg == ofScenario {
		return 1
	}
	return 0
}

// The checklist is complete: none of its rows gets lost.
func TestChecklistIsComplete(t *testing.T) {
	count := map[string]int{}
	list := checklist()
	for _, r := range list {
		count[r.Tier]++
		if r.ID == "" || r.Source == "" || r.Text == "" || strings.ContainsAny(r.Text, "`|") {
			t.Errorf("%+v", r)
		}
	}
	if len(list) != 367 || count["A"] != 167 || count["B"] != 123 || count["C"] != 77 {
		t.Errorf("%d requirements, %v of each tier", len(list), count)
	}
}

// Who asks for a requirement gets it alone, who asks for a beginning gets all.
func TestChosen(t *testing.T) {
	list := checklist()
	for id, want := range map[string]int{"RTP-4.1-1": 1, "RTP-4.1": 26, "": 367, "RTP-9": 0, "rtp-4.1": 0} {
		if got := len(chosen(list, id)); got != want {
			t.Errorf("%q: %d requirements, want %d", id, got, want)
		}
	}
}

func TestMarkersInGo(t *testing.T) {
	const doc = "// Title.\n//\n// conformance: X-1, X-2\n"
	for name, tt := range map[string]struct {
		file, src string
		ids       []string // of the test Test
		problems  int
	}{
		"doc comment":          {"a_test.go", doc + "func Test() {}", []string{"X-1", "X-2"}, 0},
		"body":                 {"a_test.go", "func Test() {\n\t// conformance: X-1\n}", []string{"X-1"}, 0},
		"body of a subtest":    {"a_test.go", "func Test() {\n\tfunc() {\n\t\t//conformance:X-1\n\t}()\n}", []string{"X-1"}, 0},
		"nothing":              {"a_test.go", "// conformance:\nfunc Test() {}", []string{""}, 0},
		"in a sentence":        {"a_test.go", "// see // conformance: X-1\nfunc Test() {}", nil, 0},
		"in a string":          {"a_test.go", "func Test() { _ = `\n// conformance: X-1\n` }", nil, 0},
		"apart from the test":  {"a_test.go", doc + "\nfunc Test() {}", nil, 1},
		"after the test":       {"a_test.go", "func Test() {}\n" + doc, nil, 1},
		"helper":               {"a_test.go", doc + "func help() {}", nil, 1},
		"method":               {"a_test.go", doc + "func (x) Test() {}", nil, 1},
		"main":                 {"a_test.go", doc + "func TestMain() {}", nil, 1},
		"not quite a test":     {"a_test.go", doc + "func Testify() {}", nil, 1},
		"not in a file of one": {"a.go", doc + "func Test() {}", nil, 1},
	} {
		shown, problems, err := markersInGo(tt.file, "m/p", []byte("package p\n\n"+tt.src+"\n"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var want []evidence
		for _, id := range tt.ids {
			want = append(want, evidence{id, "Test", "m/p"})
		}
		if !slices.Equal(shown, want) || len(problems) != tt.problems {
			t.Errorf("%s: %v shown, want %v; problems %q, want %d", name, shown, want, problems, tt.problems)
		}
	}
}

// An id that doesn't exist is found out, that of a misspelt list too.
func TestUnknownRequirements(t *testing.T) {
	for list, want := range map[string]int{"RTP-4.1-14": 0, "RTP-4.1-14, CC-7.3-3": 0, "RTP-4.1-99": 1, "RTP-4.1-14 CC-7.3-3": 1, "": 1, "RTP-4.1-14,": 1} {
		var found []evidence
		for _, id := range idsOf(list) {
			found = append(found, evidence{id, "Test", "m/p"})
		}
		if got := unknown(found); len(got) != want {
			t.Errorf("%q: %q, want %d problems", list, got, want)
		}
	}
}
