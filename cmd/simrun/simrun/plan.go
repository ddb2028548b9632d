package simrun

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/plots"
	"rtpfabric/scenarios"
	"rtpfabric/sim/record"
)

// plannedFile is a scenario file and the folder of its results.
type plannedFile struct {
	*scenarios.File
	folder string
	runs   []*plannedRun
}

// plannedRun is a run, where its record goes, and what became of it.
type plannedRun struct {
	*scenarios.Run
	folder string

	state runState
	// row is what remains of the record in memory.
	row plots.Run
	// began and took are by the wall clock.
	began time.Time
	took  time.Duration
	// reached is how far it came in virtual time.
	reached time.Duration
	// kept says that the record is that of an earlier call.
	kept bool
	// events are what happened, if the user wants to know.
	events  []record.Event
	packets uint64
	// inputs are the files that the run reads besides the scenario's.
	inputs []input
}

// runState says how far a run came.
type runState uint8

const (
	notRun    runState = iota
	finished           // or interrupted: see row.Status
	broken             // by an internal error: see row.Problem
	unwritten          // ran, but its record couldn't be written
)

func (r *plannedRun) failed() bool {
	if r.state != finished {
		return false
	}
	return slices.ContainsFunc(r.row.Verdicts, func(v record.Verdict) bool { return v.Failed() })
}

// baseline reports whether the run's controller is there for comparison only,
// and a failure counts for nothing: that of a matrix which names it among
// others.
func (r *plannedRun) baseline() bool { return baseline(r.Variation) }

func baseline(variation []record.Setting) bool {
	for _, v := range variation {
		if spec, ok := ccontrol.Lookup(v.Value); ok && spec.Baseline && scenarios.IsController(v.Path) {
			return true
		}
	}
	return false
}

// rowOf is the line of an overview about a record.
func rowOf(rec *record.Record, link string) plots.Run {
	row := plots.RunOf(rec, link)
	row.Baseline = baseline(row.Variation)
	return row
}

// settle takes what remains of the run's record, which is there now.
func (r *plannedRun) settle(rec *record.Record, o *runOptions) {
	link := ""
	if !o.noPage {
		link = r.link()
	}
	r.row = rowOf(rec, link)
	r.reached = rec.Manifest.Reached
	if o.verbose {
		r.events, r.packets = rec.Events, rec.Manifest.Packets
	}
	r.state = finished
}

// link is that of an overview to the run's page.
func (r *plannedRun) link() string {
	return filepath.ToSlash(filepath.Join(filepath.Base(r.folder), pageFile))
}

func (r *plannedRun) incomplete() bool {
	return r.state == finished && r.row.Status == record.Incomplete
}

// met returns how many expectations are met.
func (r *plannedRun) met() int {
	n := 0
	for _, v := range r.row.Verdicts {
		if v.Pass {
			n++
		}
	}
	return n
}

// makePlan gives every run its folder beneath out, and checks that all of them
// can be written before anything runs.
func makePlan(files []*scenarios.File, out string) ([]*plannedFile, error) {
	names, err := folderNames(files)
	if err != nil {
		return nil, err
	}
	var plan []*plannedFile
	var errs []error
	digests := map[string]string{}
	for i, f := range files {
		p := &plannedFile{File: f, folder: filepath.Join(out, names[i])}
		for _, r := range f.Runs {
			run := &plannedRun{Run: r, folder: filepath.Join(p.folder, r.Name), inputs: inputsOf(r.Scenario, digests)}
			run.row = plots.Run{
				Scenario: r.File, Title: r.Scenario.Title, Name: r.Name,
				Variation: r.Variation, Seed: r.Scenario.Seed, Problem: "not run: interrupted",
			}
			errs = append(errs, replaceable(run.folder))
			p.runs = append(p.runs, run)
		}
		plan = append(plan, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fmt.Errorf("the folder for results can't be made: %w", err)
	}
	return plan, nil
}

// folderNames returns for each file its name without extension; of files that
// share one, with as many of the folders before it as tell them apart.
func folderNames(files []*scenarios.File) ([]string, error) {
	var names []string
	users := map[string]string{} // files by name, without regard to case
	for i, f := range files {
		depth := 1
		for sharesName(files, i, depth) && depth <= strings.Count(f.Path, string(filepath.Separator)) {
			depth++
		}
		name := nameOf(f.Path, depth)
		if other, ok := users[strings.ToLower(name)]; ok {
			return nil, fmt.Errorf("%s: its results would go to the same folder as those of %s, %s: run them apart, each with its own --out", f.Path, other, name)
		}
		users[strings.ToLower(name)] = f.Path
		names = append(names, name)
	}
	return names, nil
}

func sharesName(files []*scenarios.File, self, depth int) bool {
	for i, f := range files {
		if i != self && strings.EqualFold(nameOf(f.Path, depth), nameOf(files[self].Path, depth)) {
			return true
		}
	}
	return false
}

// nameOf joins the last parts of a path, without extension.
func nameOf(path string, parts int) string {
	path = filepath.Clean(path)
	all := strings.Split(strings.TrimSuffix(path, filepath.Ext(path)), string(filepath.Separator))
	return strings.TrimLeft(strings.Join(all[max(0, len(all)-parts):], "-"), ".-")
}

// replaceable returns an error if a folder holds anything but a record.
func replaceable(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("the result can't go there: %w", err)
	case len(entries) == 0:
		return nil
	}
	if _, err := os.Stat(filepath.Join(folder, record.ManifestFile)); err != nil {
		return fmt.Errorf("%s: has files but no record of a run: choose another --out or empty it", folder)
	}
	return nil
}
