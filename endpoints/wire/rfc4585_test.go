package wire_test

import (
	"testing"

	"rtpfabric/endpoints/wire"
)

// §6.3.3.2, figure 7. The string of 25 bits leaves 32-16-25+32 = 23 unused.
func TestRPSI(t *testing.T) {
	same(t, &wire.RPSI{
		SenderSSRC: 0x01020304, MediaSSRC: 0x11121314, PayloadType: 96,
		BitString: []byte{0xca, 0xfe, 0xba, 0x80}, Bits: 25,
	}, "83ce0004 01020304 11121314 1760cafe ba800000")
	same(t, &wire.RPSI{
		SenderSSRC: 1, MediaSSRC: 2, PayloadType: 34, BitString: []byte{0xab, 0xcd}, Bits: 16,
	}, "83ce0003 00000001 00000002 0022abcd")
	same(t, &wire.RPSI{SenderSSRC: 1, MediaSSRC: 2, PayloadType: 34},
		"83ce0003 00000001 00000002 10220000")
}

// The bit before the payload type is ignored, and so is what padding holds.
func TestRPSIIgnores(t *testing.T) {
	m := unmarshal(t, bytes(t, "83ce0003 00000001 00000002 09e0ffff")).(*wire.RPSI)
	if m.PayloadType != 96 || m.Bits != 7 || len(m.BitString) != 1 || m.BitString[0] != 0xfe {
		t.Errorf("%v", m)
	}
}

func TestRPSIMalformed(t *testing.T) {
	rejected(t, wire.ErrTooShort, "83ce0002 00000001 00000002")
	rejected(t, wire.ErrPadding, "83ce0003 00000001 00000002 1160ffff")          // 17 of 16 bits
	rejected(t, wire.ErrPadding, "83ce0004 00000001 00000002 2060ffff ffffffff") // more than a word
	refused(t, &wire.RPSI{PayloadType: 128}, wire.ErrRange)
	refused(t, &wire.RPSI{BitString: []byte{1}, Bits: 9}, wire.ErrRange)
	refused(t, &wire.RPSI{Bits: -1}, wire.ErrRange)
}

// RFC 7741 §5.1: the native RPSI bit string is the PictureID, 7 or 15 bits.
func TestVP8RPSI(t *testing.T) {
	same(t, wire.NewVP8RPSI(1, 2, 100, 0x55, false), "83ce0003 00000001 00000002 0964aa00")
	same(t, wire.NewVP8RPSI(1, 2, 100, 0x5555, true), "83ce0003 00000001 00000002 0164aaaa")
	for _, id := range []uint16{0, 1, 100, 127} {
		if got, long, ok := wire.NewVP8RPSI(1, 2, 3, id, false).VP8PictureID(); got != id || long || !ok {
			t.Errorf("%d: %d, %v, %v", id, got, long, ok)
		}
	}
	for _, id := range []uint16{0, 127, 128, 32767} {
		if got, long, ok := wire.NewVP8RPSI(1, 2, 3, id, true).VP8PictureID(); got != id || !long || !ok {
			t.Errorf("%d: %d, %v, %v", id, got, long, ok)
		}
	}
	if _, _, ok := (wire.RPSI{BitString: []byte{1, 2}, Bits: 16}).VP8PictureID(); ok {
		t.Error("16 bits taken for a PictureID")
	}
}
