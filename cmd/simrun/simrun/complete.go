package simrun

import (
	"github.com/spf13/cobra"

	"rtpfabric/ccontrol"
	"rtpfabric/scenarios/rfc8836"
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

// completeRFC8836 completes the ids of RFC 8836's requirements.
func completeRFC8836(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	for _, r := range rfc8836.Requirements() {
		ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Text))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
