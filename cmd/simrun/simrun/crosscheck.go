package simrun

import (
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
	"time"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/crosscheck"
	"rtpfabric/sim/pionnet"
)

// crosscheckOptions are the flags of the command crosscheck.
type crosscheckOptions struct {
	set      []string
	vary     []string
	jobs     int
	json     bool
	markdown bool
	packets  string
}

func crosscheckCommand() *cobra.Command {
	o := &crosscheckOptions{}
	cmd := &cobra.Command{
		Use:   "crosscheck FILE|FOLDER...",
		Short: "Hold the network against pion's vnet, packet by packet",
		Long: `Run scenarios, send every packet of their endpoints at the same time through
pion's virtual network (vnet) as well, and compare what became of it. The lines
v4 and v2 of pion/transport are both there.

vnet knows trees of routers, NATs, delays, losses and token buckets. A scenario
with anything else can't be expressed, and the table says why. Which packets links
lose at random is told to vnet. Where vnet doesn't do as our link does, the notes
below the table explain it; where nothing does, every packet must have the same
fate, and its delay within 10 ns.

The exit code is 1 if a packet fares otherwise without an explanation.`,
		Example: lines(
			"simrun crosscheck scenarios/crosscheck",
			"simrun crosscheck scenarios/crosscheck/bucket.yaml --packets /tmp/packets",
			"simrun crosscheck scenarios/quickstart.yaml --json",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.jobs < 1 {
				return fmt.Errorf("--jobs %d: write a number from 1", o.jobs)
			}
			return crosscheckScenarios(cmd, o, args)
		},
		ValidArgsFunction: completeScenarios,
	}
	f := cmd.Flags()
	addSet(cmd, &o.set)
	addVary(cmd, &o.vary)
	f.IntVar(&o.jobs, "jobs", runtime.GOMAXPROCS(0), "runs at the same time")
	f.BoolVar(&o.json, "json", false, "print the results as JSON")
	f.BoolVar(&o.markdown, "markdown", false, "print the table of docs/crosscheck.md")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown")
	f.StringVar(&o.packets, "packets", "", "`folder` for a table of all packets of each run (CSV)")
	return cmd
}

// crosscheckScenarios does what the command crosscheck is asked for.
func crosscheckScenarios(cmd *cobra.Command, o *crosscheckOptions, args []string) error {
	files, err := loadScenarios(args, o.set, o.vary)
	if err != nil {
		return badInput(err)
	}
	names, err := folderNames(files)
	if err != nil {
		return badInput(err)
	}
	var runs []*scenarios.Run
	var labels []string
	for i, f := range files {
		for _, r := range f.Runs {
			runs, labels = append(runs, r), append(labels, names[i]+"/"+r.Name)
		}
	}
	if o.packets != "" {
		if err := os.MkdirAll(o.packets, 0o755); err != nil {
			return badInput(fmt.Errorf("--packets: the folder can't be made: %w", err))
		}
	}
	stderr := cmd.ErrOrStderr()
	ctx, stop := interruptible(cmd.Context(), func() { fmt.Fprintln(stderr, "simrun: interrupted") })
	defer stop()
	results, err := crosscheckRuns(ctx, stderr, runs, labels, o)
	switch {
	case ctx.Err() != nil:
		return &exitError{code: ExitInterrupted}
	case err != nil:
		return &exitError{ExitInternal, err}
	}
	out := screenOf(cmd.OutOrStdout())
	switch {
	case o.json:
		if err := writeJSON(out, results); err != nil {
			return &exitError{ExitInternal, err}
		}
	case o.markdown:
		fmt.Fprint(out, crosscheckMarkdown(results))
	default:
		printCrosscheck(out, results, labels)
	}
	if slices.ContainsFunc(results, (*crosscheck.Result).Failed) {
		return &exitError{code: ExitFailed}
	}
	return nil
}

// crosscheckRuns does all runs, some at the same time, and returns the results in their order.
func crosscheckRuns(ctx context.Context, stderr io.Writer, runs []*scenarios.Run, labels []string, o *crosscheckOptions) ([]*crosscheck.Result, error) {
	results, errs := make([]*crosscheck.Result, len(runs)), make([]error, len(runs))
	inParallelShown(newCounter(stderr, len(runs), "runs"), o.jobs, len(runs), func(i int) {
		if ctx.Err() == nil {
			results[i], errs[i] = crosscheckRun(ctx, runs[i], labels[i], o)
		}
	})
	return results, errors.Join(errs...)
}

func crosscheckRun(ctx context.Context, r *scenarios.Run, label string, o *crosscheckOptions) (*crosscheck.Result, error) {
	result, err := crosscheck.Run(ctx, r)
	if err != nil || o.packets == "" {
		return result, err
	}
	path := filepath.Join(o.packets, filepath.Dir(label)+"-"+filepath.Base(label)+".csv")
	return result, replaceFile(path, func(f *os.File) error { return result.WritePackets(f) })
}

// printCrosscheck prints a table of all runs against all vnets.
func printCrosscheck(s *screen, results []*crosscheck.Result, labels []string) {
	table := s.columns(1, "run", "vnet", "packets", "same fate", "here only", "there only", "octets", "delay ±, mean", "95 %", "most", "")
	var notes []string
	for i, r := range results {
		for k := range r.Against {
			a := &r.Against[k]
			label, packets := "", ""
			if k == 0 {
				label, packets = labels[i], strconv.Itoa(r.Packets-r.Open)
			}
			if a.Unable != "" {
				table.row(label, string(a.Vnet), packets, "", "", "", "", "", "", "", "can't: "+noted(&notes, a.Unable))
				continue
			}
			table.row(label, string(a.Vnet), packets, strconv.Itoa(a.Same), strconv.Itoa(a.OnlyHere), strconv.Itoa(a.OnlyThere),
				carried(a), span(a.Mean), span(a.P95), span(a.Most), s.crosscheckVerdict(a, &notes))
		}
	}
	fmt.Fprint(s, table.String(3, 4, 5, 6, 7, 8, 9, 10))
	if len(notes) > 0 {
		fmt.Fprintln(s)
	}
	for i, n := range notes {
		fmt.Fprintf(s, "[%d] %s\n", i+1, s.ascii(n))
	}
}

// crosscheckMarkdown returns a table with a line for each run: all vnets beside each other.
func crosscheckMarkdown(results []*crosscheck.Result) string {
	var b strings.Builder
	b.WriteString("| scenario | packets | v4: other fates | delays off by at most | v2: other fates | octets | delays off by (mean, 95 %) |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range results {
		name := strings.TrimSuffix(filepath.Base(r.Scenario), ".yaml")
		fmt.Fprintf(&b, "| [%s](../scenarios/crosscheck/%s.yaml) | %d |", name, name, r.Packets-r.Open)
		for _, a := range r.Against {
			switch {
			case a.Unable != "" && a.Vnet == pionnet.V4:
				b.WriteString(" can't | |")
			case a.Unable != "":
				b.WriteString(" can't | | |")
			case a.Vnet == pionnet.V4:
				fmt.Fprintf(&b, " %d | %s |", a.OnlyHere+a.OnlyThere, span(a.Most))
			default:
				fmt.Fprintf(&b, " %d | %s | %s, %s |", a.OnlyHere+a.OnlyThere, carried(&a), span(a.Mean), span(a.P95))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// carried says what part of the octets arrive.
func carried(a *crosscheck.Against) string {
	if a.Carried == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*a.Carried)
}

// span prints a time with three digits.
func span(d time.Duration) string {
	digits := func(unit time.Duration) string { return strconv.FormatFloat(float64(d)/float64(unit), 'g', 3, 64) }
	switch {
	case d >= time.Second:
		return digits(time.Second) + " s"
	case d >= time.Millisecond:
		return digits(time.Millisecond) + " ms"
	case d >= time.Microsecond:
		return digits(time.Microsecond) + " us"
	}
	return digits(time.Nanosecond) + " ns"
}

// crosscheckVerdict says whether the networks agree, and if they needn't, why.
func (s *screen) crosscheckVerdict(a *crosscheck.Against, notes *[]string) string {
	switch {
	case a.Failed():
		return s.paint(red, fmt.Sprintf("DIFFERS from packet %d on", a.First))
	case a.First == 0:
		return s.paint(green, "same")
	}
	why := ""
	for _, e := range a.Explained {
		why += noted(notes, e)
	}
	return "differs " + why
}

// noted returns the sign of a note below the table.
func noted(notes *[]string, text string) string {
	i := slices.Index(*notes, text)
	if i < 0 {
		*notes = append(*notes, text)
		i = len(*notes) - 1
	}
	return fmt.Sprintf("[%d]", i+1)
}
