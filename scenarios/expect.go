package scenarios

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"rtpfabric/sim/record"
)

// Judge returns a verdict for each expectation of a scenario, in order, from
// the record of a run of it. Windows are rounded to the bins of the record. An
// expectation whose window has no data, or wasn't reached by an incomplete
// run, isn't met and its Problem says why.
func Judge(s *Scenario, r *record.Record) []record.Verdict {
	var verdicts []record.Verdict
	for i := range s.Expect {
		v := judge(s, &s.Expect[i], r)
		if k := s.KnownFailure(&s.Expect[i]); k != nil && !v.Pass {
			v.Known = k.Because
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// KnownFailure returns why the scenario's controller needn't meet an expectation, against
// those that endpoints have of their own; nil if it has to.
func (s *Scenario) KnownFailure(e *Expect) *ExpectedFail {
	for i := range s.ExpectedFail {
		k := &s.ExpectedFail[i]
		if slices.Contains(k.Controllers, s.Congestion.Controller) && s.against(k) && k.about(e) {
			return k
		}
	}
	return nil
}

// against reports whether an endpoint has one of the controllers that are named, if any are.
func (s *Scenario) against(k *ExpectedFail) bool {
	return len(k.Against) == 0 || slices.ContainsFunc(s.Endpoints, func(e Endpoint) bool {
		return e.Congestion != nil && slices.Contains(k.Against, e.Congestion.Controller)
	})
}

// about reports whether an expectation is meant.
func (k *ExpectedFail) about(e *Expect) bool {
	return (len(k.Metrics) == 0 || slices.Contains(k.Metrics, e.Metric)) && (k.During == nil || e.During != nil && *k.During == *e.During)
}

func judge(s *Scenario, e *Expect, r *record.Record) record.Verdict {
	v := record.Verdict{Expectation: e.String()}
	m := findMetric(e.Metric)
	if m == nil {
		v.Problem = fmt.Sprintf("there is no metric %q", e.Metric)
		return v
	}
	v.Unit = m.quantity.unit
	b, err := m.quantity.bounds(e)
	if err != nil {
		v.Problem = err.Error()
		return v
	}
	v.Bound = b.show(m.quantity)
	window := e.Window(s.Duration)
	if r.Manifest.Status == record.Incomplete && r.Manifest.Reached < window.To {
		v.Problem = fmt.Sprintf("the run ended at %s, before %s", format(r.Manifest.Reached.Round(time.Millisecond)), format(window.To))
		return v
	}
	target := e.target()
	x := e.measure(m, r, s.flowNames(), s.Duration)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		v.Problem = fmt.Sprintf("there is no data for %s of %s %s", e.Metric, target, e.when())
		return v
	}
	v.Value = x
	v.Pass = b.hold(x)
	return v
}

// target returns where the metric is measured: the first that is set.
func (e *Expect) target() string {
	for _, t := range e.targets() {
		if t.value != "" {
			return t.value
		}
	}
	return ""
}

type target struct{ key, value string }

func (e *Expect) targets() []target {
	return []target{{"flow", e.Flow}, {"flows", strings.Join(e.Flows, ", ")}, {"link", e.Link}, {"endpoint", e.Endpoint}, {"connection", e.Connection}, {"source", e.Source}}
}

// String returns the expectation as a sentence, such as "queue-delay-p95 of
// bottleneck/forward during 10s..40s is at most 60ms".
func (e *Expect) String() string {
	var is []string
	if e.Min != nil {
		is = append(is, "is at least "+*e.Min)
	}
	if e.Max != nil {
		is = append(is, "is at most "+*e.Max)
	}
	if e.Equal != nil {
		equals := "equals " + *e.Equal
		if e.Tolerance != nil {
			equals += " within " + *e.Tolerance
		}
		is = append(is, equals)
	}
	return fmt.Sprintf("%s of %s %s %s", e.Metric, e.place(), e.when(), strings.Join(is, " and "))
}

// place says where the metric is measured, and by which circuit breaker.
func (e *Expect) place() string {
	if e.Breaker != "" {
		return e.target() + " by " + e.Breaker
	}
	return e.target()
}

func (e *Expect) when() string {
	if e.During == nil {
		return "over the whole run"
	}
	return "during " + e.During.String()
}
