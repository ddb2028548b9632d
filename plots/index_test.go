package plots

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/record"
)

// listed is the index of two suites.
func listed() Index {
	x := Index{Folder: "results", Version: "v0.1.0", Comparison: "comparison.html", Problems: []string{"results/wreck: not JSON"}}
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for i, r := range compared().Runs {
		name := r.Scenario[len("suite/") : len(r.Scenario)-len(".yaml")]
		if len(x.Suites) == 0 || x.Suites[len(x.Suites)-1].Name != name {
			x.Suites = append(x.Suites, Suite{Name: name, Title: r.Title, Link: name + "/index.html"})
		}
		s := &x.Suites[len(x.Suites)-1]
		run := IndexedRun{Run: r.Run, Started: began.Add(time.Duration(i) * time.Minute), Took: time.Duration(i) * 100 * time.Millisecond, Reached: 100 * time.Second}
		if i == 3 {
			run.Started, run.Took = time.Time{}, 0
		}
		s.Runs = append(s.Runs, run)
	}
	return x
}

func renderIndex(t *testing.T, x Index) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteIndex(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestIndexListsEveryRun(t *testing.T) {
	page := renderIndex(t, listed())
	for _, text := range []string{
		"Results in results", `href="comparison.html"`, `href="0/gcc,seed=2/index.html"`, "results/wreck: not JSON",
		"2026-03-04\u00a005:06:07", "<td class=\"number\">2.90</td>", `data-v="0">–</td><td class="number">–</td>`, "<td class=\"number\">100</td>",
		"9/15", "✗ fail", "18 passed",
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page doesn't have %q", text)
		}
	}
	if n := strings.Count(page, "<tr data-text="); n != 30 {
		t.Errorf("%d runs, want 30", n)
	}
	if !strings.Contains(page[:512], IndexMark) {
		t.Error("the page isn't marked as an index")
	}
	if again := renderIndex(t, listed()); again != page {
		t.Error("two indices of equal runs differ")
	}
}

// A page from a file asks nobody for anything.
func TestIndexFromAFileHasNoNetwork(t *testing.T) {
	x := listed()
	if page := renderIndex(t, x); strings.Contains(body(page), "connect-src") || strings.Contains(body(page), "data-live") {
		t.Error("a page from a file may connect")
	}
	x.Live = true
	if page := renderIndex(t, x); !strings.Contains(page, "connect-src 'self'") || !strings.Contains(page, `data-live="/.progress"`) {
		t.Error("a page that is served may not ask for the progress")
	}
}

func TestIndexEscapes(t *testing.T) {
	const evil = `</title></script><script>alert(1)</script>`
	x := Index{Folder: evil, Version: evil, Problems: []string{evil}, Suites: []Suite{{
		Name: evil, Title: evil, Link: "javascript:alert(1)",
		Runs: []IndexedRun{{Run: Run{Name: evil, Link: "javascript:alert(1)", Title: evil, Variation: []record.Setting{{Path: "congestion.controller", Value: evil}}}}},
	}}}
	page := body(renderIndex(t, x))
	if strings.Count(page, "<script") != 1 || strings.Contains(page, `"javascript:`) {
		t.Errorf("a text came through as markup: %s", page)
	}
}

func TestIndexOfNothing(t *testing.T) {
	if page := renderIndex(t, Index{Folder: "results"}); !strings.Contains(page, "There is no record of a run in this folder yet.") {
		t.Error("an empty index doesn't say so")
	}
}

func TestControllersOfRuns(t *testing.T) {
	run := IndexedRun{Run: Run{Flows: []record.Flow{{Controller: "gcc"}, {}, {Controller: "nada"}, {Controller: "gcc"}}}}
	if got := run.Controller(); got != "gcc, nada" {
		t.Errorf("controllers are %q", got)
	}
	run.Variation = []record.Setting{{Path: "congestion.controller", Value: "scream"}}
	if got := run.Controller(); got != "scream" {
		t.Errorf("the controller of a matrix is %q", got)
	}
}
