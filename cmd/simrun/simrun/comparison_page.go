package simrun

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"rtpfabric/plots"
	"rtpfabric/scenarios/compare"
	"rtpfabric/sim/record"
)

// comparisonFile is the page that puts all runs of a call side by side, in the folder for results.
const comparisonFile = "comparison.html"

// writeComparison writes the page about all runs of a plan, if they differ in anything but scenario and seed. It returns
// its path, or nothing.
func writeComparison(plan []*plannedFile, o *runOptions) (string, error) {
	var runs []plots.ComparedRun
	for _, f := range plan {
		for _, r := range f.runs {
			row := plots.ComparedRun{Run: r.row, Folder: r.folder}
			if r.row.Link != "" {
				row.Link = linkTo(o.out, r.folder)
			}
			runs = append(runs, row)
		}
	}
	if !plots.Comparable(runs) {
		return "", nil
	}
	page := filepath.Join(o.out, comparisonFile)
	return page, replaceFile(page, func(f *os.File) error {
		return plots.Compare(f, plots.Comparison{Command: repeatAll(plan, o), Version: Version, Runs: runs})
	})
}

// repeatAll returns the command that repeats all runs of a plan.
func repeatAll(plan []*plannedFile, o *runOptions) string {
	words := []string{"simrun", "run"}
	for _, f := range plan {
		words = append(words, f.Path)
	}
	for _, v := range o.vary {
		words = append(words, "--vary", v)
	}
	for _, s := range o.set {
		words = append(words, "--set", s)
	}
	return shellCommand(words)
}

// linkTo returns the relative address of a run's page, seen from a page in a folder.
func linkTo(from, folder string) string { return address(from, filepath.Join(folder, pageFile)) }

// address is that of a file relative to a folder. Names of files can be anything, so all of it is escaped.
func address(from, file string) string {
	a, err := filepath.Abs(from)
	b, err2 := filepath.Abs(file)
	if errors.Join(err, err2) != nil {
		a, b = from, file
	}
	rel, err := filepath.Rel(a, b)
	if err != nil { // on another drive
		return (&url.URL{Scheme: "file", Path: "/" + filepath.ToSlash(b)}).String()
	}
	return (&url.URL{Path: filepath.ToSlash(rel)}).String()
}

// resultsFolder is one of several that a comparison page puts side by side.
type resultsFolder struct {
	path, label string
}

// labelled names folders by as many of their last parts as tell them apart.
func labelled(paths []string) ([]resultsFolder, error) {
	var list []resultsFolder
	for i, p := range paths {
		for _, other := range paths[:i] {
			if filepath.Clean(p) == filepath.Clean(other) {
				return nil, fmt.Errorf("%s: this folder is named twice", p)
			}
		}
		last := func(path string, n int) string {
			all := strings.Split(filepath.ToSlash(filepath.Clean(path)), "/")
			return strings.Join(all[max(0, len(all)-n):], "/")
		}
		n := 1
		for n < maxDepth && slices.ContainsFunc(paths, func(other string) bool { return other != p && last(other, n) == last(p, n) }) {
			n++
		}
		list = append(list, resultsFolder{p, last(p, n)})
	}
	return list, nil
}

// comparedRuns reads the heads of all records in folders, for a page in another. Records that can't be read are left
// out, and returned with why; a folder without any record is an error.
func comparedRuns(folders []resultsFolder, from string) (runs []plots.ComparedRun, out []leftOut, err error) {
	for _, f := range folders {
		records, err := recordsIn(f.path)
		if err != nil {
			return nil, nil, err
		}
		if len(records) == 0 {
			return nil, nil, fmt.Errorf("%s: there is no record of a run in this folder", f.path)
		}
		rows := make([]plots.ComparedRun, len(records))
		problems := make([]error, len(records))
		inParallel(runtime.GOMAXPROCS(0), len(records), func(i int) {
			var rec *record.Record
			if rec, problems[i] = record.ReadOnly(records[i], record.SummaryFile, record.VerdictsFile); problems[i] != nil {
				return
			}
			rows[i] = plots.ComparedRun{Run: rowOf(rec, ""), Folder: records[i]}
			if len(folders) > 1 {
				rows[i].Results = f.label
			}
			if _, err := os.Stat(filepath.Join(records[i], pageFile)); err == nil {
				rows[i].Link = linkTo(from, records[i])
			}
		})
		for i, problem := range problems {
			if problem != nil {
				out = append(out, leftOut{records[i], firstLine(problem.Error())})
				continue
			}
			runs = append(runs, rows[i])
		}
	}
	if len(runs) == 0 {
		return nil, nil, fmt.Errorf("%s: %s", out[0].Folder, out[0].Problem)
	}
	if len(folders) > 1 {
		shareNames(runs)
	}
	return runs, out, nil
}

// shareNames gives the scenarios of several folders of results the same names if they are those of the same files, which
// may be in another copy of the source.
func shareNames(runs []plots.ComparedRun) {
	var sides [][]*storedRun
	labels := map[string]int{}
	for _, r := range runs {
		if _, known := labels[r.Results]; !known {
			labels[r.Results] = len(sides)
			sides = append(sides, nil)
		}
		i := labels[r.Results]
		sides[i] = append(sides[i], &storedRun{Record: &record.Record{Manifest: record.Manifest{Scenario: r.Scenario}}})
	}
	names := scenarioNames(sides...)
	for i := range runs {
		if name, known := names[runs[i].Scenario]; known {
			runs[i].Scenario = name
		}
	}
}

// writeComparisonOf writes the page about folders of results. changes is what statistics say of two of them, or nil.
func writeComparisonOf(page string, folders []resultsFolder, command string, changes *plots.Changes) ([]leftOut, error) {
	runs, out, err := comparedRuns(folders, filepath.Dir(page))
	if err != nil {
		return out, badInput(err)
	}
	err = replaceFile(page, func(f *os.File) error {
		return plots.Compare(f, plots.Comparison{Command: command, Version: Version, Runs: runs, Changes: changes})
	})
	if err != nil {
		return out, badInput(fmt.Errorf("the page can't be written: %w", err))
	}
	return out, nil
}

// changes is a comparison for a page.
func (c *comparison) changes(a, b string, o *compareOptions) *plots.Changes {
	p := &plots.Changes{A: a, B: b, Result: c.result(), Notes: []string{c.counts() + "."}}
	for _, g := range c.groups {
		if g.identical() {
			continue
		}
		group := plots.ChangeGroup{Title: g.title() + ": " + g.seeds(), Notes: g.notes(c), Headings: figureHeadings}
		hidden := 0
		for _, f := range g.figures {
			if f.decision.Verdict == compare.Same && !o.all {
				hidden++
				continue
			}
			cells := f.cells()
			cells[0] = string(f.decision.Verdict)
			group.Rows = append(group.Rows, cells)
		}
		if text := unchanged(hidden, o); text != "" {
			group.Notes = append(group.Notes, text)
		}
		p.Groups = append(p.Groups, group)
	}
	for _, line := range c.alone() {
		if line = strings.TrimSpace(line); line != "" {
			p.Notes = append(p.Notes, line)
		}
	}
	return p
}
