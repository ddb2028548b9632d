package plots

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

// compared has two scenarios, three controllers of which one controls nothing, and five seeds. gcc has no utilization at
// all in the second scenario.
func compared() Comparison {
	c := Comparison{Version: "v0.1.0", Command: "simrun run a.yaml b.yaml"}
	for s, scenario := range []string{"suite/5.1-a-very-long-name-of-a-scenario-with-variable-capacity.yaml", "suite/quickstart.yaml"} {
		for k, controller := range []string{"fixed", "gcc", "scream-v2"} {
			for seed := range uint64(5) {
				v := float64(10*s+20*k) + float64(seed*seed)
				utilization := 0.9 - v/200
				if controller == "gcc" && s == 1 {
					utilization = math.NaN()
				}
				run := ComparedRun{Folder: fmt.Sprintf("results/%d/%s,seed=%d", s, controller, seed+1), Run: Run{
					Scenario: scenario, Title: fmt.Sprintf("Scenario %d", s), Name: fmt.Sprintf("controller=%s,seed=%d", controller, seed+1),
					Variation: []record.Setting{{Path: "congestion.controller", Value: controller}, {Path: "seed", Value: fmt.Sprint(seed + 1)}},
					Seed:      seed + 1, Status: record.Complete, Baseline: controller == "fixed",
					Verdicts: []record.Verdict{{Pass: controller == "scream-v2" || seed < 2}},
					Flows:    []record.Flow{{Name: "S1/video", Kind: "video"}, {Name: "S2/video", Kind: "video"}, {Name: "web", Kind: "tcp"}},
					Summary: []record.Metric{
						{Entity: "bottleneck/forward", Metric: "utilization", Stat: "mean", Value: utilization, Unit: "1"},
						{Entity: "bottleneck/backward", Metric: "utilization", Stat: "mean", Value: 0.01, Unit: "1"},
						{Entity: "bottleneck/forward", Metric: "queue-delay", Stat: "p95", Value: 30 + v, Unit: "ms"},
						{Entity: "S1/video", Metric: "packets-sent", Stat: "total", Value: 900, Unit: "count"},
						{Entity: "S1/video", Metric: "packets-lost", Stat: "total", Value: 9, Unit: "count"},
						{Entity: "web", Metric: "packets-sent", Stat: "total", Value: 900, Unit: "count"},
						{Entity: "web", Metric: "packets-lost", Stat: "total", Value: 900, Unit: "count"},
						{Entity: "S1/video", Metric: "receive-rate", Stat: "mean", Value: 1e6, Unit: "bit/s"},
						{Entity: "S2/video", Metric: "receive-rate", Stat: "mean", Value: 3e6, Unit: "bit/s"},
						{Entity: "S1/video", Metric: "freeze-time", Stat: "total", Value: math.Inf(1), Unit: "ms"},
					},
				}}
				if s == 1 {
					utilizationOf(&run, "bottleneck/backward", math.NaN())
				}
				if seed > 0 {
					run.Link = fmt.Sprintf("%d/%s,seed=%d/index.html", s, controller, seed+1)
				}
				c.Runs = append(c.Runs, run)
			}
		}
	}
	return c
}

func utilizationOf(r *ComparedRun, entity string, v float64) {
	for i := range r.Summary {
		if m := &r.Summary[i]; m.Entity == entity && m.Metric == "utilization" {
			m.Value = v
		}
	}
}

func renderComparison(t *testing.T, c Comparison) string {
	t.Helper()
	var b bytes.Buffer
	if err := Compare(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var dataElement = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

// dataOf returns what a comparison page is drawn from.
func dataOf(t *testing.T, page string) comparisonData {
	t.Helper()
	var raw struct {
		comparisonData
		Runs []struct {
			Axes   []int      `json:"a"`
			Link   string     `json:"l"`
			Folder string     `json:"f"`
			O      string     `json:"o"`
			Values []*float64 `json:"v"`
		} `json:"runs"`
	}
	m := dataElement.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no data")
	}
	if err := json.Unmarshal([]byte(m[1]), &raw); err != nil {
		t.Fatal(err)
	}
	d := raw.comparisonData
	for _, r := range raw.Runs {
		run := comparisonRun{Axes: r.Axes, Link: r.Link, Folder: r.Folder, Outcome: r.O}
		for _, v := range r.Values {
			if v == nil {
				run.Values = append(run.Values, figure(math.NaN()))
				continue
			}
			run.Values = append(run.Values, figure(*v))
		}
		d.Runs = append(d.Runs, run)
	}
	return d
}

func TestComparisonHasWhatRunsMeasured(t *testing.T) {
	page := renderComparison(t, compared())
	d := dataOf(t, page)
	if len(d.Axes) != 1 || strings.Join(d.Axes[0].Values, " ") != "gcc scream-v2 fixed" || d.Axes[0].Baselines != 1 {
		t.Errorf("axes are %+v, want one of controllers with the baseline last", d.Axes)
	}
	var names []string
	for _, m := range d.Measures {
		names = append(names, m.ID)
	}
	if got, want := strings.Join(names, " "), "utilization queue-delay-p95 loss jain"; got != want {
		t.Errorf("measures are %s, want %s: those of which a run has a value", got, want)
	}
	want := [][]float64{{90, 30, 1, 80}, {89.5, 31, 1, 80}} // loss without that of TCP; (1+3)²/(2·(1+9)) = 80 %
	for i, values := range want {
		for k, v := range values {
			if got := float64(d.Runs[i].Values[k]); math.Abs(got-v) > 1e-9 {
				t.Errorf("%s of run %d is %v, want %v", names[k], i, got, v)
			}
		}
	}
	if r := d.Runs[0]; r.Link != "" || r.Folder != "results/0/fixed,seed=1" {
		t.Errorf("a run without a page has link %q and folder %q", r.Link, r.Folder)
	}
	if v := float64(d.Runs[20].Values[0]); !math.IsNaN(v) {
		t.Errorf("a utilization that isn't there is %v", v)
	}
	if d.Scenarios[0].Name != "5.1-a-very-long-name-of-a-scenario-with-variable-capacity" {
		t.Errorf("the first scenario is called %q", d.Scenarios[0].Name)
	}
	for _, text := range []string{"30 runs: 18 passed, 6 failed, 6 of baselines failed", "gcc, scream-v2 and fixed: 2 scenarios", "Lower is better.", "simrun run a.yaml b.yaml"} {
		if !strings.Contains(body(page), text) {
			t.Errorf("the page doesn't say %q", text)
		}
	}
	if len(page) > 200_000 {
		t.Errorf("a page about 30 runs has %d octets", len(page))
	}
	if again := renderComparison(t, compared()); again != page {
		t.Error("two pages of equal runs differ")
	}
}

func TestComparisonOfFoldersHasThemFirst(t *testing.T) {
	c := compared()
	other := compared()
	for i := range c.Runs {
		c.Runs[i].Results, other.Runs[i].Results = "before", "after"
	}
	c.Runs = append(c.Runs, other.Runs...)
	c.Changes = &Changes{A: "before", B: "after", Result: "regression: 1 regression", Groups: []ChangeGroup{{
		Title: "quickstart: 5 seeds", Headings: []string{"", "figure"}, Rows: [][]string{{"regression", "loss of S1/video <b>"}},
	}}}
	page := renderComparison(t, c)
	d := dataOf(t, page)
	if len(d.Axes) != 2 || d.Axes[0].Path != resultsAxis || strings.Join(d.Axes[0].Values, " ") != "before after" {
		t.Errorf("axes are %+v, want the folders first", d.Axes)
	}
	for _, text := range []string{`<tr class="fail"><td>regression</td><td>loss of S1/video &lt;b&gt;</td>`, "Changes from before to after"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page doesn't have %q", text)
		}
	}
}

func TestWhatCanBeCompared(t *testing.T) {
	with := func(settings ...record.Setting) ComparedRun { return ComparedRun{Run: Run{Variation: settings}} }
	controller := func(v string) record.Setting { return record.Setting{Path: "congestion.controller", Value: v} }
	seed := func(v string) record.Setting { return record.Setting{Path: "seed", Value: v} }
	for _, c := range []struct {
		name string
		runs []ComparedRun
		want bool
	}{
		{"nothing", nil, false},
		{"one run", []ComparedRun{with(controller("gcc"))}, false},
		{"seeds", []ComparedRun{with(seed("1")), with(seed("2"))}, false},
		{"controllers", []ComparedRun{with(controller("gcc")), with(controller("nada"))}, true},
		{"one with and one without", []ComparedRun{with(controller("gcc")), with()}, true},
		{"folders", []ComparedRun{{Results: "a"}, {Results: "b"}}, true},
	} {
		if got := Comparable(c.runs); got != c.want {
			t.Errorf("%s: comparable is %v", c.name, got)
		}
	}
}

func TestScenariosAreToldApart(t *testing.T) {
	var runs []ComparedRun
	for _, file := range []string{"a/x/call.yaml", "b/x/call.yaml", "5.1-rate", `c\y.yml`} {
		runs = append(runs, ComparedRun{Run: Run{Scenario: file}})
	}
	var names []string
	for _, s := range scenariosOf(runs) {
		names = append(names, s.Name)
	}
	if got, want := strings.Join(names, " "), "a/x/call b/x/call 5.1-rate y"; got != want {
		t.Errorf("names are %q, want %q", got, want)
	}
}

// hostileComparison has texts that would do harm if they came through, and no numbers.
func hostileComparison() Comparison {
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)>`
	c := compared()
	c.Command = evil
	for i := range c.Runs {
		r := &c.Runs[i]
		r.Scenario, r.Title, r.Name, r.Folder = evil+".yaml", evil, evil, evil
		r.Variation = []record.Setting{{Path: evil, Value: fmt.Sprint(evil, i%3)}}
		for k := range r.Summary {
			if r.Summary[k].Metric != "queue-delay" || i%2 == 0 {
				r.Summary[k].Value = math.NaN()
			}
		}
	}
	return c
}

func TestComparisonEscapes(t *testing.T) {
	page := renderComparison(t, hostileComparison())
	if n := strings.Count(page, "<script"); n != 4 {
		t.Errorf("%d script elements, want 4", n)
	}
	if strings.Contains(page, "<img") {
		t.Error("an element came out of a text")
	}
	if dataOf(t, page).Scenarios[0].Title != hostileComparison().Runs[0].Title {
		t.Error("the title isn't what it was")
	}
}
