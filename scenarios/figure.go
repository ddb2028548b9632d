package scenarios

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rtpfabric/sim/record"
)

// Figure is a metric at a place during a stretch of time, as an expectation names it: what can be measured in one run and in
// another, and compared.
type Figure struct {
	expect Expect // without bounds
	metric *metric
	flows  []string // of the scenario

	Better Better
	// Least is the difference from which on a change is worth a word, in the metric's unit.
	Least float64
	// Expected reports whether the scenario expects something of it.
	Expected bool
}

// everywhere are the metrics that are compared whatever a scenario expects: those of RFC 8868 §3 by which people judge a
// call, over the whole run.
var everywhere = []struct{ metric, of string }{
	{"loss", "video"},
	{"frame-delay-p95", "video"},
	{"freeze-time", "video"},
	{"goodput", "video"},
	{"loss", "audio"},
	{"mos", "audio"},
	{"queue-delay-p95", "link"},
}

// Figures returns what to compare of the runs of a scenario: what it expects something of, in its order, and then of every
// medium and every link with a rate in a record of it what is compared everywhere. s may be nil, for
// a scenario that nobody can read any more.
func Figures(s *Scenario, r *record.Record) []*Figure {
	var list []*Figure
	add := func(e *Expect, expected bool) {
		f := &Figure{expect: *e, metric: findMetric(e.Metric), Better: e.better(), Expected: expected}
		f.expect.Min, f.expect.Max, f.expect.Equal, f.expect.Tolerance = nil, nil, nil, nil
		if f.metric == nil {
			return
		}
		f.Least = worthwhile(f.metric)
		if s != nil && len(e.Flows) > 0 {
			f.flows = s.flowNames()
		}
		i := slices.IndexFunc(list, func(o *Figure) bool { return o.String() == f.String() })
		switch {
		case i < 0:
			list = append(list, f)
		case expected && list[i].Better != f.Better:
			list[i].Better = Neither // it has bounds on both sides
		}
	}
	if s != nil {
		for i := range s.Expect {
			add(&s.Expect[i], true)
		}
	}
	for _, flow := range r.Manifest.Topology.Flows {
		for _, m := range everywhere {
			if m.of == flow.Kind {
				add(&Expect{Metric: m.metric, Flow: flow.Name}, false)
			}
		}
	}
	for _, link := range r.Names(record.Capacity) {
		for _, m := range everywhere {
			if m.of == "link" {
				add(&Expect{Metric: m.metric, Link: link}, false)
			}
		}
	}
	return list
}

// String names the figure, such as "queue-delay-p95 of bottleneck/forward during 10s..40s".
func (f *Figure) String() string {
	place := f.expect.place()
	if f.expect.During == nil {
		return fmt.Sprintf("%s of %s", f.expect.Metric, place)
	}
	return fmt.Sprintf("%s of %s %s", f.expect.Metric, place, f.expect.when())
}

// Metric returns the metric's name.
func (f *Figure) Metric() string { return f.expect.Metric }

// Unit returns the unit of what [Figure.Measure] returns.
func (f *Figure) Unit() string { return f.metric.quantity.unit }

// Measure returns the figure of a run; NaN if there is no data for it.
func (f *Figure) Measure(r *record.Record) float64 {
	x := f.expect.measure(f.metric, r, f.flows, r.Manifest.Duration)
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// measure returns the value of the metric that an expectation is about.
func (e *Expect) measure(m *metric, r *record.Record, flows []string, duration time.Duration) float64 {
	return m.measure(measurement{record: r, entity: e.target(), entities: matching(e.Flows, flows), window: e.Window(duration), breaker: e.Breaker})
}
