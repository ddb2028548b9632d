package simrun

import (
	"fmt"

	"github.com/spf13/cobra"
)

func validateCommand() *cobra.Command {
	var set, vary []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate FILE|FOLDER...",
		Short: "Check scenario files without running them",
		Long: `Check every variation of every scenario file as run would do before it begins.
What is wrong is printed with file, line, column and what would be right. A direction
of a call that two controllers control, or none, is a warning.`,
		Example: lines(
			"simrun validate scenarios",
			"simrun validate my.yaml --set duration=10s",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := loadScenarios(args, set, vary)
			if asJSON {
				if e := writeJSON(cmd.OutOrStdout(), jsonCheckOf(files, err)); e != nil {
					return e
				}
				if err != nil {
					return &exitError{code: ExitUsage} // what is wrong has been printed
				}
				return nil
			}
			for _, f := range files {
				fmt.Fprintf(cmd.OutOrStdout(), "ok: %s (%s)\n", f.Path, countRuns(len(f.Runs)))
			}
			warn(screenOf(cmd.ErrOrStderr()), files)
			return badInputIf(err)
		},
		ValidArgsFunction: completeScenarios,
	}
	addSet(cmd, &set)
	addVary(cmd, &vary)
	addJSON(cmd, &asJSON)
	return cmd
}

// addVary adds the flag that adds to the matrix of scenarios.
func addVary(cmd *cobra.Command, vary *[]string) {
	cmd.Flags().StringArrayVar(vary, "vary", nil, "vary a field: `path=values`, an axis of the matrix instead of the file's or in addition (repeatable)")
}

// addSet adds the flag that changes fields of scenarios.
func addSet(cmd *cobra.Command, set *[]string) {
	cmd.Flags().StringArrayVar(set, "set", nil, "set a field of the scenario, `path=value`; replaces an axis of the matrix (repeatable)")
}
