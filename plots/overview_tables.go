package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// expectation is a column of the table of runs.
type expectation struct {
	Number int // from 1, as in E1
	Text   string
	Bound  string
	Passed int // runs that meet it
	Judged int // runs that have it
}

type overviewRow struct {
	Run
	Outcome string
	Values  []string // of the variation, one per path
	Checks  []check  // one per expectation
	Numbers []string // one per key metric
	Reason  string   // of a failure
	Short   string   // digest's beginning
}

// check is the outcome of one expectation in one run.
type check struct {
	Outcome string // pass, fail, or empty if the run wasn't judged by it
	Value   string
	Title   string
}

func newOverviewScenario(file string, inv Invocation) overviewScenario {
	s := overviewScenario{File: file}
	var runs []Run
	for _, r := range inv.Runs {
		if r.Scenario == file {
			runs = append(runs, r)
		}
	}
	for _, r := range runs {
		if s.Title == "" {
			s.Title = r.Title
		}
		for _, setting := range withoutSeed(r.Variation) {
			if !slices.Contains(s.Paths, setting.Path) {
				s.Paths = append(s.Paths, setting.Path)
			}
		}
		for _, v := range r.Verdicts {
			s.count(v)
		}
	}
	for _, k := range inv.Key {
		if slices.ContainsFunc(runs, func(r Run) bool { _, ok := k.find(r.Summary); return ok }) {
			s.Key = append(s.Key, k)
		}
	}
	for _, r := range runs {
		s.Rows = append(s.Rows, s.row(r))
	}
	s.Grid = newVerdictGrid(s.Rows)
	return s
}

func (s *overviewScenario) count(v record.Verdict) {
	i := slices.IndexFunc(s.Expectations, func(e expectation) bool { return e.Text == v.Expectation && e.Bound == v.Bound })
	if i < 0 {
		i = len(s.Expectations)
		s.Expectations = append(s.Expectations, expectation{Number: i + 1, Text: v.Expectation, Bound: v.Bound})
	}
	s.Expectations[i].Judged++
	if v.Pass {
		s.Expectations[i].Passed++
	}
}

func (s *overviewScenario) row(r Run) overviewRow {
	row := overviewRow{Run: r, Outcome: r.outcome(), Short: r.Digest[:min(len(r.Digest), 8)]}
	for _, path := range s.Paths {
		value := noValue
		for _, setting := range r.Variation {
			if setting.Path == path {
				value = setting.Value
			}
		}
		row.Values = append(row.Values, value)
	}
	var reasons []string
	for _, e := range s.Expectations {
		c := check{Value: noValue, Title: "not judged"}
		for _, v := range r.Verdicts {
			if v.Expectation != e.Text || v.Bound != e.Bound {
				continue
			}
			c = check{Outcome: outcomePass, Value: quantity(v.Value, v.Unit), Title: e.Text}
			switch {
			case v.Known != "":
				c.Outcome, c.Title = outcomeKnown, e.Text+"; known to fail: "+v.Known
			case !v.Pass:
				c.Outcome = outcomeFail
				reasons = append(reasons, fmt.Sprintf("E%d: %s", e.Number, reason(v)))
			}
		}
		row.Checks = append(row.Checks, c)
	}
	row.Reason = strings.Join(reasons, "; ")
	if r.Problem != "" {
		row.Reason = r.Problem
	}
	for _, k := range s.Key {
		m, _ := k.find(r.Summary)
		row.Numbers = append(row.Numbers, quantity(m.Value, m.Unit))
	}
	return row
}

// reason says in a few words why an expectation isn't met.
func reason(v record.Verdict) string {
	if v.Problem != "" {
		return v.Problem
	}
	return quantity(v.Value, v.Unit) + ", not " + v.Bound
}

// find returns the metric from a summary; NaN if it isn't there.
func (k KeyMetric) find(summary []record.Metric) (record.Metric, bool) {
	for _, m := range summary {
		if (k.Entity == "" || k.Entity == m.Entity) && k.Metric == m.Metric && k.Stat == m.Stat {
			return m, true
		}
	}
	return record.Metric{Value: math.NaN()}, false
}

// shortPath is the end of a setting's path, as much as tells it from others.
func shortPath(path string, all []string) string {
	parts := strings.Split(path, ".")
	for n := 1; n < len(parts); n++ {
		end := strings.Join(parts[len(parts)-n:], ".")
		if !slices.ContainsFunc(all, func(other string) bool { return other != path && strings.HasSuffix("."+other, "."+end) }) {
			return end
		}
	}
	return path
}

// Text is the metric's heading, which may break after a slash.
func (k KeyMetric) Text() string {
	return strings.ReplaceAll(words(k.Entity, words(k.Metric, k.Stat)), "/", "/\u200b")
}

// verdictGrid shows variations against seeds.
type verdictGrid struct {
	Seeds []uint64
	Rows  []gridRow
}

type gridRow struct {
	Name  string
	Cells []gridCell
	Pass  string // such as 9/10
}

type gridCell struct {
	Outcome string // empty: no such run
	Link    string
	Met     string // expectations met, such as 5/6
	Title   string
}

// newVerdictGrid returns nil for a scenario with a single seed or run.
func newVerdictGrid(rows []overviewRow) *verdictGrid {
	g := &verdictGrid{}
	var names []string
	for _, r := range rows {
		if !slices.Contains(g.Seeds, r.Seed) {
			g.Seeds = append(g.Seeds, r.Seed)
		}
		if name := variationName(r.Variation); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(g.Seeds) < 2 {
		return nil
	}
	slices.Sort(g.Seeds)
	for _, name := range names {
		line := gridRow{Name: name}
		passed, runs := 0, 0
		for _, seed := range g.Seeds {
			cell := gridCell{Title: "no such run"}
			for _, r := range rows {
				if r.Seed == seed && variationName(r.Variation) == name {
					cell = newGridCell(r)
					runs++
					if r.Outcome == outcomePass {
						passed++
					}
				}
			}
			line.Cells = append(line.Cells, cell)
		}
		line.Pass = fmt.Sprintf("%d/%d", passed, runs)
		g.Rows = append(g.Rows, line)
	}
	return g
}

func newGridCell(r overviewRow) gridCell {
	met := 0
	for _, v := range r.Verdicts {
		if v.Pass {
			met++
		}
	}
	c := gridCell{Outcome: r.Outcome, Link: r.Link, Title: r.Outcome}
	if len(r.Verdicts) > 0 {
		c.Met = fmt.Sprintf("%d/%d", met, len(r.Verdicts))
		c.Title = fmt.Sprintf("%s: %s expectations met", r.Outcome, c.Met)
	}
	if r.Reason != "" {
		c.Title += ": " + r.Reason
	}
	return c
}

func variationName(settings []record.Setting) string {
	var parts []string
	for _, s := range withoutSeed(settings) {
		parts = append(parts, s.Path+" = "+s.Value)
	}
	if len(parts) == 0 {
		return "as written"
	}
	return strings.Join(parts, ", ")
}
