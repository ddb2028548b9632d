package simrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/sim/record"
	"rtpfabric/sim/record/tables"
)

func exportCommand() *cobra.Command {
	var to, format string
	var asJSON bool
	var names []string
	cmd := &cobra.Command{
		Use:   "export FOLDER...",
		Short: "Write what runs have measured as tables",
		Long: `Write the records in the given folders, and the folders beneath, as long tables for
pandas, R, DuckDB and the like: a file for each table, of all runs together.

  runs      a row for each run: scenario, seed, digest, whether it passed
  settings  what the matrix gave to each run
  verdicts  expectations, and what came of them
  summary   figures about whole runs
  series    values over time, in long form
  events    what happened, and when

All have the column run_id. A value that there isn't is null, or an empty cell.
docs/data.md shows how to load them.`,
		Example: lines(
			"simrun export results",
			"simrun export results/rfc8867 --format csv --tables runs,summary --to tables",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f := tables.Format(format)
			if !slices.Contains(tables.Formats(), f) {
				return badInput(fmt.Errorf("--format: %q is none: write parquet, csv or jsonl", format))
			}
			for _, name := range names {
				if !slices.Contains(tables.Names(), name) {
					return badInput(fmt.Errorf("--tables: there is no table %q: write some of %s", name, strings.Join(tables.Names(), ", ")))
				}
			}
			if to == "" {
				to = filepath.Join(args[0], "tables")
			}
			paths, err := exportTables(cmd.Context(), cmd.ErrOrStderr(), args, to, f, names)
			if asJSON {
				err = errors.Join(err, writeJSON(cmd.OutOrStdout(), append([]string{}, paths...)))
				paths = nil
			}
			for _, path := range paths {
				fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return badInputIf(err)
		},
		ValidArgsFunction: completeFolders,
	}
	cmd.Flags().StringVar(&to, "to", "", "folder for the tables (default FOLDER/tables)")
	cmd.Flags().StringVar(&format, "format", string(tables.Parquet), "parquet, csv or jsonl")
	cmd.Flags().StringSliceVar(&names, "tables", tables.Names(), "which tables")
	addJSON(cmd, &asJSON)
	complete := func(words ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", complete("parquet", "csv", "jsonl")))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("tables", complete(tables.Names()...)))
	return cmd
}

// storedRecord is the folder of a record, and what the run is called in tables.
type storedRecord struct{ dir, id string }

// exportTables writes tables of all records in some folders. What can't be read is left out and said; the rest is
// written all the same.
func exportTables(ctx context.Context, stderr io.Writer, folders []string, to string, format tables.Format, names []string) ([]string, error) {
	list, err := storedRecords(folders)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, err
	}
	slices.Sort(names)
	w, err := tables.NewWriter(to, format, slices.Compact(names)...)
	if err != nil {
		return nil, err
	}
	var damaged []error
	show := newCounter(stderr, len(list), "records")
	defer show.end()
	for _, r := range list {
		show.done()
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, w.Abandon())
		}
		rec, err := record.Read(r.dir)
		if err != nil {
			damaged = append(damaged, fmt.Errorf("left out: %w", err))
			continue
		}
		if err := w.Add(r.id, rec); err != nil {
			return nil, errors.Join(err, w.Abandon())
		}
	}
	paths, err := w.Close()
	return paths, errors.Join(append(damaged, err)...)
}

// storedRecords finds the records. A run is called by its folder below the one that was named, which stands before it if
// there are several.
func storedRecords(folders []string) (list []storedRecord, err error) {
	for _, folder := range folders {
		found, err := recordsIn(folder)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: there is no record of a run in this folder", folder)
		}
		for _, dir := range found {
			id, err := filepath.Rel(folder, dir)
			if err != nil {
				return nil, err
			}
			if len(folders) > 1 || id == "." {
				id = filepath.Clean(dir)
			}
			list = append(list, storedRecord{dir, filepath.ToSlash(id)})
		}
	}
	return list, nil
}
