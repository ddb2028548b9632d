package simrun

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func testCommand() *cobra.Command {
	o := &runOptions{ci: true}
	cmd := &cobra.Command{
		Use:   "test FILE|FOLDER...",
		Short: "Run scenarios as the tests of a CI, with reports of what isn't met",
		Long: `Run and judge scenarios as simrun run does, with the same flags, results and exit
codes, and tell GitHub if it is listening: where GITHUB_STEP_SUMMARY names a file,
the Markdown summary is appended to it, and where GITHUB_ACTIONS is true, each
expectation that isn't met is marked on its line of the scenario file, by workflow
commands on standard error. --junit writes JUnit XML for any other CI.

A run is judged by its expectations. What expected-fail says and what a baseline
does counts as skipped.`,
		Example: lines(
			"simrun test scenarios --junit junit.xml",
			"simrun test scenarios/quickstart.yaml --summary summary.md --no-page",
			"simrun test scenarios --resume --junit junit.xml",
		),
		Args:              cobra.MinimumNArgs(1),
		RunE:              o.run,
		ValidArgsFunction: completeScenarios,
	}
	o.addFlags(cmd)
	cmd.Flags().StringVar(&o.reference, "baseline", "", "hold digests and figures against those in a `folder`, such as results/baseline")
	cmd.Flags().BoolVar(&o.update, "update", false, "replace what is there, and print what has changed")
	return cmd
}

// addReports adds the flags that name files for reports.
func (o *runOptions) addReports(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.junit, "junit", "", "write JUnit XML to a `file`, a test case for each expectation of each run")
	cmd.Flags().StringVar(&o.summary, "summary", "", "write a summary in Markdown to a `file`")
}

// checkReports returns an error if a report can't go where it should, before anything runs.
func (o *runOptions) checkReports() error {
	var errs []error
	for _, r := range []struct{ flag, path string }{{"junit", o.junit}, {"summary", o.summary}} {
		if r.path == "" {
			continue
		}
		if info, err := os.Stat(r.path); err == nil && info.IsDir() {
			errs = append(errs, fmt.Errorf("--%s %s: is a folder: write the name of a file", r.flag, r.path))
		} else if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", r.flag, err))
		}
	}
	return errors.Join(errs...)
}

// writeReports writes and prints what is asked for besides the results.
func writeReports(stderr io.Writer, plan []*plannedFile, o *runOptions) error {
	var errs []error
	if o.junit != "" {
		errs = append(errs, writeReport(o.junit, func(w io.Writer) error { return writeJUnit(w, plan, o) }))
	}
	summary := markdownSummary(plan, o)
	if o.summary != "" {
		errs = append(errs, writeReport(o.summary, func(w io.Writer) error {
			_, err := w.Write(summary)
			return err
		}))
	}
	if path := os.Getenv(githubSummary); o.ci && path != "" {
		errs = append(errs, appendTo(path, summary))
	}
	if o.ci && os.Getenv(githubActions) == "true" {
		annotate(stderr, plan, o)
	}
	return errors.Join(errs...)
}

// writeReport writes a file, whole or not at all; what is no file, such as a pipe, is written to.
func writeReport(path string, write func(io.Writer) error) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	default:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	return replaceFile(path, func(f *os.File) error { return write(f) })
}
