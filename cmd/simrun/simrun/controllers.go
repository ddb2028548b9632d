package simrun

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/ccontrol"
)

func controllersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "controllers [NAME]",
		Short: "List the rate controllers and their parameters",
		Long: `List the rate controllers that a scenario can name, with the parameters that it
can set:

  congestion: {controller: nada, feedback: rfc8888, parameters: {xref: 10ms}}

A controller may also be a program, see docs/external-controllers.md:

  congestion: {controller: {exec: [python3, my.py], protocol: simrun-v1}}`,
		Example: lines(
			"simrun controllers",
			"simrun controllers nada",
		),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			names := ccontrol.Names()
			if len(args) > 0 {
				if _, ok := ccontrol.Lookup(args[0]); !ok {
					return badInput(fmt.Errorf("there is no controller %q: write one of %s", args[0], strings.Join(names, ", ")))
				}
				names = args
			}
			if asJSON {
				list := []jsonController{}
				for _, name := range names {
					spec, _ := ccontrol.Lookup(name)
					list = append(list, jsonControllerOf(&spec))
				}
				return writeJSON(cmd.OutOrStdout(), list)
			}
			s := screenOf(cmd.OutOrStdout())
			for i, name := range names {
				if i > 0 {
					fmt.Fprintln(s)
				}
				spec, _ := ccontrol.Lookup(name)
				printController(s, &spec)
			}
			return nil
		},
		ValidArgsFunction: completeControllers,
	}
	addJSON(cmd, &asJSON)
	return cmd
}

func printController(s *screen, spec *ccontrol.Spec) {
	fmt.Fprintf(s, "%s: %s (%s)\n", s.paint(bold, spec.Name), s.ascii(spec.Summary), s.ascii(spec.Source))
	if spec.Needs != ccontrol.NeedsNothing {
		fmt.Fprintf(s, "needs %s\n", spec.Needs)
	}
	printParameters(s, spec)
	printSignals(s, "signal", spec.Signals)
	printSignals(s, "signal of receivers", spec.EstimatorSignals)
}

func printSignals(s *screen, head string, signals []ccontrol.Signal) {
	if len(signals) == 0 {
		return
	}
	fmt.Fprintln(s)
	c := s.columns(4, head, "unit", "meaning", "source")
	for _, g := range signals {
		c.row(g.Name, g.Unit, s.ascii(g.Help), s.ascii(g.Source))
	}
	fmt.Fprint(s, c.String())
}

func printParameters(s *screen, spec *ccontrol.Spec) {
	if len(spec.Parameters) == 0 {
		fmt.Fprintln(s, "no parameters")
		return
	}
	fmt.Fprintln(s)
	c := s.columns(5, "parameter", "kind", "default", "range", "meaning", "source")
	for i := range spec.Parameters {
		p := &spec.Parameters[i]
		c.row(p.Name, string(p.Kind), p.Default, limits(p), s.ascii(p.Help), s.ascii(p.Source))
	}
	fmt.Fprint(s, c.String())
}

// limits writes the range of a parameter, or its choices.
func limits(p *ccontrol.Parameter) string {
	unit := ""
	switch p.Kind {
	case ccontrol.KindDuration:
		unit = "s"
	case ccontrol.KindRate:
		return ""
	case ccontrol.KindChoice:
		return strings.Join(p.Choices, ", ")
	case ccontrol.KindNumber:
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) + unit }
	switch {
	case p.Max != 0:
		return number(p.Min) + ".." + number(p.Max)
	case p.Min != 0:
		return "from " + number(p.Min)
	}
	return ""
}
