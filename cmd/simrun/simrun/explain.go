package simrun

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios"
)

func explainCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain NAME",
		Short: "Say what a field, a metric or a controller is",
		Long: `Say what a name means that stands in a scenario: a field, by its path or by the
end of it, a metric, or a rate controller.`,
		Example: lines(
			"simrun explain ice.trickle",
			"simrun explain network.links.bottleneck.forward.queue.type",
			"simrun explain queue-delay-p95",
			"simrun explain nada",
		),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			meanings, known := jsonMeaningsOf(args[0])
			switch {
			case !known:
				return badInput(fmt.Errorf("there is no field, metric or controller %q: %s", args[0], nearby(args[0])))
			case asJSON:
				return writeJSON(cmd.OutOrStdout(), meanings)
			}
			explain(screenOf(cmd.OutOrStdout()), args[0])
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return append(metricNames(), ccontrol.Names()...), cobra.ShellCompDirectiveNoFileComp
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

func metricNames() (names []string) {
	for _, m := range scenarios.Metrics() {
		names = append(names, m.Name)
	}
	return names
}

// explain says all that there is to say of a name.
func explain(s *screen, name string) {
	first := true
	paragraph := func() {
		if !first {
			fmt.Fprintln(s)
		}
		first = false
	}
	for _, m := range scenarios.Metrics() {
		if m.Name == name {
			paragraph()
			fmt.Fprintf(s, "%s: a metric of a %s, in %s\n  %s\n  {metric: %s, %s: …, max: %s}\n",
				s.paint(bold, name), m.Of, unitName(m.Unit), s.ascii(m.Doc), name, m.Of, m.Example)
		}
	}
	if spec, ok := ccontrol.Lookup(name); ok {
		paragraph()
		printController(s, &spec)
	}
	for _, f := range scenarios.Fields(name) {
		paragraph()
		explainField(s, &f)
	}
}

func explainField(s *screen, f *scenarios.Field) {
	fmt.Fprintf(s, "%s: a field\n", s.paint(bold, f.Path))
	for _, line := range []struct{ head, text string }{
		{"", s.ascii(f.About)},
		{"value: ", valueWords(f)},
		{"default: ", f.Default},
		{"possible: ", strings.Join(f.Values, ", ")},
		{"such as: ", f.Example},
		{"fields: ", strings.Join(f.Fields, ", ")},
	} {
		if line.text != "" {
			fmt.Fprintf(s, "  %s%s\n", line.head, line.text)
		}
	}
}

// valueWords says what notation a field has, if its possible values don't.
func valueWords(f *scenarios.Field) string {
	if len(f.Values) > 0 {
		return ""
	}
	return f.Kind
}

// nearby says where to look for a name that there isn't.
func nearby(name string) string {
	last := name[strings.LastIndexByte(name, '.')+1:]
	var like []string
	for _, candidate := range append(metricNames(), ccontrol.Names()...) {
		if strings.Contains(candidate, last) && len(like) < 8 {
			like = append(like, candidate)
		}
	}
	for _, f := range scenarios.Fields(last) {
		if len(like) < 8 {
			like = append(like, f.Path)
		}
	}
	if len(like) == 0 {
		return `"simrun metrics" and "simrun controllers" list those, docs/scenarios.md the fields`
	}
	return "perhaps " + strings.Join(slices.Compact(like), ", ")
}
