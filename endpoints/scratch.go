package endpoints

import (
	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
)

// Scratch is memory for what is of no use any more when the next packet comes or leaves. Endpoints that are
// called one after the other share it: if each had its own, none would be in a cache.
type Scratch struct {
	came     rtp.Header // of the packet that came last; a local one would escape
	elements headerext.Elements
	leaves   rtp.Header // of the one that leaves meanwhile
	inbox    inbox      // of RTCP that came
	hearing  hearing
	compound compound // RTCP that leaves
}
