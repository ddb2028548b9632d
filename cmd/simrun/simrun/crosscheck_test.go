package simrun

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/crosscheck"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/pionnet"
)

const crosscheckPage = "../../../docs/crosscheck.md"

// The table of docs/crosscheck.md is what the command prints.
func TestCrosscheckPage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	paths, err := filepath.Glob("../../../scenarios/crosscheck/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var runs []*scenarios.Run
	for _, path := range paths {
		if filepath.Base(path) == "pion.yaml" { // which this program doesn't know
			continue
		}
		f, err := scenarios.Load(path, scenarios.Options{Catalogue: runner.Catalogue{}})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, f.Runs...)
	}
	results, err := crosscheckRuns(t.Context(), io.Discard, runs, make([]string, len(runs)), &crosscheckOptions{jobs: runtime.GOMAXPROCS(0)})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(crosscheckPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "| scenario |"
	text, table, _ := strings.Cut(string(page), begin)
	want := crosscheckMarkdown(results)
	if *rewrite {
		if err := os.WriteFile(crosscheckPage, []byte(text+want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(strings.Split(begin+table, "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("docs/crosscheck.md (-) isn't what is measured (+):\n%s", diff)
	}
}

// A difference that nothing explains fails the run, and says from where on; one that is explained refers to why.
func TestCrosscheckTable(t *testing.T) {
	results := []*crosscheck.Result{{
		Scenario: "a.yaml", Packets: 10, Against: []crosscheck.Against{
			{Vnet: pionnet.V4, Same: 8, OnlyHere: 2, First: 7, Carried: 0.8, Most: 12_345_678},
			{Vnet: pionnet.V2, Same: 5, OnlyHere: 5, First: 3, Explained: []string{"it is so", "it is otherwise, too"}},
		},
	}, {
		Scenario: "b.yaml", Packets: 10, Against: []crosscheck.Against{
			{Vnet: pionnet.V4, Same: 10, Carried: 1},
			{Vnet: pionnet.V2, Unable: "it is so"},
		},
	}}
	if !slices.ContainsFunc(results, (*crosscheck.Result).Failed) {
		t.Error("nothing fails")
	}
	var b strings.Builder
	printCrosscheck(&screen{Writer: &b}, results, []string{"a/default", "b/default"})
	for _, want := range []string{"DIFFERS from packet 7 on", "12.3 ms", "80.0 %", "differs [1][2]", "same", "can't: [1]", "[1] it is so\n", "[2] it is otherwise, too\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table doesn't say %q:\n%s", want, &b)
		}
	}
	if strings.Contains(b.String(), "[3]") {
		t.Errorf("a note is there twice:\n%s", &b)
	}
}
