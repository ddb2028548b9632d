// Command simrun is simrun with a controller of our own besides those it comes with.
package main

import (
	"os"

	_ "example.org/mine/aimd" // calls ccontrol.Register

	_ "rtpfabric/ccontrol/builtin"
	"rtpfabric/cmd/simrun/simrun"
)

func main() { os.Exit(simrun.Main()) }
