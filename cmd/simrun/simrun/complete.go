package simrun

import (
	"github.com/spf13/cobra"

	"rtpfabric/ccontrol"
)

// completeScenarios completes the names of scenario files and of folders.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeFolders completes the names of folders.
func completeFolders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeControllers completes the name of a controller.
func completeControllers(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ccontrol.Names(), cobra.ShellCompDirectiveNoFileComp
}

// completeRequirements completes the id of a requirement.
func completeRequirements(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	if len(args) == 0 {
		for _, r := range checklist() {
			ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Text))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
