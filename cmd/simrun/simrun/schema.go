package simrun

import (
	"fmt"

	"github.com/spf13/cobra"

	"rtpfabric/scenarios"
)

func schemaCommand() *cobra.Command {
	reference := false
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of scenario files",
		Long: `Print a JSON Schema (draft 2020-12) of scenario files, for editors and other
programs: fields with what they mean, notations, possible values, defaults. An
editor with a YAML language server completes and checks a scenario whose first
line names the schema:

  # yaml-language-server: $schema=scenario.schema.json

What fields mean together a schema can't say; "simrun validate" does.

With --reference it prints the same for people: docs/reference.md.`,
		Example: lines("simrun schema > scenario.schema.json", "simrun schema --reference"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reference {
				_, err := fmt.Fprint(cmd.OutOrStdout(), scenarios.Reference())
				return err
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), string(scenarios.JSONSchema))
			return err
		},
	}
	cmd.Flags().BoolVar(&reference, "reference", false, "print a page of all fields in Markdown instead")
	return cmd
}
