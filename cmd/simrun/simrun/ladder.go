package simrun

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"rtpfabric/plots"
	"rtpfabric/sim/record"
)

func ladderCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ladder DIR...",
		Short: "Print the messages of signalling of runs as ladders",
		Long: `Print who said what to whom before media flowed, and later: a line for each message
with the times at which it left and arrived, and one for each thing that happened
at a node. DIR is the folder of a run that "simrun run" has written.`,
		Example: lines(
			"simrun run scenarios/signalling/glare.yaml --out /tmp/glare",
			"simrun ladder /tmp/glare/glare/*",
		),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if asJSON {
				return printLadders(cmd, dirs)
			}
			out := screenOf(cmd.OutOrStdout())
			for i, dir := range dirs {
				r, err := record.Read(dir)
				if err != nil {
					return badInput(err)
				}
				if len(dirs) > 1 {
					if i > 0 {
						fmt.Fprintln(out)
					}
					fmt.Fprintf(out, "%s\n", filepath.Clean(dir))
				}
				drawn, err := plots.Ladder(out, r)
				if err != nil {
					return &exitError{ExitInternal, err}
				}
				if !drawn {
					return badInput(fmt.Errorf("%s: nobody has signalled in that run; its scenario has no \"signalling:\", or nobody wanted anything", dir))
				}
			}
			return nil
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// jsonLadder is the signalling of a run.
type jsonLadder struct {
	Folder   string           `json:"folder"`
	Messages []record.Message `json:"messages"`
	Events   []record.Event   `json:"events"` // all of the run
}

func printLadders(cmd *cobra.Command, dirs []string) error {
	list := []jsonLadder{}
	for _, dir := range dirs {
		r, err := record.ReadOnly(dir, record.MessagesFile, record.EventsFile)
		if err != nil {
			return badInput(err)
		}
		list = append(list, jsonLadder{filepath.ToSlash(filepath.Clean(dir)), append([]record.Message{}, r.Messages...), append([]record.Event{}, r.Events...)})
	}
	return writeJSON(cmd.OutOrStdout(), list)
}
