package simrun

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
	"rtpfabric/topologies"
)

// addJSON adds the flag by which a command prints for programs.
func addJSON(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print as JSON")
}

// jsonController is a rate controller in listings.
type jsonController struct {
	Name       string          `json:"name"`
	Summary    string          `json:"summary"`
	Source     string          `json:"source"`
	Needs      string          `json:"needs,omitempty"`
	Baseline   bool            `json:"baseline"`
	Parameters []jsonParameter `json:"parameters"`
	Signals    []jsonSignal    `json:"signals"`
}

type jsonParameter struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Default string `json:"default"`
	// Min and Max bound numbers, and durations in seconds.
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
	Choices []string `json:"choices,omitempty"`
	Help    string   `json:"help"`
	Source  string   `json:"source"`
}

type jsonSignal struct {
	Name   string `json:"name"`
	Unit   string `json:"unit"`
	Help   string `json:"help"`
	Source string `json:"source"`
	// Receiver says that the receiver's half of the controller shows it.
	Receiver bool `json:"receiver"`
}

func jsonControllerOf(spec *ccontrol.Spec) jsonController {
	j := jsonController{
		Name: spec.Name, Summary: spec.Summary, Source: spec.Source, Needs: string(spec.Needs), Baseline: spec.Baseline,
		Parameters: []jsonParameter{}, Signals: []jsonSignal{},
	}
	for i := range spec.Parameters {
		p := &spec.Parameters[i]
		out := jsonParameter{Name: p.Name, Kind: string(p.Kind), Default: p.Default, Choices: p.Choices, Help: p.Help, Source: p.Source}
		if p.Max != 0 {
			out.Min, out.Max = &p.Min, &p.Max
		} else if p.Min != 0 {
			out.Min = &p.Min
		}
		j.Parameters = append(j.Parameters, out)
	}
	for _, half := range []struct {
		signals  []ccontrol.Signal
		receiver bool
	}{{spec.Signals, false}, {spec.EstimatorSignals, true}} {
		for _, g := range half.signals {
			j.Signals = append(j.Signals, jsonSignal{g.Name, g.Unit, g.Help, g.Source, half.receiver})
		}
	}
	return j
}

// jsonMetric is a metric in listings.
type jsonMetric struct {
	Name    string `json:"name"`
	Key     string `json:"key"` // of an expectation, that says where it is measured
	Unit    string `json:"unit"`
	Example string `json:"example"` // of a bound
	Help    string `json:"help"`
}

func jsonMetricOf(m *scenarios.MetricInfo) jsonMetric {
	return jsonMetric{m.Name, m.Of, unitName(m.Unit), m.Example, m.Doc}
}

// jsonField is a field of scenarios.
type jsonField struct {
	Path    string   `json:"path"`
	Help    string   `json:"help"`
	Kind    string   `json:"kind,omitempty"`
	Default string   `json:"default,omitempty"`
	Values  []string `json:"values,omitempty"`
	Example string   `json:"example,omitempty"`
	Fields  []string `json:"fields,omitempty"`
}

// jsonMeanings is all that a name means.
type jsonMeanings struct {
	Metrics     []jsonMetric     `json:"metrics"`
	Controllers []jsonController `json:"controllers"`
	Fields      []jsonField      `json:"fields"`
}

func jsonMeaningsOf(name string) (m jsonMeanings, known bool) {
	m = jsonMeanings{[]jsonMetric{}, []jsonController{}, []jsonField{}}
	for _, metric := range scenarios.Metrics() {
		if metric.Name == name {
			m.Metrics = append(m.Metrics, jsonMetricOf(&metric))
		}
	}
	if spec, ok := ccontrol.Lookup(name); ok {
		m.Controllers = append(m.Controllers, jsonControllerOf(&spec))
	}
	for _, f := range scenarios.Fields(name) {
		m.Fields = append(m.Fields, jsonField{f.Path, f.About, f.Kind, f.Default, f.Values, f.Example, f.Fields})
	}
	return m, len(m.Metrics)+len(m.Controllers)+len(m.Fields) > 0
}

// jsonInterceptor is a part of pion's stack in listings.
type jsonInterceptor struct {
	Type    string       `json:"type"`
	Help    string       `json:"help"`
	Options []jsonOption `json:"options"`
}

type jsonOption struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	Help    string `json:"help"`
}

func jsonInterceptors() []jsonInterceptor {
	list := []jsonInterceptor{}
	for _, k := range topologies.InterceptorKinds() {
		j := jsonInterceptor{k.Name, k.Help, []jsonOption{}}
		for _, o := range k.Options {
			j.Options = append(j.Options, jsonOption{o.Name, o.Default, o.Help})
		}
		list = append(list, j)
	}
	return list
}

// jsonScenario is a scenario file in listings.
type jsonScenario struct {
	File      string `json:"file"`
	Title     string `json:"title"`
	Reference string `json:"reference,omitempty"`
	Runs      int    `json:"runs"`
}

func jsonScenarioOf(f *scenarios.File) jsonScenario {
	return jsonScenario{f.Path, f.Title, f.Runs[0].Scenario.Reference, len(f.Runs)}
}

// jsonCheck is what has been found in scenario files.
type jsonCheck struct {
	OK       bool           `json:"ok"`
	Files    []jsonScenario `json:"files"` // that can be run
	Problems []jsonProblem  `json:"problems"`
	Warnings []jsonProblem  `json:"warnings"`
}

// jsonProblem is something wrong in a file; Line and Column are 0 if it has no place.
type jsonProblem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Flag    string `json:"flag,omitempty"` // that has set what is wrong, instead of the file
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

func jsonCheckOf(files []*scenarios.File, err error) jsonCheck {
	j := jsonCheck{OK: err == nil, Files: []jsonScenario{}, Problems: problemsOf(err), Warnings: []jsonProblem{}}
	for _, f := range files {
		j.Files = append(j.Files, jsonScenarioOf(f))
	}
	for _, w := range warningsOf(files) {
		j.Warnings = append(j.Warnings, jsonProblem{File: w.file, Message: w.text})
	}
	return j
}

// problemsOf takes an error of scenario files apart.
func problemsOf(err error) []jsonProblem {
	list := []jsonProblem{}
	if err == nil {
		return list
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			list = append(list, problemsOf(e)...)
		}
		return list
	}
	if e, ok := errors.AsType[*scenarios.Error](err); ok {
		p := jsonProblem{File: e.Source.Name, Line: e.Place.Line, Column: e.Place.Column, Field: e.Path.String(), Message: e.Problem, Remedy: e.Remedy}
		if e.Place.Override > 0 {
			p.Flag, p.Line, p.Column = e.Source.String(e.Place), 0, 0
		}
		return append(list, p)
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return append(list, jsonProblem{File: filepath.ToSlash(e.Path), Message: e.Err.Error()})
	}
	return append(list, jsonProblem{Message: err.Error()})
}
