// Package simrun is the command simrun. A program that registers controllers
// of its own and then calls [Main] is a simrun that has them:
//
//	package main
//
//	import (
//		"os"
//
//		_ "example.org/mine" // calls ccontrol.Register in an init function
//		_ "rtpfabric/ccontrol/builtin"
//		"rtpfabric/cmd/simrun/simrun"
//	)
//
//	func main() { os.Exit(simrun.Main()) }
package simrun

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// Version of the program.
const Version = "0.1.0"

// Main runs the command that the program's arguments ask for and returns the
// program's exit code.
func Main() int {
	if os.Getenv(apartVariable) != "" {
		return serveApart(os.Stdin, os.Stdout)
	}
	cmd := Command()
	return report(cmd.ErrOrStderr(), cmd.Execute())
}

// Command returns the whole command. Its errors carry an exit code, which
// [ExitCode] tells.
func Command() *cobra.Command {
	root := &cobra.Command{
		Use:   "simrun",
		Short: "Simulate RTP endpoints for congestion-control research",
		Long: `simrun runs scenario files on a virtual network of complete RTP endpoints,
judges the results, and draws them as pages that open offline. The same file
and seed give the same packets at the same nanoseconds on every machine.

Exit codes:
    0  every expectation is met
    1  an expectation isn't met, or a comparison finds a regression
    2  bad input or usage
    3  an internal error, a controller program that failed, or a result that
       couldn't be written
  130  interrupted; what was running is written, marked incomplete`,
		Example: lines(
			"simrun run scenarios/quickstart.yaml",
			"simrun list",
			"simrun help run",
		),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		runCommand(),
		testCommand(),
		replayCommand(),
		gymCommand(),
		validateCommand(),
		describeCommand(),
		controllersCommand(),
		interceptorsCommand(),
		newCommand(),
		listCommand(),
		metricsCommand(),
		schemaCommand(),
		explainCommand(),
		crosscheckCommand(),
		glareCommand(),
		ladderCommand(),
		requirementsCommand(),
		conformanceCommand(),
		compareCommand(),
		reportCommand(),
		exportCommand(),
		figuresCommand(),
		rtpLogCommand(),
		doctorCommand(),
		serveCommand(),
		versionCommand(),
	)
	return root
}

// lines indents the examples of a command.
func lines(examples ...string) string { return "  " + strings.Join(examples, "\n  ") }
