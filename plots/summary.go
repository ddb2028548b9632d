package plots

import (
	"slices"

	"rtpfabric/sim/record"
)

// summaryGroup is the part of the summary about one entity: a row per metric,
// a column per statistic.
type summaryGroup struct {
	Entity string
	Stats  []string
	Rows   []summaryRow
}

type summaryRow struct {
	Metric string
	Values []string // one per statistic, "" where there is none
}

// statOrder is how statistics stand from left to right; others follow.
var statOrder = []string{"mean", "min", "p5", "p50", "median", "p90", "p95", "p99", "max", "std", "total", "count", "ratio"}

func summaryGroups(metrics []record.Metric) []summaryGroup {
	var groups []summaryGroup
	for _, m := range metrics {
		g := slices.IndexFunc(groups, func(g summaryGroup) bool { return g.Entity == m.Entity })
		if g < 0 {
			g = len(groups)
			groups = append(groups, summaryGroup{Entity: m.Entity})
		}
		if !slices.Contains(groups[g].Stats, m.Stat) {
			groups[g].Stats = append(groups[g].Stats, m.Stat)
		}
	}
	for g := range groups {
		groups[g].fill(metrics)
	}
	return groups
}

func (g *summaryGroup) fill(metrics []record.Metric) {
	slices.SortStableFunc(g.Stats, func(a, b string) int { return statRank(a) - statRank(b) })
	for _, m := range metrics {
		if m.Entity != g.Entity {
			continue
		}
		row := slices.IndexFunc(g.Rows, func(r summaryRow) bool { return r.Metric == m.Metric })
		if row < 0 {
			row = len(g.Rows)
			g.Rows = append(g.Rows, summaryRow{Metric: m.Metric, Values: make([]string, len(g.Stats))})
		}
		g.Rows[row].Values[slices.Index(g.Stats, m.Stat)] = quantity(m.Value, m.Unit)
	}
}

func statRank(stat string) int {
	if i := slices.Index(statOrder, stat); i >= 0 {
		return i
	}
	return len(statOrder)
}
