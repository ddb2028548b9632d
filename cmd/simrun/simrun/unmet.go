package simrun

import (
	"fmt"

	"rtpfabric/sim/record"
)

// unmet is an expectation of a scenario that isn't met, in how many runs, and in which first.
type unmet struct {
	verdict *record.Verdict
	run     *plannedRun
	line    int // of the scenario file; 0 if it isn't there
	runs    int
}

// unmet returns the expectations of a file that some runs don't meet, in order, by what is asked of their verdicts.
// Those of baselines count for nothing.
func (f *plannedFile) unmet(which func(*record.Verdict) bool) []*unmet {
	var list []*unmet
	byText := map[string]*unmet{}
	for _, r := range f.runs {
		if r.baseline() {
			continue
		}
		for i := range r.row.Verdicts {
			v := &r.row.Verdicts[i]
			if !which(v) {
				continue
			}
			if byText[v.Expectation] == nil {
				byText[v.Expectation] = &unmet{verdict: v, run: r, line: r.line(i)}
				list = append(list, byText[v.Expectation])
			}
			byText[v.Expectation].runs++
		}
	}
	return list
}

// where says in which runs.
func (u *unmet) where(f *plannedFile) string {
	return fmt.Sprintf("in %d of %s, first %s", u.runs, countRuns(len(f.runs)), u.run.Name)
}

// line is that of an expectation in the scenario file; 0 if it doesn't stand there.
func (r *plannedRun) line(expectation int) int {
	if expectation < len(r.ExpectLines) {
		return r.ExpectLines[expectation]
	}
	return 0
}

// unexpected says of each controller what it meets all of, and is expected to fail.
func (f *plannedFile) unexpected() []string {
	type mark struct {
		entry              int
		controller, metric string
	}
	var marks []mark
	fails := map[mark]bool{}
	for _, r := range f.runs {
		if r.state != finished || r.incomplete() {
			continue
		}
		for i := range r.Scenario.Expect {
			for j := range r.Scenario.ExpectedFail {
				if r.Scenario.KnownFailure(&r.Scenario.Expect[i]) != &r.Scenario.ExpectedFail[j] {
					continue
				}
				m := mark{j, r.Scenario.Congestion.Controller, ""}
				if len(r.Scenario.ExpectedFail[j].Metrics) > 0 {
					m.metric = r.Scenario.Expect[i].Metric
				}
				if _, seen := fails[m]; !seen {
					marks = append(marks, m)
				}
				fails[m] = fails[m] || !r.row.Verdicts[i].Pass
			}
		}
	}
	var texts []string
	for _, m := range marks {
		if k := &f.runs[0].Scenario.ExpectedFail[m.entry]; !fails[m] && !k.Sometimes {
			what := "every expectation"
			if m.metric != "" {
				what = "every " + m.metric
			}
			texts = append(texts, fmt.Sprintf("%s meets %s, which it is expected to fail (%s)", m.controller, what, k.Because))
		}
	}
	return texts
}
