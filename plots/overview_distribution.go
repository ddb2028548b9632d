package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// leastRuns is how many runs of a kind make a distribution worth drawing.
const leastRuns = 10

// distribution draws of how many runs the value that an expectation is about is at most so large, with a line for each
// variation; nil if no variation has enough runs, or all values are the same.
func (s *overviewScenario) distribution(e expectation, paths []string) *panel {
	p := &panel{
		id: fmt.Sprintf("%s-e%d", s.id, e.Number), title: fmt.Sprintf("E%d over runs", e.Number), height: 300,
		y:    axis{name: "runs at or below [%]", max: 100},
		note: e.Text + ". Each line is the runs of one variation" + s.pooled(paths) + ".",
	}
	var names []string
	values := map[string][]float64{}
	low, high, unit := math.Inf(1), math.Inf(-1), ""
	for i := range s.Rows {
		for _, v := range s.Rows[i].Verdicts {
			if v.Expectation != e.Text || v.Bound != e.Bound || v.Problem != "" || math.IsNaN(v.Value) {
				continue
			}
			name := s.variation(&s.Rows[i], paths)
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			x, u := plotted(v.Value, v.Unit)
			values[name], unit = append(values[name], x), u
			low, high = min(low, x), max(high, x)
		}
	}
	if low >= high {
		return nil
	}
	p.x = axis{name: fmt.Sprintf("%s [%s]", firstWord(e.Text), unit)}
	for i, name := range names {
		if len(values[name]) >= leastRuns {
			p.line(name, "", staircase(values[name], high), stroke{color: fmt.Sprintf("--series-%d", i%paletteSize), width: 1.8, dash: "solid", stairs: true})
		}
	}
	if len(p.lines) == 0 {
		return nil
	}
	return p
}

// distinguished returns the paths by which lines are told apart: all of them, unless that makes too many lines.
func (s *overviewScenario) distinguished() []string {
	for n := len(s.Paths); n > 1; n-- {
		kinds := map[string]bool{}
		for i := range s.Rows {
			kinds[s.variation(&s.Rows[i], s.Paths[:n])] = true
		}
		if len(kinds) <= paletteSize {
			return s.Paths[:n]
		}
	}
	return s.Paths[:min(1, len(s.Paths))]
}

// pooled says in what the runs of a line differ.
func (s *overviewScenario) pooled(paths []string) string {
	rest := slices.Clone(s.Paths[len(paths):])
	if slices.ContainsFunc(s.Rows, func(r overviewRow) bool { return r.Seed != s.Rows[0].Seed }) {
		rest = append(rest, "seed")
	}
	return ", which differ in " + strings.Join(rest, ", ")
}

// variation is what a run has of some paths.
func (s *overviewScenario) variation(row *overviewRow, paths []string) string {
	var parts []string
	for i, path := range paths {
		parts = append(parts, shortPath(path, s.Paths)+" "+row.Values[i])
	}
	if len(parts) == 0 {
		return "all runs"
	}
	return strings.Join(parts, ", ")
}

// staircase is the share of values at or below each of them, in percent, drawn up to a common end.
func staircase(values []float64, end float64) points {
	slices.Sort(values)
	p := points{{values[0], 0}}
	for i, v := range values {
		if i+1 < len(values) && values[i+1] == v {
			continue
		}
		p = append(p, [2]float64{v, 100 * float64(i+1) / float64(len(values))})
	}
	return append(p, [2]float64{end, 100})
}

// plotted returns a value in the unit of an axis.
func plotted(v float64, unit string) (float64, string) {
	switch unit {
	case "1", "ratio":
		return 100 * v, "%"
	case "bit/s":
		return v / 1e6, "Mbit/s"
	case "count", "":
		return v, "number"
	}
	return v, unit
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// distributions are those of all expectations that have one.
func (s *overviewScenario) distributions() ([]chart, error) {
	var list []chart
	paths := s.distinguished()
	for _, e := range s.Expectations {
		if p := s.distribution(e, paths); p != nil {
			c, err := p.chart()
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
	}
	return list, nil
}
