package wire_test

import (
	"testing"

	"rtpfabric/endpoints/wire"
)

// §3.2.2: packet type 212, at least one source, none of which is the sender.
func TestRGRS(t *testing.T) {
	same(t, &wire.RGRS{SenderSSRC: 0x01020304, ReportingSources: []uint32{0x11121314, 0x21222324}},
		"82d40003 01020304 11121314 21222324")
	refused(t, &wire.RGRS{}, wire.ErrCount)
	refused(t, &wire.RGRS{ReportingSources: make([]uint32, 32)}, wire.ErrCount)
	refused(t, &wire.RGRS{SenderSSRC: 7, ReportingSources: []uint32{6, 7}}, wire.ErrRange)
	rejected(t, wire.ErrCount, "80d40001 01020304")
	rejected(t, wire.ErrRange, "81d40002 01020304 01020304")
	rejected(t, wire.ErrLength, "82d40002 01020304 11121314")
	rejected(t, wire.ErrLength, "81d40003 01020304 11121314 21222324")
}

// §3.2.2: "the RTCP packet contains additional padding octets".
func TestRGRSWithPadding(t *testing.T) {
	m := unmarshal(t, bytes(t, "a1d40003 01020304 11121314 00000004")).(*wire.RGRS)
	if len(m.ReportingSources) != 1 || m.ReportingSources[0] != 0x11121314 {
		t.Errorf("%v", m)
	}
}
