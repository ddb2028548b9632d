package simrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"rtpfabric/plots"
	"rtpfabric/sim/record"
)

// figureOptions are what the command figures is told.
type figureOptions struct {
	to             string
	formats        []string
	charts         []string
	show           string
	size, during   string
	font           float64
	noRuns, noRest bool
	json           bool

	format plots.Format
	list   []figureFile
	drawn  []string // names of charts
}

func figuresCommand() *cobra.Command {
	var o figureOptions
	cmd := &cobra.Command{
		Use:   "figures FOLDER...",
		Short: "Draw the charts of runs for a paper",
		Long: `Draw every chart of the records in the given folders, and the folders beneath, as SVG
and PDF: in the size of a column, without title, with the letters in the PDF. Of
runs that differ in more than the seed also box plots, distributions and trade-offs
of all their figures, by what they differ in first, such as the controller.

The same records make the same bytes. captions.tsv says of each figure what it shows.`,
		Example: lines(
			"simrun figures results",
			"simrun figures results/quickstart/default --charts rates,delay --size 84x50 --during 5s..15s",
			"simrun figures results --no-runs --format pdf --to paper",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return badInput(err)
			}
			stderr := cmd.ErrOrStderr()
			ctx, stop := interruptible(cmd.Context(), func() { fmt.Fprintln(stderr, "simrun: interrupted") })
			defer stop()
			err := o.draw(ctx, stderr, args)
			if e := o.writeCaptions(); e != nil {
				err = errors.Join(err, fmt.Errorf("%w: %w", errUnwritten, e))
			}
			if o.json {
				err = errors.Join(err, writeJSON(cmd.OutOrStdout(), o.listed()))
			} else if len(o.list) > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%d figures in %s\n", len(o.list), o.to)
			}
			switch {
			case ctx.Err() != nil:
				return &exitError{code: ExitInterrupted}
			case errors.Is(err, errUnwritten):
				return &exitError{ExitInternal, err}
			}
			return badInputIf(err)
		},
		ValidArgsFunction: completeFolders,
	}
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", "folder for the figures (default FOLDER/figures)")
	f.StringSliceVar(&o.formats, "format", []string{"svg", "pdf"}, "svg, pdf or both")
	f.StringSliceVar(&o.charts, "charts", nil, "only figures with these names, such as rates,delay or loss-boxes")
	f.StringVar(&o.show, "show", "", "only this stream, endpoint or link, such as S1/video")
	f.StringVar(&o.size, "size", fmt.Sprintf("%gx%g", plots.Column.Width, plots.Column.Height), "width and height in mm")
	f.Float64Var(&o.font, "font", plots.Column.Font, "size of letters in pt")
	f.StringVar(&o.during, "during", "", "stretch of time to show, such as 10s..40s")
	f.BoolVar(&o.noRuns, "no-runs", false, "without figures of single runs")
	f.BoolVar(&o.noRest, "no-comparison", false, "without figures of runs side by side")
	addJSON(cmd, &o.json)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]cobra.Completion{"svg", "pdf"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// check reads what the user has written.
func (o *figureOptions) check(args []string) error {
	if o.to == "" {
		o.to = filepath.Join(args[0], "figures")
	}
	slices.Sort(o.formats)
	if o.formats = slices.Compact(o.formats); len(o.formats) == 0 {
		return errors.New("--format: there is none: write svg, pdf or both")
	}
	for _, f := range o.formats {
		if f != "svg" && f != "pdf" {
			return fmt.Errorf("--format: %q is none: write svg or pdf", f)
		}
	}
	if o.noRuns && o.noRest {
		return errors.New("--no-runs and --no-comparison leave nothing to draw")
	}
	o.format = plots.Format{Font: o.font}
	var err error
	if o.format.Width, o.format.Height, err = sizeOf(o.size); err != nil {
		return err
	}
	if o.during != "" {
		if o.format.From, o.format.To, err = stretchOf(o.during); err != nil {
			return err
		}
	}
	return o.format.Valid()
}

// sizeOf reads a size such as 84x56.
func sizeOf(text string) (width, height float64, err error) {
	w, h, ok := strings.Cut(text, "x")
	width, err1 := strconv.ParseFloat(w, 64)
	height, err2 := strconv.ParseFloat(h, 64)
	if !ok || err1 != nil || err2 != nil {
		return 0, 0, fmt.Errorf("--size: %q is no size: write width and height in mm, such as 84x56", text)
	}
	return width, height, nil
}

// stretchOf reads a stretch of time such as 10s..40s, in seconds.
func stretchOf(text string) (from, to float64, err error) {
	a, b, ok := strings.Cut(text, "..")
	first, err1 := time.ParseDuration(a)
	last, err2 := time.ParseDuration(b)
	if !ok || err1 != nil || err2 != nil || first < 0 || last <= first {
		return 0, 0, fmt.Errorf("--during: %q is no stretch of time: write its beginning and its end, such as 10s..40s", text)
	}
	return first.Seconds(), last.Seconds(), nil
}

// figureFile is a figure that has been drawn: its file without extension, below the folder, and its caption.
type figureFile struct{ name, caption string }

// draw draws what was asked for. What can't be read is left out and said; the rest is drawn all the same.
func (o *figureOptions) draw(ctx context.Context, stderr io.Writer, folders []string) error {
	stored, err := storedRecords(folders)
	if err != nil {
		return err
	}
	results, places := placesOf(stored, folders)
	var mu sync.Mutex
	compared, errs := make([]*plots.ComparedRun, len(stored)), make([]error, len(stored))
	inParallelShown(newCounter(stderr, len(stored), "runs"), runtime.GOMAXPROCS(0), len(stored), func(i int) {
		if ctx.Err() != nil {
			return
		}
		read := record.Read
		if o.noRuns {
			read = record.ReadHead
		}
		rec, err := read(stored[i].dir)
		if err != nil {
			errs[i] = fmt.Errorf("left out: %w", err)
			return
		}
		compared[i] = &plots.ComparedRun{Run: rowOf(rec, ""), Folder: stored[i].dir, Results: results[i]}
		if o.noRuns {
			return
		}
		if end := max(rec.Manifest.Duration, rec.Manifest.Reached).Seconds(); o.format.From >= end {
			errs[i] = fmt.Errorf("--during: %s: the run ends at %gs", stored[i].dir, end)
			return
		}
		figures, err := plots.Figures(rec, o.show)
		if err != nil {
			errs[i] = fmt.Errorf("--show: %s: %w", stored[i].dir, err)
			return
		}
		drawn, err := o.write(places[i], figures)
		errs[i] = err
		mu.Lock()
		o.add(drawn)
		mu.Unlock()
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	var runs []plots.ComparedRun
	for _, r := range compared {
		if r != nil {
			runs = append(runs, *r)
		}
	}
	if !o.noRest {
		drawn, err := o.write("comparison", plots.ComparisonFigures(runs))
		o.add(drawn)
		errs = append(errs, err)
	}
	for _, name := range o.charts {
		if !slices.Contains(o.drawn, name) {
			errs = append(errs, fmt.Errorf("--charts: there is no figure %q of this; captions.tsv of a call without --charts lists them", name))
		}
	}
	if err := errors.Join(errs...); err != nil || len(o.list) > 0 {
		return err
	}
	if o.noRuns {
		return errors.New("there is nothing to draw: the runs differ in nothing but the seed")
	}
	return errors.New("there is nothing to draw of this part")
}

// placesOf returns for each record the folder of results in which it is, if several were named, and where its figures go:
// its path below the folder that was named, or as much of its path as tells it from others.
func placesOf(stored []storedRecord, folders []string) (results, places []string) {
	results, places = make([]string, len(stored)), make([]string, len(stored))
	count := map[string]int{}
	for i, r := range stored {
		places[i] = filepath.Base(r.dir)
		for _, folder := range folders {
			rel, err := filepath.Rel(folder, r.dir)
			if err != nil || strings.HasPrefix(rel, "..") || rel == "." { // the record itself was named
				continue
			}
			if places[i] = rel; len(folders) > 1 {
				results[i], places[i] = filepath.Clean(folder), filepath.Join(filepath.Base(folder), rel)
			}
			break
		}
		count[places[i]]++
	}
	for i, r := range stored {
		if count[places[i]] > 1 {
			whole := filepath.ToSlash(filepath.Clean(r.dir))
			parts := strings.FieldsFunc(whole, func(c rune) bool { return c == '/' || c == ':' })
			places[i] = filepath.Join(slices.DeleteFunc(parts, func(part string) bool { return part == ".." })...)
		}
	}
	return results, places
}

// errUnwritten is what keeps figures from being written, and isn't the input.
var errUnwritten = errors.New("a figure can't be written")

// write draws figures into a folder below that of all.
func (o *figureOptions) write(folder string, figures []plots.Figure) ([]figureFile, error) {
	var drawn []figureFile
	for _, f := range figures {
		if len(o.charts) > 0 && !slices.Contains(o.charts, filepath.Base(f.Name)) {
			continue
		}
		name := filepath.Join(filepath.FromSlash(folder), filepath.FromSlash(f.Name))
		path := filepath.Join(o.to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return drawn, fmt.Errorf("%w: %w", errUnwritten, err)
		}
		for _, format := range o.formats {
			render := f.SVG
			if format == "pdf" {
				render = f.PDF
			}
			var b bytes.Buffer
			if err := render(&b, o.format); err != nil {
				return drawn, fmt.Errorf("%s.%s: %w", path, format, err)
			}
			if err := replaceFile(path+"."+format, func(w *os.File) error { _, err := io.Copy(w, &b); return err }); err != nil {
				return drawn, fmt.Errorf("%w: %w", errUnwritten, err)
			}
		}
		drawn = append(drawn, figureFile{filepath.ToSlash(name), f.Caption})
	}
	return drawn, nil
}

// add keeps what has been drawn.
func (o *figureOptions) add(drawn []figureFile) {
	o.list = append(o.list, drawn...)
	for _, f := range drawn {
		if name := filepath.Base(f.name); !slices.Contains(o.drawn, name) {
			o.drawn = append(o.drawn, name)
		}
	}
}

// jsonDrawn is a figure in the output of --json.
type jsonDrawn struct {
	Name    string   `json:"name"`
	Caption string   `json:"caption"`
	Files   []string `json:"files"`
}

func (o *figureOptions) listed() []jsonDrawn {
	list := []jsonDrawn{}
	for _, f := range o.list {
		j := jsonDrawn{Name: f.name, Caption: f.caption}
		for _, format := range o.formats {
			j.Files = append(j.Files, filepath.ToSlash(filepath.Join(o.to, f.name+"."+format)))
		}
		list = append(list, j)
	}
	return list
}

// writeCaptions lists the figures.
func (o *figureOptions) writeCaptions() error {
	if len(o.list) == 0 {
		return nil
	}
	slices.SortFunc(o.list, func(a, b figureFile) int { return strings.Compare(sortable(a.name), sortable(b.name)) })
	return replaceFile(filepath.Join(o.to, "captions.tsv"), func(w *os.File) error {
		var b strings.Builder
		b.WriteString("figure\tcaption\n")
		for _, f := range o.list {
			b.WriteString(f.name + "\t" + strings.Join(strings.Fields(f.caption), " ") + "\n")
		}
		_, err := w.WriteString(b.String())
		return err
	})
}
