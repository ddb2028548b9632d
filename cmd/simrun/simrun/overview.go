package simrun

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"rtpfabric/plots"
)

// keyMetrics stand beside the verdicts of runs, in tables and on overviews.
var keyMetrics = []struct {
	plots.KeyMetric
	heading string
}{
	{plots.KeyMetric{Metric: "utilization", Stat: "mean"}, "utilization"},
	{plots.KeyMetric{Metric: "queue-delay", Stat: "p95"}, "queue p95"},
	{plots.KeyMetric{Metric: "loss", Stat: "mean"}, "loss"},
	{plots.KeyMetric{Metric: "frame-delay", Stat: "p95"}, "frame p95"},
}

// pagesAbout are the pages that a call has written about several runs; those that aren't there are empty.
type pagesAbout struct{ comparison, index string }

// writePages writes the overviews of scenarios, the comparison of all runs, and the index of the folder for results.
func writePages(stderr io.Writer, plan []*plannedFile, o *runOptions) (pagesAbout, error) {
	var about pagesAbout
	if err := writeOverviews(plan, o); err != nil {
		return about, err
	}
	var err error
	if about.comparison, err = writeComparison(plan, o); err != nil {
		return about, err
	}
	about.index, err = writeIndex(o.out)
	if errors.Is(err, errForeign) {
		fmt.Fprintf(stderr, "simrun: no index is written: %v\n", err)
		err = nil
	}
	return about, err
}

// main is the page that somebody would look at first: that of the only run, the comparison, the overview of the only
// scenario, or else the index.
func (about pagesAbout) main(plan []*plannedFile) string {
	if len(plan) == 1 && len(plan[0].runs) == 1 && plan[0].runs[0].row.Link != "" {
		return filepath.Join(plan[0].runs[0].folder, pageFile)
	}
	if about.comparison != "" {
		return about.comparison
	}
	if len(plan) == 1 && slices.ContainsFunc(plan[0].runs, func(r *plannedRun) bool { return r.row.Link != "" }) {
		return filepath.Join(plan[0].folder, pageFile)
	}
	return about.index
}

// writeOverviews writes a page about all runs of each scenario of which a run
// left a record.
func writeOverviews(plan []*plannedFile, o *runOptions) error {
	var errs []error
	for _, f := range plan {
		inv := plots.Invocation{Title: f.Title, Command: repeat(f, o.set), Version: Version}
		kept := false
		for _, r := range f.runs {
			inv.Runs = append(inv.Runs, r.row)
			kept = kept || r.state == finished
		}
		if kept {
			errs = append(errs, writeOverview(filepath.Join(f.folder, pageFile), inv))
		}
	}
	return errors.Join(errs...)
}

// writeOverview writes a page that appears whole or not at all.
func writeOverview(path string, inv plots.Invocation) error {
	for _, k := range keyMetrics {
		inv.Key = append(inv.Key, k.KeyMetric)
	}
	return replaceFile(path, func(f *os.File) error { return plots.Overview(f, inv) })
}

// partialName begins the name under which a file is written, before a number.
func partialName(path string) string { return "." + filepath.Base(path) + ".partial-" }

// replaceFile puts a file in place of one that may exist, whole or not at all.
func replaceFile(path string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), partialName(path))
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Close()) // CreateTemp makes it private
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
