package simrun

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/plots"
	"rtpfabric/scenarios"
	"rtpfabric/scenarios/compare"
	"rtpfabric/sim/units"
)

// compareOptions are the flags of the command compare.
type compareOptions struct {
	effect   string
	metrics  []string
	strict   bool
	all      bool
	json     bool
	markdown string
	page     string

	share float64  // what effect says
	show  *counter // of what has been measured
}

func compareCommand() *cobra.Command {
	o := &compareOptions{}
	cmd := &cobra.Command{
		Use:   "compare A B...",
		Short: "Say whether runs have become better or worse",
		Long: `Compare the results in folder B with the older ones in folder A, as "simrun run
--out" writes them: those of a scenario, or of several. Runs are paired by
scenario file, variation and seed. Where all pairs have the same digest the
results are identical, and there is nothing else to say.

Otherwise it compares, for each group of runs that differ in the seed alone,
what the scenario expects something of, and loss, delays, freezes and goodput.
A figure is a regression if it is worse, by more than --effect, and if that isn't
chance: the probability by Wilcoxon's signed-rank test, corrected for all tests
by Holm's method, is below 5 %. docs/compare.md has the method, and how to read
the table. Six seeds are enough for one test, twelve for a hundred.

The exit code is 0 if there is no regression, 1 if there is one, 2 if nothing
can be compared. With --strict it is also 1 if something couldn't be: too few
seeds, runs of one folder alone, records that can't be read.

With --page it draws a page about the runs of any number of folders, one or more:
a matrix of verdicts and measures, distributions over seeds, a trade-off, and
ranks; of two folders also the table above. Without the table the exit code is 0.`,
		Example: lines(
			"simrun run scenarios/rfc8867 --vary 'seed={from: 1, count: 12}' --out before",
			"simrun compare before after",
			"simrun compare before/5.1-variable-capacity after/5.1-variable-capacity --all",
			"simrun compare before after --metric queue-delay-p95,goodput --effect 10%",
			"simrun compare before after --markdown changes.md --json",
			"simrun compare before after --page changes.html",
			"simrun compare results/monday results/tuesday results/wednesday --page week.html",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			switch {
			case len(args) == 2:
				return compareFolders(cmd, o, args[0], args[1])
			case o.page == "":
				return fmt.Errorf("compare takes two folders, not %d; with --page FILE any number", len(args))
			case o.json || o.markdown != "":
				return errors.New("--json and --markdown are about two folders")
			}
			return drawComparison(cmd, o, args, nil)
		},
		ValidArgsFunction: completeFolders,
	}
	f := cmd.Flags()
	f.StringVar(&o.effect, "effect", "5%", "`share` by which a figure must change to be news")
	f.StringSliceVar(&o.metrics, "metric", nil, "`names` of the metrics to compare, with commas between them; fewer tests need fewer seeds")
	f.BoolVar(&o.strict, "strict", false, "fail also if something couldn't be compared")
	f.BoolVar(&o.all, "all", false, "list also what hasn't changed")
	f.BoolVar(&o.json, "json", false, "print everything as JSON instead of tables")
	f.StringVar(&o.markdown, "markdown", "", "write the tables to a `file`, too")
	f.StringVar(&o.page, "page", "", "draw the runs side by side on a page, to a `file`")
	return cmd
}

// check checks flags.
func (o *compareOptions) check() error {
	share, err := units.ParseRatio(o.effect)
	if err != nil || share < 0 {
		return fmt.Errorf("--effect %s: write a share of zero or more, like 5%%", o.effect)
	}
	o.share = float64(share)
	var names []string
	for _, m := range scenarios.Metrics() {
		names = append(names, m.Name)
	}
	for _, m := range o.metrics {
		if !slices.Contains(names, m) {
			return fmt.Errorf("--metric %s: there is no such metric; simrun metrics lists them", m)
		}
	}
	return nil
}

// compareFolders does what the command compare is asked for.
func compareFolders(cmd *cobra.Command, o *compareOptions, a, b string) error {
	c, err := pairUp(a, b)
	if err != nil {
		return badInput(err)
	}
	if !c.identical() {
		o.show = newCounter(cmd.ErrOrStderr(), c.toMeasure(), "pairs of runs")
		c.measure(o)
	}
	if !slices.ContainsFunc(c.groups, func(g *pairGroup) bool { return len(g.pairs) > 0 }) {
		return badInput(c.nothing())
	}
	out := screenOf(cmd.OutOrStdout())
	if o.json {
		err = writeJSON(out, c.json(o))
	} else {
		c.print(out, o)
	}
	if err == nil && o.markdown != "" {
		err = replaceFile(o.markdown, func(f *os.File) error {
			_, err := io.WriteString(f, c.markdown(o))
			return err
		})
	}
	if err != nil {
		return &exitError{ExitInternal, err}
	}
	if o.page != "" {
		if err := drawComparison(cmd, o, []string{a, b}, c); err != nil {
			return err
		}
	}
	if c.count(compare.Regression) > 0 || o.strict && c.open() {
		return &exitError{code: ExitFailed}
	}
	return nil
}

// drawComparison writes the page about folders of results; c is what statistics say of two of them, or nil.
func drawComparison(cmd *cobra.Command, o *compareOptions, folders []string, c *comparison) error {
	list, err := labelled(folders)
	if err != nil {
		return badInput(err)
	}
	var changes *plots.Changes
	if c != nil {
		changes = c.changes(list[0].label, list[1].label, o)
	}
	words := append([]string{"simrun", "compare"}, folders...)
	leftOut, err := writeComparisonOf(o.page, list, shellCommand(append(words, "--page", o.page)), changes)
	if err != nil {
		return err
	}
	if c == nil { // which says it
		for _, l := range leftOut {
			fmt.Fprintf(cmd.ErrOrStderr(), "simrun: left out: %s: %s\n", l.Folder, l.Problem)
		}
	}
	if !o.json {
		fmt.Fprintln(cmd.OutOrStdout(), "page:", o.page)
	}
	return nil
}

// open reports whether something couldn't be compared.
func (c *comparison) open() bool {
	return len(c.onlyA)+len(c.onlyB)+len(c.leftOut) > 0 || c.count(compare.TooFew) > 0
}

// identical reports whether no pair differs.
func (c *comparison) identical() bool {
	return !slices.ContainsFunc(c.groups, func(g *pairGroup) bool { return !g.identical() })
}

// count returns how many figures have a verdict.
func (c *comparison) count(v compare.Verdict) int {
	n := 0
	for _, g := range c.groups {
		for _, f := range g.figures {
			if f.decision.Verdict == v {
				n++
			}
		}
	}
	return n
}

// verdict says in a few words what has come out.
func (c *comparison) verdict() string {
	switch {
	case c.identical():
		return "identical"
	case c.count(compare.Regression) > 0:
		return string(compare.Regression)
	case c.count(compare.TooFew) > 0:
		return string(compare.TooFew)
	}
	return "no regression"
}

// summary counts what became of the figures.
func (c *comparison) summary() string {
	var parts []string
	for _, k := range []struct {
		verdict   compare.Verdict
		one, many string
	}{
		{compare.Regression, "1 regression", "%d regressions"},
		{compare.Improvement, "1 improvement", "%d improvements"},
		{compare.Changed, "1 change", "%d changes"},
		{compare.Unclear, "1 unclear", "%d unclear"},
		{compare.TooFew, "1 with too few seeds", "%d with too few seeds"},
		{compare.Same, "1 unchanged", "%d unchanged"},
	} {
		switch n := c.count(k.verdict); n {
		case 0:
		case 1:
			parts = append(parts, k.one)
		default:
			parts = append(parts, fmt.Sprintf(k.many, n))
		}
	}
	return strings.Join(parts, ", ")
}
