package wire_test

import (
	"testing"

	"rtpfabric/endpoints/wire"
)

// §3.2: FMT 5, an empty FCI, length 2.
func TestSRReq(t *testing.T) {
	same(t, &wire.SRReq{SenderSSRC: 0x01020304, MediaSSRC: 0x11121314}, "85cd0002 01020304 11121314")
}
