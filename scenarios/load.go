package scenarios

import (
	"os"
	"path/filepath"
	"strconv"

	"gopkg.in/yaml.v3"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/record"
)

// Options change how a scenario file is read.
type Options struct {
	// Set overrides fields: "path=value", with the path and value written as
	// in the matrix. A path that is an axis of the matrix replaces that axis.
	// Later overrides win.
	Set []string
	// Vary adds axes to the matrix: "path=values", with the values as written there. A
	// path that is an axis of the file gets these values instead, the last ones if it
	// stands twice; one that is set isn't varied.
	Vary []string
	// Catalogue checks the names and parameters of controllers; nil doesn't.
	Catalogue Catalogue
}

// File is a scenario file that has been read and checked, and its runs.
type File struct {
	Path  string // as given
	Title string // of the first run
	// Axes of the matrix, without those that were overridden.
	Axes []Axis
	// Runs are all combinations of the axes, the last axis changing fastest;
	// one run if there are no axes.
	Runs []*Run
}

// Run is one variation of a scenario file.
type Run struct {
	// Name is unique in the file and can be the name of a folder, such as
	// delay=50ms,seed=3. It is "default" if the file has no matrix.
	Name string
	File string // path of the file as given
	// Scenario has every default filled in, except where nil has a meaning of
	// its own.
	Scenario *Scenario
	// Variation is what the matrix gave to this run.
	Variation []record.Setting
	// ExpectLines says on which lines of the file the scenario's expectations stand, 0 if
	// they were set from outside.
	ExpectLines []int
	// Resolved is the scenario as YAML. It loads as the same scenario and is
	// the same for the same file and options.
	Resolved string
}

// Error is one thing that is wrong with a scenario file. Its text is one line:
// file:line:column, the field, what is wrong and what would be right.
type Error = strict.Error

// Errors is everything that is wrong with a scenario file, in order of place.
// Its text is one line for each, ten at most.
type Errors = strict.Errors

// Load reads and checks a scenario file and all its runs. What is wrong with
// its content is an [Errors]; other errors come from reading the file.
func Load(path string, opt Options) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, opt)
}

// Parse reads and checks a scenario from memory. name is what errors call it.
// Errors are of type [Errors].
func Parse(name string, data []byte, opt Options) (*File, error) {
	doc, err := strict.Parse(name, data)
	if err != nil {
		return nil, err
	}
	doc.Source.Overrides = opt.given()
	root, matrixKey, matrix := strict.Remove(doc.Root, "matrix")
	overrides, err := readOverrides(doc.Source, root, opt.Set)
	if err != nil {
		return nil, err
	}
	if matrixKey, matrix, err = vary(doc.Source, matrixKey, matrix, opt); err != nil {
		return nil, err
	}
	axes, err := readMatrix(doc.Source, root, matrixKey, matrix, overrides, opt.Catalogue)
	if err != nil {
		return nil, err
	}
	l := loader{src: doc.Source, root: root, axes: axes, overrides: overrides, catalogue: opt.Catalogue}
	runs, err := l.runs()
	if err != nil {
		return nil, err
	}
	f := &File{Path: name, Title: runs[0].Scenario.Title, Runs: runs}
	for i := range axes {
		f.Axes = append(f.Axes, axes[i].public())
	}
	return f, nil
}

// loader makes the runs of a document.
type loader struct {
	src       *strict.Source
	root      *yaml.Node
	axes      []axis
	overrides []override
	catalogue Catalogue
}

// runs decodes and checks every combination. An error that not every run has
// says in which it occurs.
func (l *loader) runs() ([]*Run, error) {
	choices := combinations(l.axes)
	names := runNames(l.axes, choices)
	var runs []*Run
	faults := faultList{byText: map[string]*fault{}, inMatrix: valuePlaces(l.axes)}
	for i, choice := range choices {
		run, errs := l.run(names[i], choice)
		for _, e := range errs {
			faults.add(e, names[i])
		}
		runs = append(runs, run)
	}
	if len(faults.order) > 0 {
		return nil, l.src.Errors(faults.errors(len(choices))...)
	}
	return runs, nil
}

// run makes the run that takes the given value of each axis.
func (l *loader) run(name string, choice []int) (*Run, []*strict.Error) {
	r := &Run{Name: name, File: l.src.Name}
	tree := l.root
	var err error
	for i, a := range l.axes {
		v := a.values[choice[i]]
		if tree, err = strict.Replace(tree, a.path, v.node); err != nil {
			return nil, strict.List(err)
		}
		r.Variation = append(r.Variation, record.Setting{Path: a.path.String(), Value: v.text})
	}
	for _, o := range l.overrides {
		if tree, err = strict.Replace(tree, o.path, o.node); err != nil {
			return nil, strict.List(err)
		}
	}
	tree, errs := unroll(tree)
	if len(errs) > 0 {
		return nil, errs
	}
	s := &Scenario{Dir: filepath.Dir(l.src.Name)}
	places, err := strict.Decode(l.src, tree, s)
	if err != nil {
		return nil, strict.List(err)
	}
	if errs := append(checkMoments(s, places), checkKeying(s, places)...); len(errs) > 0 {
		return nil, errs
	}
	s.complete()
	if errs := check(s, places, l.catalogue); len(errs) > 0 {
		return nil, errs
	}
	r.Scenario = s
	for i := range s.Expect {
		r.ExpectLines = append(r.ExpectLines, places.Value(at("expect", i)).Line)
	}
	r.Resolved = strict.Encode(s)
	return r, nil
}

// unroll replaces ranges by copies, with the numbers that the document names.
func unroll(tree *yaml.Node) (*yaml.Node, []*strict.Error) {
	numbers := map[string]int{}
	if _, _, let := strict.Remove(tree, "let"); let != nil {
		for i := 0; i+1 < len(let.Content); i += 2 {
			if n, err := strconv.Atoi(let.Content[i+1].Value); err == nil {
				numbers[let.Content[i].Value] = n
			}
		}
	}
	return strict.Unroll(tree, numbers)
}
