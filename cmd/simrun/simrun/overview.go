package simrun

import (
	"errors"
	"os"
	"path/filepath"

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
