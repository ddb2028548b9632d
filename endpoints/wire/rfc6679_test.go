package wire_test

import (
	"testing"

	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/wire"
)

// §5.1, figures 1 and 2: the 32-bit extended highest sequence number, the counters of
// ECT(0) and ECT(1) with 32 bits, those of CE, not-ECT, lost and duplicated packets with
// 16.
func TestECNFeedback(t *testing.T) {
	same(t, &wire.ECNFeedback{
		SenderSSRC: 0x01020304, MediaSSRC: 0x11121314, Highest: 0x0001fffe,
		Counters: ecn.Counters{ECT0: 0x00012345, ECT1: 0x80000001, CE: 0x0102, NotECT: 0xfffe, Lost: 0x0304, Duplicates: 0x0506},
	}, "88cd0007 01020304 11121314 0001fffe 00012345 80000001 0102fffe 03040506")
	same(t, &wire.ECNFeedback{SenderSSRC: 1, MediaSSRC: 2}, "88cd0007 00000001 00000002 00000000 00000000 00000000 00000000 00000000")
}

// §5.1: each packet is about one source.
func TestECNFeedbackMalformed(t *testing.T) {
	rejected(t, wire.ErrLength, "88cd0002 00000001 00000002")
	rejected(t, wire.ErrLength, "88cd0006 00000001 00000002 00000000 00000000 00000000 00000000")
	rejected(t, wire.ErrLength, "88cd0008 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000")
	rejected(t, wire.ErrTooShort, "88cd0001 00000001")
}
