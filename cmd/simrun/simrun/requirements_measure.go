package simrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/rfc8836"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
)

// answers are requirements with what is measured of them.
type answers struct {
	controllers []string
	answers     []*answer
	runs        []*answerRun
}

// answer is a requirement of RFC 8836. In the output of --json it is an object.
type answer struct {
	ID      string          `json:"id"`
	Text    string          `json:"requirement"`
	Figures []*answerFigure `json:"figures"`
	Tests   []string        `json:"tests"`
	Note    string          `json:"note,omitempty"`
}

// answerFigure is what is measured by one expectation.
type answerFigure struct {
	What        string        `json:"what"`
	Scenario    string        `json:"scenario"` // path of the file
	Set         []string      `json:"set"`
	Metric      string        `json:"metric"`
	Expectation string        `json:"expectation"` // as a sentence
	Values      []answerValue `json:"values"`

	figure rfc8836.Figure
	expect *scenarios.Expect
}

// answerValue is what was measured with one controller.
type answerValue struct {
	Controller string  `json:"controller"`
	Value      float64 `json:"value"`
	Unit       string  `json:"unit"`
	Pass       bool    `json:"pass"`
	Known      string  `json:"known,omitempty"`   // why it was expected not to pass, if it didn't
	Problem    string  `json:"problem,omitempty"` // why there is no value
}

// answerRun is a run of a scenario with a controller, and the figures that come out of it.
type answerRun struct {
	run        *scenarios.Run // nil if the controller can't be in this scenario
	problem    string         // why it can't
	controller int            // place among the controllers
	figures    []*answerFigure
}

// planAnswers finds the scenarios and expectations of requirements. An error is about the
// library; that a controller can't be used in a scenario isn't one.
func planAnswers(list []rfc8836.Requirement, library string, controllers []string, seed uint64) (*answers, error) {
	a := &answers{controllers: controllers}
	planned := map[string]*answerScenario{}
	var errs []error
	for _, r := range list {
		out := &answer{ID: r.ID, Text: r.Text, Figures: []*answerFigure{}, Tests: append([]string{}, r.Tests...), Note: r.Note}
		a.answers = append(a.answers, out)
		for _, f := range r.Figures {
			key := f.String()
			if planned[key] == nil {
				scenario, err := a.load(f.Variation, library, seed)
				if err != nil {
					errs, scenario = append(errs, err), &answerScenario{}
				}
				planned[key] = scenario
				a.runs = append(a.runs, scenario.runs...)
			}
			if planned[key].any == nil {
				continue // it couldn't be loaded
			}
			figure, err := planned[key].figure(f)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			out.Figures = append(out.Figures, figure)
		}
	}
	return a, errors.Join(errs...)
}

// answerScenario is a variation of a scenario with any controller, and its run with each.
type answerScenario struct {
	any  *scenarios.Run
	runs []*answerRun
}

// load reads a variation and its run with every controller.
func (a *answers) load(v rfc8836.Variation, library string, seed uint64) (*answerScenario, error) {
	path := filepath.Join(library, filepath.FromSlash(v.File))
	set := slices.Concat(v.Set, []string{"seed=" + strconv.FormatUint(seed, 10), "protection=size-only"})
	f, err := scenarios.Load(path, scenarios.Options{Set: set, Catalogue: runner.Catalogue{}})
	if err != nil {
		return nil, err
	}
	out := &answerScenario{any: f.Runs[0]}
	for i, c := range a.controllers {
		with := append(slices.Clone(set), "congestion.controller="+c)
		if s, _ := ccontrol.Lookup(c); s.Needs == ccontrol.NeedsEstimate {
			with = append(with, "congestion.feedback=remb")
		}
		r := &answerRun{controller: i}
		f, err := scenarios.Load(path, scenarios.Options{Set: with, Catalogue: runner.Catalogue{}})
		switch {
		case err != nil:
			r.problem = firstLine(err.Error())
		case len(f.Runs) != 1:
			return nil, fmt.Errorf("%s: %s has %d runs with %s, not one", path, v, len(f.Runs), c)
		default:
			r.run = f.Runs[0]
		}
		out.runs = append(out.runs, r)
	}
	return out, nil
}

// figure adds a figure to what comes out of the scenario's runs.
func (s *answerScenario) figure(f rfc8836.Figure) (*answerFigure, error) {
	i, err := f.Expectation(s.any.Scenario)
	if err != nil {
		return nil, err
	}
	out := &answerFigure{
		What: f.What, Scenario: s.any.File, Set: append([]string{}, f.Set...), Metric: f.Metric,
		Values: make([]answerValue, len(s.runs)), figure: f, expect: &s.any.Scenario.Expect[i],
	}
	out.Expectation = out.expect.String()
	for _, r := range s.runs {
		r.figures = append(r.figures, out)
	}
	return out, nil
}

// measure does all runs, as many at the same time as jobs says.
func (a *answers) measure(ctx context.Context, stderr io.Writer, jobs int) error {
	errs := make([]error, len(a.runs))
	inParallelShown(newCounter(stderr, len(a.runs), "runs"), jobs, len(a.runs), func(i int) {
		if ctx.Err() == nil {
			errs[i] = a.do(ctx, a.runs[i])
		}
	})
	return errors.Join(errs...)
}

// do does one run and gives its figures their values. Each run writes to values of its own.
func (a *answers) do(ctx context.Context, r *answerRun) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("internal error: %v\nin %s with %s\n%s", v, r.figures[0].Scenario, a.controllers[r.controller], debug.Stack())
		}
	}()
	var verdicts []record.Verdict
	if r.run != nil {
		rec, err := runner.Run(ctx, r.run, runner.Options{Version: Version})
		if err != nil {
			return fmt.Errorf("%s: %w", r.run.File, err)
		}
		verdicts = rec.Verdicts
	}
	for _, f := range r.figures {
		v := answerValue{Controller: a.controllers[r.controller], Problem: r.problem}
		if r.run != nil {
			i, err := f.figure.Expectation(r.run.Scenario)
			if err != nil {
				return err
			}
			x := &verdicts[i]
			v.Value, v.Unit, v.Pass, v.Known, v.Problem = x.Value, x.Unit, x.Pass, x.Known, x.Problem
		}
		f.Values[r.controller] = v
	}
	return nil
}

// met counts for a controller the figures within their bounds, and all that have a value.
func (a *answers) met(controller int) (met, all int) {
	for _, q := range a.answers {
		for _, f := range q.Figures {
			v := &f.Values[controller]
			if v.Problem != "" {
				continue
			}
			all++
			if v.Pass {
				met++
			}
		}
	}
	return met, all
}

// bound writes what the scenario expects, such as "≥ 85%".
func (f *answerFigure) bound() string {
	var parts []string
	if f.expect.Min != nil {
		parts = append(parts, "≥ "+*f.expect.Min)
	}
	if f.expect.Max != nil {
		parts = append(parts, "≤ "+*f.expect.Max)
	}
	if f.expect.Equal != nil {
		parts = append(parts, *f.expect.Equal)
	}
	return strings.Join(parts, ", ")
}
