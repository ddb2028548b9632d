package simrun

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/scenarios/rfc8836"
)

// everyFigure has every figure of the page measured, which takes half a minute.
var everyFigure = flag.Bool("figures", false, "measure every figure of docs/rfc8836.md instead of some")

const (
	requirementsPage = moduleRoot + "/docs/rfc8836.md"
	beginOfTables    = "<!-- from here on `make requirements REWRITE=-rewrite` writes this page -->\n"
)

// measuredAlways are requirements that are measured in every test: they are quick.
var measuredAlways = []string{"1a", "4", "10", "security"}

// The page says what the command prints: the figures of some requirements, and of the others
// what is measured where. With -figures or -rewrite it is all of them.
//
// conformance: CC-7.1-1
func TestRequirementsPage(t *testing.T) {
	page, err := os.ReadFile(requirementsPage)
	if err != nil {
		t.Fatal(err)
	}
	text, tables, ok := strings.Cut(string(page), beginOfTables)
	if !ok {
		t.Fatalf("%s has no line %s", requirementsPage, beginOfTables)
	}
	if *rewrite || *everyFigure {
		want := "\n" + measuredAnswers(t, nil).markdown()
		if *rewrite {
			if err := os.WriteFile(requirementsPage, []byte(text+beginOfTables+want), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		comparePage(t, tables, want)
		return
	}
	planned := plannedAnswers(t, nil)
	for _, q := range planned.answers {
		if !slices.Contains(measuredAlways, q.ID) {
			comparePage(t, withoutValues(sectionOf(tables, q.ID)), withoutValues(planned.section(q)))
		}
	}
	some := measuredAnswers(t, measuredAlways)
	for _, q := range some.answers {
		comparePage(t, sectionOf(tables, q.ID), some.section(q))
	}
}

func comparePage(t *testing.T, page, want string) {
	t.Helper()
	if diff := gocmp.Diff(strings.Split(page, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("docs/rfc8836.md (-) isn't what simrun requirements prints (+):\n%s\nmake requirements REWRITE=-rewrite", diff)
	}
}

func plannedAnswers(t *testing.T, ids []string) *answers {
	t.Helper()
	list, err := chosenOf8836(ids)
	if err != nil {
		t.Fatal(err)
	}
	controllers, err := measuredControllers(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := planAnswers(list, filepath.FromSlash(moduleRoot+"/scenarios"), controllers, 1)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func measuredAnswers(t *testing.T, ids []string) *answers {
	t.Helper()
	a := plannedAnswers(t, ids)
	if err := a.measure(context.Background(), io.Discard, runtime.GOMAXPROCS(0)); err != nil {
		t.Fatal(err)
	}
	return a
}

// sectionOf cuts the section of a requirement out of the page.
func sectionOf(page, id string) string {
	_, section, _ := strings.Cut(page, "\n### "+id+"\n")
	if i := strings.Index(section, "\n\n### "); i >= 0 {
		section = section[:i+1]
	}
	return "### " + id + "\n" + section
}

// withoutValues empties the cells of tables in which figures stand.
func withoutValues(section string) string {
	const firstValue = 5 // after what, scenario, metric and bound; before the first bar is nothing
	lines := strings.Split(section, "\n")
	for i, line := range lines {
		if cells := strings.Split(line, "|"); len(cells) > firstValue {
			lines[i] = strings.Join(cells[:firstValue], "|")
		}
	}
	return strings.Join(lines, "\n")
}

// Whoever controls nothing misses what those within the bounds meet, and is marked.
func TestRequirementsAreMissed(t *testing.T) {
	list, err := chosenOf8836([]string{"10"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := planAnswers(list, filepath.FromSlash(moduleRoot+"/scenarios"), []string{"never-back-off", "scream-v2"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.measure(t.Context(), io.Discard, 2); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 2} {
		if met, all := a.met(i); met != want || all != 2 {
			t.Errorf("%s meets %d of %d, want %d of 2", a.controllers[i], met, all, want)
		}
	}
	if s := a.section(a.answers[0]); strings.Count(s, markFailed+" |") != 2 {
		t.Errorf("not two figures are marked:\n%s", s)
	}
}

// A controller that can't be in a scenario has no figure there, even if no other is asked for.
func TestControllerThatCannotBeCoupled(t *testing.T) {
	a, err := planAnswers(rfc8836.Requirements(), filepath.FromSlash(moduleRoot+"/scenarios"), []string{"scream"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	without := 0
	for _, r := range a.runs {
		if r.run == nil {
			without++
		}
	}
	if without != 1 {
		t.Errorf("scream can't be in %d scenarios, want one", without)
	}
}

func TestChosenOf8836(t *testing.T) {
	for _, tt := range []struct {
		ids  string
		want int // -1 is an error
	}{{"", 29}, {"1", 8}, {"1c", 1}, {"1c 1", 8}, {"10 11", 2}, {"security", 1}, {"12", -1}, {"1h", -1}} {
		list, err := chosenOf8836(strings.Fields(tt.ids))
		if (err != nil) != (tt.want < 0) || err == nil && len(list) != tt.want {
			t.Errorf("%q: %d requirements, %v; want %d", tt.ids, len(list), err, tt.want)
		}
	}
}
