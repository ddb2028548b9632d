package simrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/topologies/signalling"
)

// glareOptions are the flags of the command glare.
type glareOptions struct {
	runs       int
	seed       uint64
	resolution []string
	delivery   []string
	chosen     bool // delivery isn't the default
	path       string
	policy     string
	latency    time.Duration
	window     time.Duration
	bits       int
	values     bool
	retryAfter bool
	jobs       int
	json       bool
	markdown   bool
}

// glareDeliveries are those of experiment E44.
var glareDeliveries = []string{
	"push/push", "poll:1s/poll:1s", "poll:2s/poll:2s", "poll:5s/poll:5s", "poll:10s/poll:10s",
	"poll:3s/push", "poll:4s/push", "poll:5s/push", "push/poll:5s", "long-poll:30s/long-poll:30s",
}

var glarePaths = map[string]signalling.Path{
	"direct": signalling.Direct, "server": signalling.ByServer, "gateway": signalling.ByGateway, "proxy": signalling.ByGatewayAndProxy,
}

func glareCommand() *cobra.Command {
	o := &glareOptions{}
	cmd := &cobra.Command{
		Use:   "glare",
		Short: "Count how offers that cross each other are resolved",
		Long: `Let two ends, A and B, offer changes of their session at nearly the same time,
in many runs, and count how often the offers cross (glare), how often they cross
again, and how long it takes until one is accepted. Times and phases are random.

Deliveries are how messages get to A and to B: push, poll:5s (asked for every 5 s)
or long-poll:30s. Resolutions are SIP's timers, in which A has the longer one, a
tie-breaker that offers carry, and a polite end, B, that gives way. Behind a gateway
or a proxy B is a user agent of SIP, to which messages are pushed, and A is the polite
end; --values lets gateway and user agent know the tie-breaker, --retry-after the user
agent do as refusals say.

Intervals are of 95 %. The same seeds give the same figures on every machine.`,
		Example: lines(
			"simrun glare",
			"simrun glare --delivery poll:5s/push --resolution timers --runs 100000",
			"simrun glare --path gateway --policy random --resolution tie-breaker",
		),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.chosen = cmd.Flags().Changed("delivery")
			return countGlare(cmd, o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.runs, "runs", 10_000, "runs of each cell")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the first run")
	f.StringSliceVar(&o.resolution, "resolution", glare.Names(), "how ends resolve glare")
	f.StringSliceVar(&o.delivery, "delivery", glareDeliveries, "how messages get to `A/B`")
	f.StringVar(&o.path, "path", "server", "what is between A and B: direct, server, gateway or proxy")
	f.StringVar(&o.policy, "policy", gateway.Random.String(), "value that a gateway gives to SIP's offers: "+strings.Join(gateway.Policies(), ", "))
	f.DurationVar(&o.latency, "latency", 50*time.Millisecond, "of a message from end to end")
	f.DurationVar(&o.window, "window", 500*time.Millisecond, "within which both ends make their offers")
	f.IntVar(&o.bits, "bits", 32, "of the values of the tie-breaker, 1 to 32")
	f.BoolVar(&o.values, "values", false, "the tie-breaker is in SIP, too, and B compares it")
	f.BoolVar(&o.retryAfter, "retry-after", false, "B offers again when a refusal says")
	f.IntVar(&o.jobs, "jobs", runtime.GOMAXPROCS(0), "cells at the same time")
	f.BoolVar(&o.json, "json", false, "print the results as JSON")
	f.BoolVar(&o.markdown, "markdown", false, "print the table of docs/experiments/glare.md")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown")
	return cmd
}

// glareCell is a line of the table.
type glareCell struct {
	Deliveries string  `json:"deliveries"`
	Resolution string  `json:"resolution"`
	Runs       int     `json:"runs"`
	Glare      figures `json:"glare"`
	// Again and Never are parts of the runs with glare.
	Again figures `json:"again"`
	Never figures `json:"never"`
	// Failed are those with a change that came to nothing, or was given up for the other end's. They are left out of the
	// times.
	Failed figures `json:"failed"`
	// Mean, P95 and Most are seconds until an offer is accepted, Done the mean until both have what they want.
	Mean figures `json:"mean"`
	P95  figures `json:"p95"`
	Most float64 `json:"most"`
	Done figures `json:"done"`

	experiment *signalling.Experiment
	tally      *signalling.Tally
}

// figures is an estimate in JSON; null if there is none.
type figures signalling.Estimate

func (f figures) MarshalJSON() ([]byte, error) {
	if math.IsNaN(f.Value) {
		return []byte("null"), nil
	}
	bound := func(v float64) string {
		if math.IsNaN(v) {
			return "null"
		}
		return fmt.Sprintf("%.6g", v)
	}
	return fmt.Appendf(nil, `{"value":%.6g,"low":%s,"high":%s}`, f.Value, bound(f.Low), bound(f.High)), nil
}

// glareCells returns the cells that the flags ask for.
func glareCells(o *glareOptions) ([]*glareCell, error) {
	path, ok := glarePaths[o.path]
	policy, err := gateway.ParsePolicy(o.policy)
	switch {
	case o.runs < 1 || o.jobs < 1:
		return nil, errors.New("--runs and --jobs: write a number from 1")
	case !ok:
		return nil, fmt.Errorf("--path %s: write direct, server, gateway or proxy", o.path)
	case err != nil:
		return nil, fmt.Errorf("--policy %s: write one of %s", o.policy, strings.Join(gateway.Policies(), ", "))
	case o.latency < 0 || o.window <= 0:
		return nil, errors.New("--latency and --window: write times such as 50ms")
	case o.bits < 1 || o.bits > 32:
		return nil, fmt.Errorf("--bits %d: write a number from 1 to 32", o.bits)
	}
	var cells []*glareCell
	for _, pair := range o.delivery {
		a, b, _ := strings.Cut(pair, "/")
		var delivery [2]signalling.Delivery
		for i, text := range []string{a, b} {
			if delivery[i], err = signalling.ParseDelivery(text); err != nil {
				return nil, fmt.Errorf("--delivery %s: %w", pair, err)
			}
		}
		direct := path == signalling.Direct
		if direct && delivery[0].Polled() || (direct || path >= signalling.ByGateway) && delivery[1].Polled() {
			if !o.chosen {
				continue
			}
			return nil, fmt.Errorf("--delivery %s: with --path %s nobody is there to be polled; write push", pair, o.path)
		}
		for _, name := range o.resolution {
			r, err := glare.Parse(name)
			if err != nil {
				return nil, fmt.Errorf("--resolution %s: write one of %s", name, strings.Join(glare.Names(), ", "))
			}
			cells = append(cells, &glareCell{
				Deliveries: pair, Resolution: name, tally: &signalling.Tally{}, experiment: &signalling.Experiment{
					Path: path, Resolution: r, Delivery: delivery, Latency: o.latency, Window: o.window, TieBreakerBits: o.bits,
					Gateway: gateway.Config{Policy: policy, TieBreaker: o.values}, UserAgent: sip.Config{TieBreaker: o.values, HeedsRetryAfter: o.retryAfter},
				},
			})
		}
	}
	return cells, nil
}

// batch is how many runs are one piece of work.
const batch = 500

// sampleGlare fills the cells. What comes of it doesn't depend on how many cells run at the same time.
func sampleGlare(ctx context.Context, stderr io.Writer, cells []*glareCell, o *glareOptions) error {
	batches := (o.runs + batch - 1) / batch
	tallies := make([]*signalling.Tally, len(cells)*batches)
	inParallelShown(newCounter(stderr, len(tallies), "batches"), o.jobs, len(tallies), func(i int) {
		if ctx.Err() == nil {
			first := i % batches * batch
			tallies[i] = cells[i/batches].experiment.Sample(o.seed+uint64(first), min(batch, o.runs-first))
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for i, t := range tallies {
		cells[i/batches].tally.Add(t)
	}
	for _, c := range cells {
		c.estimate()
	}
	return nil
}

func (c *glareCell) estimate() {
	t := c.tally
	c.Runs = t.Runs
	c.Glare = figures(signalling.Proportion(t.Glare, t.Runs))
	c.Again = figures(signalling.Proportion(t.Again, t.Glare))
	c.Never = figures(signalling.Proportion(t.Never, t.Glare))
	c.Failed = figures(signalling.Proportion(t.Failed, t.Glare))
	c.Mean = figures(signalling.Mean(t.Settled))
	c.P95 = figures(signalling.Quantile(0.95, t.Settled))
	c.Done = figures(signalling.Mean(t.Done))
	for _, s := range t.Settled {
		c.Most = max(c.Most, s)
	}
}

func countGlare(cmd *cobra.Command, o *glareOptions) error {
	cells, err := glareCells(o)
	if err != nil {
		return badInput(err)
	}
	stderr := cmd.ErrOrStderr()
	ctx, stop := interruptible(cmd.Context(), func() { fmt.Fprintln(stderr, "simrun: interrupted") })
	defer stop()
	if err := sampleGlare(ctx, stderr, cells, o); err != nil {
		return &exitError{code: ExitInterrupted}
	}
	out := screenOf(cmd.OutOrStdout())
	switch {
	case o.json:
		if err := writeJSON(out, cells); err != nil {
			return &exitError{ExitInternal, err}
		}
	case o.markdown:
		fmt.Fprint(out, glareMarkdown(cells))
	default:
		printGlare(out, cells)
	}
	return nil
}

// cellsOf returns a cell's figures as the tables print them: delivery to A and B, resolution, glare, again, never, failed,
// mean, 95 %, most, done.
func (c *glareCell) cellsOf() []string {
	a, b, _ := strings.Cut(c.Deliveries, "/")
	return []string{
		a, b, c.Resolution, percent(c.Glare), percent(c.Again), percent(c.Never), percent(c.Failed), settled(c.Mean), settled(c.P95),
		strconv.FormatFloat(c.Most, 'f', 2, 64), settled(c.Done),
	}
}

func percent(f figures) string {
	if math.IsNaN(f.Value) {
		return "-"
	}
	return fmt.Sprintf("%.1f (%.1f–%.1f)", 100*f.Value, 100*f.Low, 100*f.High)
}

func settled(f figures) string {
	if math.IsNaN(f.Value) {
		return "-"
	}
	high := "…" // of a quantile, without enough samples
	if !math.IsNaN(f.High) {
		high = fmt.Sprintf("%.2f", f.High)
	}
	return fmt.Sprintf("%.2f (%.2f–%s)", f.Value, f.Low, high)
}

func printGlare(s *screen, cells []*glareCell) {
	table := s.columns(0, "to A", "to B", "resolution", "glare %", "again %", "never %", "failed %", "settled s", "95 % s", "most s", "both done s")
	for _, c := range cells {
		row := c.cellsOf()
		for i := range row {
			row[i] = s.ascii(row[i])
		}
		table.row(row...)
	}
	fmt.Fprint(s, table.String(4, 5, 6, 7, 8, 9, 10, 11))
}

func glareMarkdown(cells []*glareCell) string {
	var b strings.Builder
	b.WriteString("| to A | to B | resolution | glare, % | again, % | never, % | failed, % | settled, s | 95 %, s | most, s | both done, s |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range cells {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(c.cellsOf(), " | "))
	}
	return b.String()
}
