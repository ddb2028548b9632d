// Package builtin registers every controller that comes with the program.
package builtin

import (
	_ "rtpfabric/ccontrol/fixed"    // fixed
	_ "rtpfabric/ccontrol/gcc"      // gcc
	_ "rtpfabric/ccontrol/nada"     // nada
	_ "rtpfabric/ccontrol/remb"     // remb
	_ "rtpfabric/ccontrol/rrloss"   // rr-loss
	_ "rtpfabric/ccontrol/scream"   // scream, scream-v2
	_ "rtpfabric/ccontrol/stubborn" // never-back-off
	_ "rtpfabric/ccontrol/tfrc"     // tfrc
)
