// Command simrun runs scenarios of RTP endpoints on a virtual network, judges
// the results and draws them.
package main

import (
	"os"

	_ "rtpfabric/ccontrol/builtin" // the controllers that scenarios can name
	"rtpfabric/cmd/simrun/simrun"
	_ "rtpfabric/topologies/pion" // pion as a stack of endpoints
)

func main() { os.Exit(simrun.Main()) }
