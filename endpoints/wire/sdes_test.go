package wire_test

import (
	"strings"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/wire"
)

// RFC 8861 §6, RFC 8852 §3 and RFC 9143 §15.1: 11, 12, 13 and 15. pion passes
// such items on.
func TestSDESItems(t *testing.T) {
	//                 SSRC     CNAME "a"  RGRP "g"  RID "hi" RRID "lo"  MID "0" end
	const form = "81ca0006 01020304 010161 0b0167 0c026869 0d026c6f 0f0130 00 0000"
	d := unmarshal(t, bytes(t, form)).(*rtcp.SourceDescription)
	for item, want := range map[rtcp.SDESType]string{
		rtcp.SDESCNAME: "a", wire.SDESRGRP: "g", wire.SDESRtpStreamID: "hi",
		wire.SDESRepairedRtpStreamID: "lo", wire.SDESMID: "0",
	} {
		if got, ok := wire.Item(d, 0x01020304, item); got != want || !ok {
			t.Errorf("item %d: %q, %v, want %q", uint8(item), got, ok, want)
		}
	}
	if _, ok := wire.Item(d, 5, wire.SDESMID); ok {
		t.Error("an item of another SSRC")
	}
	if _, ok := wire.Item(d, 0x01020304, rtcp.SDESNote); ok {
		t.Error("an item that isn't there")
	}
	if got := marshal(t, d); string(got) != string(bytes(t, form)) {
		t.Errorf("written as %x", got)
	}
}

func TestValidStreamID(t *testing.T) {
	for s, want := range map[string]bool{
		"1": true, "hiLO9": true, strings.Repeat("a", 255): true,
		"": false, "a-b": false, "a_b": false, "é": false, "a b": false, strings.Repeat("a", 256): false,
	} {
		if wire.ValidStreamID(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

// RFC 3550 §6.5: items of unknown types, of the end's or of any length, leave the
// others readable; the first value of an item counts.
func TestUnknownItems(t *testing.T) {
	//                 SSRC     item 200 "??"  PRIV "x"   CNAME "a" CNAME "b" item 99 ""   MID "0" end
	const form = "81ca0006 01020304 c8023f3f 08020178 010161 010162 6300 0f0130 00"
	d := unmarshal(t, bytes(t, form)).(*rtcp.SourceDescription)
	for item, want := range map[rtcp.SDESType]string{rtcp.SDESCNAME: "a", wire.SDESMID: "0", 200: "??", 99: ""} {
		if got, ok := wire.Item(d, 0x01020304, item); got != want || !ok {
			t.Errorf("item %d: %q, %v, want %q", uint8(item), got, ok, want)
		}
	}
	if p, err := wire.Unmarshal(bytes(t, "81ca0002 01020304 010a6100")); err == nil {
		t.Errorf("an item longer than the packet: %v", p)
	}
}
