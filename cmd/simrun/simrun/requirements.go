package simrun

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios/rfc8836"
)

// requirementsOptions are the flags of the command requirements.
type requirementsOptions struct {
	controllers []string
	library     string
	seed        uint64
	jobs        int
	json        bool
	markdown    bool
}

func requirementsCommand() *cobra.Command {
	o := &requirementsOptions{}
	cmd := &cobra.Command{
		Use:   "requirements [ID...]",
		Short: "Measure how far controllers meet the requirements of RFC 8836",
		Long: `Run the scenarios that show the requirements of RFC 8836 (1 to 11, with their
letters, and security), each with every rate controller and one seed, and print
what was measured. ID is that of a requirement; 1 stands for 1a to 1g, too.
It all takes about half a minute on two cores. Nothing is written.

A figure is what an expectation of the scenario measures. Behind it stands
  ~  if the controller isn't within the bound, and is known for that
  !  if it isn't within the bound, and nobody has said so
Requirements that aren't figures name the tests that show them.

The exit code is 0 whatever was measured.`,
		Example: lines(
			"simrun requirements",
			"simrun requirements 1c 4 10 --controller gcc,nada",
			"simrun requirements 10 --controller never-back-off",
			"simrun requirements --json",
		),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.jobs < 1 {
				return fmt.Errorf("--jobs %d: write a number from 1", o.jobs)
			}
			list, err := chosenOf8836(args)
			if err != nil {
				return badInput(err)
			}
			return measureRequirements(cmd, o, list)
		},
		ValidArgsFunction: completeRFC8836,
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.controllers, "controller", nil, "`names` of the controllers, with commas between them; by default all that control something and for which RFC 8888's feedback is enough")
	f.StringVar(&o.library, "library", "scenarios", "`folder` of the scenarios that come with the program")
	f.Uint64Var(&o.seed, "seed", 1, "seed of every run")
	f.IntVar(&o.jobs, "jobs", runtime.GOMAXPROCS(0), "runs at the same time")
	f.BoolVar(&o.json, "json", false, "print the figures as JSON")
	f.BoolVar(&o.markdown, "markdown", false, "print the tables of docs/rfc8836.md")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown")
	return cmd
}

// measureRequirements does what the command requirements is asked for.
func measureRequirements(cmd *cobra.Command, o *requirementsOptions, list []rfc8836.Requirement) error {
	controllers, err := measuredControllers(o.controllers)
	if err != nil {
		return badInput(err)
	}
	m, err := planAnswers(list, o.library, controllers, o.seed)
	if err != nil {
		return badInput(fmt.Errorf("%w\nthe scenarios come with the source; --library names their folder", err))
	}
	stderr := cmd.ErrOrStderr()
	ctx, stop := interruptible(cmd.Context(), func() { fmt.Fprintln(stderr, "simrun: interrupted") })
	defer stop()
	err = m.measure(ctx, stderr, o.jobs)
	switch {
	case ctx.Err() != nil:
		return &exitError{code: ExitInterrupted}
	case err != nil:
		return &exitError{ExitInternal, err}
	}
	out := screenOf(cmd.OutOrStdout())
	switch {
	case o.json:
		if err := writeJSON(out, m.answers); err != nil {
			return &exitError{ExitInternal, err}
		}
	case o.markdown:
		fmt.Fprint(out, m.markdown())
	default:
		m.print(out)
	}
	return nil
}

// chosenOf8836 returns the requirements of the ids, all if there are none. A number stands
// for its letters, too.
func chosenOf8836(ids []string) ([]rfc8836.Requirement, error) {
	all := rfc8836.Requirements()
	if len(ids) == 0 {
		return all, nil
	}
	wanted := make([]bool, len(all))
	for _, id := range ids {
		found := false
		for i, r := range all {
			if r.ID == id || strings.TrimRight(r.ID, "abcdefg") == id {
				wanted[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("RFC 8836 has no requirement %q: write 1 to 11, perhaps with a letter, such as 1c, or security", id)
		}
	}
	var some []rfc8836.Requirement
	for i, r := range all {
		if wanted[i] {
			some = append(some, r)
		}
	}
	return some, nil
}

// measuredControllers checks names of controllers; without any it returns those that
// control something and hear enough by RFC 8888.
func measuredControllers(names []string) ([]string, error) {
	all := ccontrol.Names()
	for _, n := range names {
		if !slices.Contains(all, n) {
			return nil, fmt.Errorf("there is no controller %q: write one of %s", n, strings.Join(all, ", "))
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	for _, n := range all {
		if s, _ := ccontrol.Lookup(n); !s.Baseline && s.Needs != ccontrol.NeedsEstimate {
			names = append(names, n)
		}
	}
	return names, nil
}
