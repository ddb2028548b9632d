package plots

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// Invocation is what one overview page shows: all runs of one call of the
// command, of one scenario or several.
type Invocation struct {
	Title   string
	Command string // that repeats the invocation; optional
	Version string // of the program
	Runs    []Run
	// Key are the summary metrics that the table of runs shows beside the
	// expectations, in this order. A run without one of them shows a dash.
	Key []KeyMetric
}

// KeyMetric names a metric of a run's summary. An empty Entity means the first
// entity that has the metric.
type KeyMetric struct {
	Entity, Metric, Stat string
}

// Run is a line of an overview.
type Run struct {
	Scenario  string // file name; runs of a scenario stand together
	Title     string // of the scenario
	Name      string // of the variation
	Link      string // to the run's page, relative to the overview; empty if there is none
	Variation []record.Setting
	Seed      uint64
	Status    record.Status
	Digest    string
	Verdicts  []record.Verdict
	Summary   []record.Metric
	Flows     []record.Flow
	Problem   string // why the run has no record; empty if it has one
	// Baseline says that the run is there for comparison and may fail.
	Baseline bool
}

// RunOf takes from a record what an overview shows, so that the record itself
// need not be kept. The link is relative to the overview page.
func RunOf(r *record.Record, link string) Run {
	m := &r.Manifest
	return Run{
		Scenario: m.Scenario, Title: m.Title, Name: m.Run, Link: link, Variation: m.Variation, Seed: m.Seed,
		Status: m.Status, Digest: m.Digest, Verdicts: r.Verdicts, Summary: r.Summary, Flows: m.Topology.Flows,
	}
}

type overviewPage struct {
	Title, Command, Version string
	Style                   template.CSS
	Script                  template.JS
	Banner                  verdictBanner
	Counts                  []outcomeCount
	Scenarios               []overviewScenario
	// Echarts and its notice are there if there are charts.
	Echarts template.JS
	Notice  string
}

type outcomeCount struct {
	Outcome string
	Text    string
}

// overviewScenario is the part of an overview about one scenario.
type overviewScenario struct {
	File, Title  string
	Expectations []expectation
	Key          []KeyMetric
	Paths        []string // of the variation, without the seed
	Rows         []overviewRow
	Grid         *verdictGrid // nil if a grid would say no more than the table
	Charts       []chart

	id string // of the section on the page
}

// Overview writes one self-contained HTML page about all runs of an
// invocation. Errors are those of w, and of values that
// can't be drawn.
func Overview(w io.Writer, inv Invocation) error {
	page := overviewPage{
		Title: inv.Title, Command: inv.Command, Version: inv.Version,
		Style: template.CSS(styles), Script: template.JS(pageScript),
	}
	page.Banner, page.Counts = tally(inv.Runs)
	var files []string
	for _, r := range inv.Runs {
		if !slices.Contains(files, r.Scenario) {
			files = append(files, r.Scenario)
		}
	}
	for i, file := range files {
		s := newOverviewScenario(file, inv)
		s.id = fmt.Sprintf("scenario-%d", i)
		var err error
		if s.Charts, err = s.distributions(); err != nil {
			return fmt.Errorf("overview page: %w", err)
		}
		if len(s.Charts) > 0 {
			page.Echarts, page.Notice = template.JS(echartsScript), echartsNotice
		}
		page.Scenarios = append(page.Scenarios, s)
	}
	if err := templates.ExecuteTemplate(w, "overview.html", page); err != nil {
		return fmt.Errorf("overview page: %w", err)
	}
	return nil
}

// outcome is the worst thing that can be said of a run.
func (r *Run) outcome() string {
	if r.Problem != "" {
		return outcomeError
	}
	outcome := bannerOf(r.Status, r.Verdicts).Outcome
	if outcome == outcomeFail && r.Baseline {
		return outcomeBaseline
	}
	return outcome
}

// tally makes the headline of an overview.
func tally(runs []Run) (verdictBanner, []outcomeCount) {
	count := map[string]int{}
	for i := range runs {
		count[runs[i].outcome()]++
	}
	var counts []outcomeCount
	for _, o := range []struct{ outcome, text string }{
		{outcomePass, "passed"},
		{outcomeFail, "failed"},
		{outcomeKnown, "failed only what they are known to fail"},
		{outcomeBaseline, "of baselines failed, as they may"},
		{outcomeError, "couldn't run"},
		{outcomeIncomplete, "incomplete"},
		{outcomeNone, "without expectations"},
	} {
		if n := count[o.outcome]; n > 0 {
			counts = append(counts, outcomeCount{o.outcome, fmt.Sprintf("%d %s", n, o.text)})
		}
	}
	texts := make([]string, len(counts))
	for i, c := range counts {
		texts[i] = c.Text
	}
	b := verdictBanner{Text: pluralize(len(runs), "run", "runs") + ": " + strings.Join(texts, ", ")}
	switch {
	case len(runs) == 0:
		b.Outcome, b.Word, b.Text = outcomeNone, "NO RUNS", "Nothing was run"
	case count[outcomeFail]+count[outcomeError] > 0:
		b.Outcome, b.Word = outcomeFail, "FAIL"
	case count[outcomeIncomplete] > 0:
		b.Outcome, b.Word = outcomeIncomplete, "INCOMPLETE"
	case count[outcomePass]+count[outcomeBaseline]+count[outcomeKnown] == 0:
		b.Outcome, b.Word = outcomeNone, "NO EXPECTATIONS"
	default:
		b.Outcome, b.Word = outcomePass, "PASS"
	}
	return b, counts
}
