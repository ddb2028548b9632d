package simrun

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func conformanceCommand() *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "conformance [ID]",
		Short: "List the requirements that are built and what shows it",
		Long: `List the requirements of the conformance checklist that are built, with the tests
that show it and the scenarios that show it at work. A requirement without a
test isn't built. ID is that of a requirement or the beginning of some.

The last line counts the requirements of each tier:
  A  a keyword or a numbered rule of the sources
  B  a behaviour that the sources describe without one
  C  found only in the final standards, and needed for A and B

The sources, which --json tells, are
  000  the e-mail on cloning a PeerConnection, 2012-05-07
  001  the e-mail on forking and early media, 2011-09-21
  002  the e-mail on glare, 2011-10-18
  003  draft-ietf-rtcweb-rtp-usage of 2012-07-16, with the appendix A`,
		Example: lines(
			"simrun conformance",
			"simrun conformance RTP-4.1",
			"simrun conformance --all --json",
		),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list := checklist()
			if len(args) > 0 {
				list = chosen(list, args[0])
				if len(list) == 0 {
					return badInput(fmt.Errorf("there is no requirement %q: write an id such as RTP-4.1-14 or the beginning of some, such as RTP-4.1", args[0]))
				}
			}
			shown := []requirement{} // [] rather than null
			for _, r := range list {
				if r.Built || all {
					shown = append(shown, r)
				}
			}
			if asJSON {
				if err := writeJSON(cmd.OutOrStdout(), shown); err != nil {
					return &exitError{ExitInternal, err}
				}
				return nil
			}
			printRequirements(screenOf(cmd.OutOrStdout()), shown)
			fmt.Fprintln(cmd.OutOrStdout(), countBuilt(list))
			return nil
		},
		ValidArgsFunction: completeRequirements,
	}
	cmd.Flags().BoolVar(&all, "all", false, "list those that aren't built, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the requirements as JSON")
	return cmd
}

// printRequirements prints a table, if there is anything in it, with a line for
// each test and scenario.
func printRequirements(s *screen, list []requirement) {
	if len(list) == 0 {
		return
	}
	c := s.columns(2, "id", "requirement", "tests", "scenario")
	for _, r := range list {
		tests := make([]string, len(r.Tests))
		for i, t := range r.Tests {
			tests[i] = t.String()
		}
		c.row(r.ID, s.ascii(r.Text), strings.Join(tests, "\n"), strings.Join(r.Scenarios, "\n"))
	}
	fmt.Fprint(s, c.String())
}

// countBuilt says how many requirements of each tier are built, of the tiers
// that occur.
func countBuilt(list []requirement) string {
	built, all := map[string]int{}, map[string]int{}
	for _, r := range list {
		all[r.Tier]++
		if r.Built {
			built[r.Tier]++
		}
	}
	var counts []string
	for _, tier := range tiers {
		if all[tier] > 0 {
			counts = append(counts, fmt.Sprintf("%d of %d %s", built[tier], all[tier], tier))
		}
	}
	return "built: " + strings.Join(counts, ", ")
}
