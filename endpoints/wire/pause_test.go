package wire_test

import (
	"testing"

	"rtpfabric/endpoints/wire"
)

// RFC 7728 §7: an FCI entry has the target's SSRC, the type in four bits, four that are 0, the length of what is specific to the
// type in words, and the PauseID.
func TestPauses(t *testing.T) {
	same(t, &wire.Pause{SenderSSRC: 0x01020304, Entries: []wire.PauseEntry{
		{Target: 0x0a0b0c0d, Type: wire.PauseRequest, ID: 0},
		{Target: 0x1a1b1c1d, Type: wire.ResumeRequest, ID: 0xfffe},
		{Target: 0x2a2b2c2d, Type: wire.Paused, ID: 3, LastSeq: 0x00018765},
		{Target: 0x3a3b3c3d, Type: wire.PauseRefused, ID: 4},
	}}, "89cd000b 01020304 00000000"+
		"0a0b0c0d 00000000"+
		"1a1b1c1d 1000fffe"+
		"2a2b2c2d 20010003 00018765"+
		"3a3b3c3d 30000004")
}

// What isn't known is skipped: reserved bits, what is specific to a type, and types from 4 on. What doesn't fit isn't read.
func TestForeignPauses(t *testing.T) {
	p, ok := unmarshal(t, bytes(t, "89cd000b 01020304 00000000"+
		"0a0b0c0d 0f020007 aaaaaaaa bbbbbbbb"+ // PAUSE
		"1a1b1c1d 40000000"+ // type 4
		"2a2b2c2d 20010001 00000009")).(*wire.Pause)
	if !ok || len(p.Entries) != 2 || p.Entries[0] != (wire.PauseEntry{Target: 0x0a0b0c0d, ID: 7}) || p.Entries[1].LastSeq != 9 {
		t.Errorf("%+v", p)
	}
	for _, form := range []string{
		"89cd0003 01020304 00000000 0a0b0c0d",                   // half an entry
		"89cd0004 01020304 00000000 0a0b0c0d 00010000",          // less than it says
		"89cd0004 01020304 00000000 0a0b0c0d 20000000",          // PAUSED without a number
		"89cd0005 01020304 00000000 0a0b0c0d 20020000 00000000", // and with less than it says
	} {
		if p, err := wire.Unmarshal(bytes(t, form)); err == nil {
			t.Errorf("%s is read as %v", form, p)
		}
	}
	refused(t, &wire.Pause{Entries: []wire.PauseEntry{{Type: 4}}}, wire.ErrRange)
}
