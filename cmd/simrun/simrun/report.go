package simrun

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"rtpfabric/plots"
	"rtpfabric/sim/record"
)

func reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report FOLDER...",
		Short: "Draw the pages of records again",
		Long: `Draw the page of every record in the given folders and the folders beneath, and
the overview of every scenario, from the records alone. Nothing is run, and
verdicts stay as they are in the records.`,
		Example: lines(
			"simrun report results",
			"simrun report results/quickstart/default",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var errs []error
			for _, arg := range args {
				pages, err := redraw(arg)
				for _, page := range pages {
					fmt.Fprintln(cmd.OutOrStdout(), "page:", page)
				}
				errs = append(errs, err)
			}
			if err := errors.Join(errs...); err != nil {
				return badInput(err)
			}
			return nil
		},
		ValidArgsFunction: completeFolders,
	}
}

// redraw writes the pages of all records in a folder, and overviews of those
// that stand beside each other in it. It returns the pages it wrote.
func redraw(folder string) ([]string, error) {
	records, err := recordsIn(folder)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: there is no record of a run in this folder", folder)
	}
	var pages []string
	var errs []error
	overviews := map[string]*plots.Invocation{}
	var parents []string
	for _, dir := range records {
		rec, err := record.Read(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		page := filepath.Join(dir, pageFile)
		if err := replaceFile(page, func(f *os.File) error { return plots.Page(f, rec) }); err != nil {
			errs = append(errs, err)
			continue
		}
		pages = append(pages, page)
		if dir == filepath.Clean(folder) {
			continue
		}
		parent := filepath.Dir(dir)
		if overviews[parent] == nil {
			overviews[parent] = &plots.Invocation{Title: rec.Manifest.Title, Version: rec.Manifest.Version}
			parents = append(parents, parent)
		}
		overviews[parent].Runs = append(overviews[parent].Runs, rowOf(rec, filepath.Base(dir)+"/"+pageFile))
	}
	for _, parent := range parents {
		page := filepath.Join(parent, pageFile)
		if err := writeOverview(page, *overviews[parent]); err != nil {
			errs = append(errs, err)
			continue
		}
		pages = append(pages, page)
	}
	return pages, errors.Join(errs...)
}

// recordsIn returns the folders of records, seed=2 before seed=10.
func recordsIn(folder string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != folder && d.Name()[0] == '.' {
			return fs.SkipDir // a record that is still being written
		}
		if !d.IsDir() && d.Name() == record.ManifestFile {
			found = append(found, filepath.Dir(path))
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such folder", folder)
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(sortable(a), sortable(b)) })
	return found, err
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
