package simrun

import (
	"fmt"

	"github.com/spf13/cobra"

	"rtpfabric/topologies"
)

func interceptorsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "interceptors",
		Short: "List the parts of pion's stack that endpoints can have",
		Long: `List pion's interceptors that endpoints of ours can have in their sessions, with
their options:

  endpoints:
    A: {at: A, interceptors: [{type: gcc, options: {pacer: none}}]}

The first one stands next to the network. What one does the endpoint leaves to it.
In a pion stack they take the place of its own. See docs/hosting.md.`,
		Example: lines("simrun interceptors", "simrun interceptors --json"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), jsonInterceptors())
			}
			s := screenOf(cmd.OutOrStdout())
			c := s.columns(4, "type", "option", "default", "meaning")
			for _, k := range topologies.InterceptorKinds() {
				c.row(s.paint(bold, k.Name), "", "", s.ascii(k.Help))
				for _, o := range k.Options {
					c.row("", o.Name, o.Default, s.ascii(o.Help))
				}
			}
			fmt.Fprint(s, c.String())
			return nil
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}
