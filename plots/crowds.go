package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// entitiesShown is how many streams, connections and endpoints a page has lines of for each metric. A conference has more by
// far, which no page could hold and nobody could tell apart.
const entitiesShown = 60

// withoutCrowd returns a record for a page, of which series, distributions and figures of most of a crowd are left out, and a
// remark about that; nil if nothing is. What senders send comes before what is sent on to each receiver. Links stay: of them charts
// show the busiest.
func withoutCrowd(r *record.Record) (*record.Record, *remark) {
	kept := keptEntities(r)
	if kept == nil {
		return r, nil
	}
	few := *r
	few.Series = slices.DeleteFunc(slices.Clone(r.Series), func(s *record.Series) bool { return !kept[[2]string{s.Metric, s.Entity}] })
	few.Distributions = slices.DeleteFunc(slices.Clone(r.Distributions), func(d *record.Distribution) bool { return !kept[[2]string{d.Metric, d.Entity}] })
	drawn := map[string]bool{}
	for k := range kept {
		drawn[k[1]] = true
	}
	left := map[string]bool{}
	for _, s := range r.Series {
		left[s.Entity] = !drawn[s.Entity]
	}
	few.Summary = slices.DeleteFunc(slices.Clone(r.Summary), func(m record.Metric) bool { return left[m.Entity] })
	return &few, &remark{"note", "A crowd", fmt.Sprintf(
		"Charts have at most %d streams, connections and endpoints for each thing that is drawn, and the summary has these; there are %d streams. The record has all: simrun figures --show NAME draws others, simrun export has their data.",
		entitiesShown, len(r.Manifest.Topology.Flows))}
}

// keptEntities returns which entities are kept of each metric; nil if all are.
func keptEntities(r *record.Record) map[[2]string]bool {
	byMetric := map[string][]string{}
	var metrics []string
	note := func(metric, entity string) {
		if byMetric[metric] == nil {
			metrics = append(metrics, metric)
		}
		if !slices.Contains(byMetric[metric], entity) {
			byMetric[metric] = append(byMetric[metric], entity)
		}
	}
	for _, s := range r.Series {
		note(s.Metric, s.Entity)
	}
	for _, d := range r.Distributions {
		note(d.Metric, d.Entity)
	}
	links := map[string]bool{}
	for _, l := range r.Manifest.Topology.Links {
		links[l.Name+"/forward"], links[l.Name+"/backward"] = true, true
	}
	kept, crowd := map[[2]string]bool{}, false
	for _, metric := range metrics {
		n := 0
		list := byMetric[metric]
		slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(strings.Count(a, ">"), strings.Count(b, ">")) })
		for _, entity := range list {
			if !links[entity] {
				n++
			}
			if links[entity] || n <= entitiesShown {
				kept[[2]string{metric, entity}] = true
			} else {
				crowd = true
			}
		}
	}
	if !crowd {
		return nil
	}
	return kept
}
