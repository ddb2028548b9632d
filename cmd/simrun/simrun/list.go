package simrun

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [FOLDER]",
		Short: "List the scenarios of a folder",
		Long:  `List the scenarios of a folder and the folders beneath, by default of scenarios.`,
		Example: lines(
			"simrun list",
			"simrun list scenarios/rfc8867",
		),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"scenarios"}
			}
			files, err := loadScenarios(args, nil, nil)
			if asJSON {
				list := []jsonScenario{}
				for _, f := range files {
					list = append(list, jsonScenarioOf(f))
				}
				return errors.Join(writeJSON(cmd.OutOrStdout(), list), badInputIf(err))
			}
			s := screenOf(cmd.OutOrStdout())
			c := s.columns(2, "file", "title", "reference", "runs")
			for _, f := range files {
				c.row(f.Path, s.ascii(f.Title), s.ascii(f.Runs[0].Scenario.Reference), strconv.Itoa(len(f.Runs)))
			}
			if len(files) > 0 {
				fmt.Fprint(s, c.String(4))
			}
			return badInputIf(err)
		},
		ValidArgsFunction: completeFolders,
	}
	addJSON(cmd, &asJSON)
	return cmd
}
