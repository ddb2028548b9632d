package plots

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Comparison is what a comparison page shows: runs side by side, of one call of the command or of several folders of
// results.
type Comparison struct {
	Command string // that makes the runs or the page again; optional
	Version string // of the program
	Runs    []ComparedRun
	// Changes are what statistics say of two folders; nil if there aren't two.
	Changes *Changes
}

// ComparedRun is a run on a comparison page. Its Link is relative to that page.
type ComparedRun struct {
	Run
	// Results is what its folder of results is called, if there are several.
	Results string
	// Folder is that of its record.
	Folder string
}

// Changes is the table of statistics about two folders of results.
type Changes struct {
	A, B   string // labels of the folders, the older one first
	Result string // in a sentence
	Notes  []string
	Groups []ChangeGroup
}

// ChangeGroup is what has changed in runs that differ in the seed alone.
type ChangeGroup struct {
	Title string
	Notes []string
	// Rows are cells as texts, after the headings: verdict, figure, A, B, change, interval, effect, probability.
	Headings []string
	Rows     [][]string
}

// resultsAxis is the name of the axis of folders.
const resultsAxis = "results"

// comparisonAxis is something in which runs differ, other than scenario and seed.
type comparisonAxis struct {
	Path   string   `json:"path"`
	Name   string   `json:"name"`
	Values []string `json:"values"` // in the order of the runs, baselines last
	// Baselines are how many values at the end control nothing.
	Baselines int `json:"baselines"`
}

// comparisonData is what the page's script draws from.
type comparisonData struct {
	Axes      []comparisonAxis     `json:"axes"`
	Scenarios []comparisonScenario `json:"scenarios"`
	Measures  []comparisonMeasure  `json:"measures"`
	Runs      []comparisonRun      `json:"runs"`
}

type comparisonScenario struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	file  string
}

type comparisonMeasure struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Unit   string `json:"unit"`
	Doc    string `json:"doc"`
	Higher bool   `json:"higher"` // is better
}

type comparisonRun struct {
	Scenario int      `json:"s"`
	Axes     []int    `json:"a"` // value of each axis, -1 for none
	Seed     uint64   `json:"seed"`
	Outcome  string   `json:"o"`
	Met      int      `json:"met"`
	Judged   int      `json:"of"`
	Name     string   `json:"n"`
	Link     string   `json:"l,omitempty"`
	Folder   string   `json:"f,omitempty"` // if there is no link
	Values   []figure `json:"v"`           // one per measure
}

// figure is a number with five significant digits; NaN is null.
type figure float64

// MarshalJSON writes the number as short as it is.
func (f figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	v, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', 5, 64), 64)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

type comparisonPage struct {
	Title, Command, Version string
	Style                   template.CSS
	Scripts                 []template.JS
	Banner                  verdictBanner
	Data                    template.JS
	Measures                []comparisonMeasure
	Changes                 *Changes
}

// Compare writes one self-contained HTML page that puts runs side by side. Errors are those of w.
func Compare(w io.Writer, c Comparison) error {
	data := newComparisonData(c.Runs)
	text, err := json.Marshal(data) // escapes <, > and &, so that it can stand in a script element
	if err != nil {
		return fmt.Errorf("comparison page: %w", err)
	}
	runs := make([]Run, len(c.Runs))
	for i := range c.Runs {
		runs[i] = c.Runs[i].Run
	}
	page := comparisonPage{
		Title: data.title(len(runs)), Command: c.Command, Version: c.Version,
		Style: template.CSS(styles + comparisonStyles), Scripts: []template.JS{template.JS(pageScript), template.JS(chartScript), template.JS(comparisonScript)},
		Data: template.JS(text), Measures: data.Measures, Changes: c.Changes,
	}
	page.Banner, _ = tally(runs)
	if err := templates.ExecuteTemplate(w, "comparison.html", page); err != nil {
		return fmt.Errorf("comparison page: %w", err)
	}
	return nil
}

// Comparable reports whether runs differ in anything but scenario and seed, so that there is something to compare.
func Comparable(runs []ComparedRun) bool { return len(axesOf(runs)) > 0 }

func newComparisonData(runs []ComparedRun) comparisonData {
	d := comparisonData{ // [] rather than null
		Axes: append([]comparisonAxis{}, axesOf(runs)...), Scenarios: append([]comparisonScenario{}, scenariosOf(runs)...),
		Measures: []comparisonMeasure{}, Runs: []comparisonRun{},
	}
	values := make([][]float64, len(runs))
	has := make([]bool, len(measures))
	for i := range runs {
		s := newSummaryOf(&runs[i].Run)
		for k, m := range measures {
			v := m.of(s)
			values[i] = append(values[i], v)
			has[k] = has[k] || !math.IsNaN(v) && !math.IsInf(v, 0)
		}
	}
	for k, m := range measures {
		if has[k] {
			d.Measures = append(d.Measures, comparisonMeasure{m.id, m.name, m.unit, m.doc, m.higher})
		}
	}
	for i := range runs {
		run := d.run(&runs[i])
		for k, v := range values[i] {
			if has[k] {
				run.Values = append(run.Values, figure(v))
			}
		}
		d.Runs = append(d.Runs, run)
	}
	return d
}

func (d *comparisonData) run(r *ComparedRun) comparisonRun {
	run := comparisonRun{
		Scenario: slices.IndexFunc(d.Scenarios, func(s comparisonScenario) bool { return s.file == r.Scenario }),
		Seed:     r.Seed, Outcome: r.outcome(), Judged: len(r.Verdicts), Name: r.Name, Link: r.Link, Values: []figure{},
	}
	if r.Link == "" {
		run.Folder = r.Folder
	}
	for _, v := range r.Verdicts {
		if v.Pass {
			run.Met++
		}
	}
	for _, axis := range d.Axes {
		run.Axes = append(run.Axes, slices.Index(axis.Values, r.on(axis.Path)))
	}
	return run
}

// on returns what a run has on an axis; the empty string if nothing, which no value is.
func (r *ComparedRun) on(axis string) string {
	if axis == resultsAxis {
		return r.Results
	}
	for _, s := range r.Variation {
		if s.Path == axis {
			return s.Value
		}
	}
	return ""
}

// axesOf returns in what runs differ: folders of results first, then controllers, then the rest in the order of the
// runs.
func axesOf(runs []ComparedRun) []comparisonAxis {
	paths := []string{resultsAxis}
	for i := range runs {
		for _, s := range withoutSeed(runs[i].Variation) {
			if !slices.Contains(paths, s.Path) {
				paths = append(paths, s.Path)
			}
		}
	}
	slices.SortStableFunc(paths[1:], func(a, b string) int { return controllersFirst(a) - controllersFirst(b) })
	var axes []comparisonAxis
	for _, p := range paths {
		axis := comparisonAxis{Path: p, Name: shortPath(p, paths)}
		var last []string // baselines
		without := false
		for i := range runs {
			value := runs[i].on(p)
			switch {
			case value == "":
				without = true
			case slices.Contains(axis.Values, value) || slices.Contains(last, value):
			case runs[i].Baseline && controllersFirst(p) == 0:
				last = append(last, value)
			default:
				axis.Values = append(axis.Values, value)
			}
		}
		axis.Baselines = len(last)
		axis.Values = append(axis.Values, last...)
		if n := len(axis.Values); n > 1 || n == 1 && without {
			axes = append(axes, axis)
		}
	}
	return axes
}

// controllersFirst is 0 for the path of a controller, else 1.
func controllersFirst(p string) int {
	if p == "controller" || strings.HasSuffix(p, ".controller") {
		return 0
	}
	return 1
}

// scenariosOf names scenarios by their files, with as much of their folders as tells them apart.
func scenariosOf(runs []ComparedRun) []comparisonScenario {
	var list []comparisonScenario
	for i := range runs {
		file := runs[i].Scenario
		if !slices.ContainsFunc(list, func(s comparisonScenario) bool { return s.file == file }) {
			list = append(list, comparisonScenario{Title: runs[i].Title, file: file})
		}
	}
	for i := range list {
		for depth := 1; ; depth++ {
			name := endOf(list[i].file, depth)
			same := slices.ContainsFunc(list, func(s comparisonScenario) bool { return s.file != list[i].file && endOf(s.file, depth) == name })
			if !same || name == endOf(list[i].file, depth+1) {
				list[i].Name = name
				break
			}
		}
	}
	return list
}

// endOf is the last parts of a file's path, without extension.
func endOf(file string, parts int) string {
	file = strings.ReplaceAll(file, `\`, "/")
	if ext := strings.ToLower(path.Ext(file)); ext == ".yaml" || ext == ".yml" {
		file = file[:len(file)-len(ext)]
	}
	all := strings.Split(file, "/")
	return strings.Join(all[max(0, len(all)-parts):], "/")
}

// title says what is compared in a few words.
func (d *comparisonData) title(runs int) string {
	where := pluralize(len(d.Scenarios), "scenario", "scenarios")
	if len(d.Scenarios) == 1 && d.Scenarios[0].Title != "" {
		where = d.Scenarios[0].Title
	}
	if len(d.Axes) == 0 {
		return fmt.Sprintf("%s of %s", pluralize(runs, "run", "runs"), where)
	}
	axis := d.Axes[0]
	if n := len(axis.Values); n > 1 && n <= 6 {
		return fmt.Sprintf("%s and %s: %s", strings.Join(axis.Values[:n-1], ", "), axis.Values[n-1], where)
	}
	return fmt.Sprintf("%s of %s: %s", pluralize(len(axis.Values), "value", "values"), axis.Name, where)
}

// changeClass is the style of a row about a change, by its verdict.
func changeClass(row []string) string {
	switch row[0] {
	case "regression":
		return outcomeFail
	case "improvement":
		return outcomePass
	}
	return outcomeNone
}
