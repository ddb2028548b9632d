package simrun

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/plots"
	"rtpfabric/sim/record"
)

func reportCommand() *cobra.Command {
	open, asJSON := false, false
	cmd := &cobra.Command{
		Use:   "report FOLDER...",
		Short: "Draw the pages of records again",
		Long: `Draw the page of every record in the given folders and the folders beneath, and
the overview of every scenario, from the records alone. In a folder for results,
which has folders of scenarios in it, also the comparison of all runs and the
index. Nothing is run, and verdicts stay as they are in the records.`,
		Example: lines(
			"simrun report results",
			"simrun report results/quickstart/default --open",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var errs []error
			first, all := "", []string{}
			for _, arg := range args {
				drawn, err := redraw(cmd.ErrOrStderr(), arg)
				all = append(all, drawn.pages...)
				first = cmp.Or(first, drawn.main)
				errs = append(errs, err)
			}
			if asJSON {
				errs = append(errs, writeJSON(cmd.OutOrStdout(), all))
			} else {
				for _, page := range all {
					fmt.Fprintln(cmd.OutOrStdout(), "page:", page)
				}
			}
			if open {
				openPage(cmd.ErrOrStderr(), first)
			}
			return badInputIf(errors.Join(errs...))
		},
		ValidArgsFunction: completeFolders,
	}
	addJSON(cmd, &asJSON)
	cmd.Flags().BoolVar(&open, "open", false, "show the main page in the browser at the end")
	return cmd
}

// drawnPages are pages that were drawn again, and the one that somebody would look at first.
type drawnPages struct {
	pages []string
	main  string
}

func (d *drawnPages) add(page string) {
	d.pages = append(d.pages, page)
	d.main = page
}

// redraw writes the pages of all records in a folder, overviews of those
// that stand beside each other in it, and if it is one for results the comparison and the index.
func redraw(stderr io.Writer, folder string) (drawnPages, error) {
	var drawn drawnPages
	records, err := recordsIn(folder)
	if err != nil {
		return drawn, err
	}
	if len(records) == 0 {
		return drawn, fmt.Errorf("%s: there is no record of a run in this folder", folder)
	}
	var errs []error
	overviews := map[string]*plots.Invocation{}
	var parents []string
	var compared []plots.ComparedRun
	heads, problems := redrawRuns(stderr, records)
	errs = append(errs, problems...)
	for i, dir := range records {
		rec := heads[i]
		if rec == nil {
			continue
		}
		drawn.add(filepath.Join(dir, pageFile))
		if dir == filepath.Clean(folder) {
			continue
		}
		parent := filepath.Dir(dir)
		if overviews[parent] == nil {
			overviews[parent] = &plots.Invocation{Title: rec.Manifest.Title, Version: rec.Manifest.Version}
			parents = append(parents, parent)
		}
		overviews[parent].Runs = append(overviews[parent].Runs, rowOf(rec, filepath.Base(dir)+"/"+pageFile))
		compared = append(compared, plots.ComparedRun{Run: rowOf(rec, linkTo(folder, dir)), Folder: dir})
	}
	for _, parent := range parents {
		page := filepath.Join(parent, pageFile)
		if err := writeOverview(page, *overviews[parent]); err != nil {
			errs = append(errs, err)
			continue
		}
		drawn.add(page)
	}
	if slices.ContainsFunc(parents, func(p string) bool { return p != filepath.Clean(folder) }) {
		errs = append(errs, drawn.root(stderr, folder, compared))
	}
	return drawn, errors.Join(errs...)
}

// redrawRuns writes the page of each record, and returns of each what overviews need; nil if it couldn't be drawn.
func redrawRuns(stderr io.Writer, records []string) (heads []*record.Record, problems []error) {
	heads, problems = make([]*record.Record, len(records)), make([]error, len(records))
	inParallelShown(newCounter(stderr, len(records), "pages"), runtime.GOMAXPROCS(0), len(records), func(i int) {
		rec, err := record.Read(records[i])
		if err == nil {
			err = replaceFile(filepath.Join(records[i], pageFile), func(f *os.File) error { return plots.Page(f, rec) })
		}
		if err != nil {
			problems[i] = err
			return
		}
		heads[i] = &record.Record{Manifest: rec.Manifest, Summary: rec.Summary, Verdicts: rec.Verdicts}
	})
	return heads, problems
}

// root draws what stands in the folder for results itself.
func (d *drawnPages) root(stderr io.Writer, folder string, compared []plots.ComparedRun) error {
	comparison := ""
	if plots.Comparable(compared) {
		comparison = filepath.Join(folder, comparisonFile)
		command := shellCommand([]string{"simrun", "report", folder})
		err := replaceFile(comparison, func(f *os.File) error {
			return plots.Compare(f, plots.Comparison{Command: command, Version: Version, Runs: compared})
		})
		if err != nil {
			return err
		}
		d.add(comparison)
	}
	index, err := writeIndex(folder)
	if errors.Is(err, errForeign) {
		fmt.Fprintf(stderr, "simrun: no index is written: %v\n", err)
		return nil
	}
	if err == nil {
		d.add(index)
		d.main = cmp.Or(comparison, index)
	}
	return err
}

// recordsIn returns the folders of records, seed=2 before seed=10.
func recordsIn(folder string) ([]string, error) {
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such folder", folder)
	}
	found, problems := recordsBeneath(folder)
	if len(problems) > 0 {
		return found, errors.New(strings.Join(problems, "\n"))
	}
	return found, nil
}

// recordsBeneath returns the same, and says which folders can't be read.
func recordsBeneath(folder string) (found, problems []string) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			problems = append(problems, err.Error())
			return fs.SkipDir
		case d.IsDir() && path != folder && d.Name()[0] == '.':
			return fs.SkipDir // a record that is still being written
		case !d.IsDir() && d.Name() == record.ManifestFile:
			found = append(found, filepath.Dir(path))
		}
		return nil
	})
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(sortable(a), sortable(b)) })
	return found, problems
}

var wholeNumber = regexp.MustCompile(`[0-9]+`)

// sortable writes numbers in a name so that their order is that of text.
func sortable(name string) string {
	return wholeNumber.ReplaceAllStringFunc(name, func(digits string) string {
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			return digits
		}
		return fmt.Sprintf("%020d", n)
	})
}
