package wire_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/wire"
)

func bytes(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func marshal(t *testing.T, p rtcp.Packet) []byte {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	if len(b) != p.MarshalSize() {
		t.Errorf("%v has %d octets, MarshalSize says %d", p, len(b), p.MarshalSize())
	}
	return b
}

func unmarshal(t *testing.T, b []byte) rtcp.Packet {
	t.Helper()
	p, err := wire.Unmarshal(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return p
}

// same checks that the packet has that form, and the form that meaning.
func same(t *testing.T, p rtcp.Packet, form string) {
	t.Helper()
	want := bytes(t, form)
	if got := marshal(t, p); string(got) != string(want) {
		t.Errorf("%v is\n%x, want\n%x", p, got, want)
	}
	if got := unmarshal(t, want); !reflect.DeepEqual(got, p) {
		t.Errorf("%x is read as\n%v, want\n%v", want, got, p)
	}
}

func refused(t *testing.T, p rtcp.Packet, want error) {
	t.Helper()
	if _, err := p.Marshal(); !errors.Is(err, want) {
		t.Errorf("Marshal of %v: %v, want %v", p, err, want)
	}
}

func rejected(t *testing.T, want error, form string) {
	t.Helper()
	if p, err := wire.Unmarshal(bytes(t, form)); !errors.Is(err, want) {
		t.Errorf("%s: %v, %v, want %v", form, p, err, want)
	}
}

// RFC 3550 §6.4.1: padding comes in fours and isn't contents. Without its
// removal pion takes it for packets that a NACK asks for.
func TestPadding(t *testing.T) {
	b := bytes(t, "a1cd0005 01020304 11121314 00070000 00000000 00000008")
	before := string(b)
	p := unmarshal(t, b).(*rtcp.TransportLayerNack)
	if len(p.Nacks) != 1 || p.Nacks[0].PacketID != 7 {
		t.Errorf("%v", p)
	}
	if string(b) != before {
		t.Error("the packet that was read has changed")
	}
	m := unmarshal(t, bytes(t, "a4cd0003 01020304 00000000 00000004")).(*wire.TMMBN)
	if m.SenderSSRC != 0x01020304 || len(m.Limits) != 0 {
		t.Errorf("%v", m)
	}
	for _, last := range []string{"00", "03", "05", "10", "ff"} {
		rejected(t, wire.ErrPadding, "a4cd0003 01020304 00000000 000000"+last)
	}
	if err := new(wire.TMMBN).Unmarshal(bytes(t, "a4cd0003 01020304 00000000 00000004")); !errors.Is(err, wire.ErrPadding) {
		t.Errorf("padding left on: %v", err)
	}
}

// What nobody knows comes out as it is.
func TestUnknown(t *testing.T) {
	for _, form := range []string{
		"80d30001 01020304",                    // PT 211
		"9fcd0002 01020304 11121314",           // RTPFB, FMT 31
		"87ce0003 01020304 11121314 deadbeef",  // PSFB, FMT 7: VBCM
		"8fce0003 01020304 11121314 deadbeef",  // AFB that isn't REMB
		"8fce0002 01020304 11121314",           // AFB that is empty
		"82cd0002 01020304 11121314",           // reserved (RFC 5104 §4.2)
		"80d20002 01020304 11121314",           // PT 210
		"90cd0003 01020304 11121314 00000000 ", // FMT 16
	} {
		raw, ok := unmarshal(t, bytes(t, form)).(*rtcp.RawPacket)
		if !ok || string(*raw) != string(bytes(t, form)) {
			t.Errorf("%s: %v", form, raw)
		}
	}
	remb := bytes(t, "8fce0005 01020304 00000000 52454d42 01000001 11121314")
	if _, ok := unmarshal(t, remb).(*rtcp.ReceiverEstimatedMaximumBitrate); !ok {
		t.Error("REMB isn't read as such")
	}
}

func TestOnePacketOnly(t *testing.T) {
	rejected(t, wire.ErrLength, "85cd0002 01020304 11121314 85cd0002 01020304 11121314")
	rejected(t, wire.ErrLength, "85cd0002 01020304")
	for _, form := range []string{"", "85", "05cd0002 01020304 11121314"} {
		if p, err := wire.Unmarshal(bytes(t, form)); err == nil {
			t.Errorf("%q: %v", form, p)
		}
	}
}

// Each type refuses the bytes of others, and has a text.
func TestTypes(t *testing.T) {
	all := map[rtcp.Packet]string{
		&wire.TMMBR{}:       "83cd0004 00000001 00000000 00000002 00000000",
		&wire.TMMBN{}:       "84cd0004 00000001 00000000 00000002 00000000",
		&wire.TSTR{}:        "85ce0004 00000001 00000000 00000002 00000000",
		&wire.TSTN{}:        "86ce0004 00000001 00000000 00000002 00000000",
		&wire.RPSI{}:        "83ce0003 00000001 00000002 00000000",
		&wire.ECNFeedback{}: "88cd0007 00000001 00000002 00000003 00000004 00000005 00060007 00080009",
		&wire.RGRS{}:        "81d40002 00000001 00000002",
	}
	for p, own := range all {
		for _, form := range all {
			err := p.Unmarshal(bytes(t, form))
			if form == own && err != nil || form != own && !errors.Is(err, wire.ErrType) {
				t.Errorf("%T reads %s: %v", p, form, err)
			}
		}
		for n := range len(bytes(t, own)) {
			if err := p.Unmarshal(bytes(t, own)[:n]); err == nil {
				t.Errorf("%T takes its first %d octets", p, n)
			}
		}
		s, ok := p.(interface{ String() string })
		if !ok || !strings.Contains(s.String(), reflect.TypeOf(p).Elem().Name()+" from 00000001") {
			t.Errorf("%T has the text %q", p, s)
		}
		if err := p.Unmarshal(bytes(t, own)); err != nil || len(p.DestinationSSRC()) != 1 || p.DestinationSSRC()[0] != 2 {
			t.Errorf("%T is for %x, %v", p, p.DestinationSSRC(), err)
		}
	}
}

// What is read can be written, and means the same then.
func FuzzUnmarshal(f *testing.F) {
	for _, form := range []string{
		"83cd0004 01020304 00000000 11121314 01117028", "84cd0002 00000005 00000000",
		"85ce0004 01020304 00000000 11121314 ff00001f", "86ce0004 01020304 00000000 11121314 01000010",
		"83ce0004 01020304 11121314 1760cafe ba800000", "85cd0002 01020304 11121314",
		"82d40003 01020304 11121314 21222324", "a1cd0005 01020304 11121314 00070000 00000000 00000008",
		"8fce0005 01020304 00000000 52454d42 01000001 11121314",
		"88cd0007 01020304 11121314 0001fffe 00012345 80000001 0102fffe 03040506",
		"81ca0006 01020304 010161 0b0167 0c026869 0d026c6f 0f0130 00 0000",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(form, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := wire.Unmarshal(b)
		if err != nil {
			return
		}
		p.DestinationSSRC()
		switch p := p.(type) {
		case *wire.TSTN:
			for i := range p.TradeOffs { // others may differ, ours may not
				p.TradeOffs[i].Index = 3
			}
		case *wire.TMMBR, *wire.TMMBN, *wire.TSTR, *wire.RPSI, *wire.RGRS, *wire.ECNFeedback:
		case *rtcp.SourceDescription:
			wire.Item(p, 1, wire.SDESMID)
			return
		default:
			return // pion's
		}
		again := unmarshal(t, marshal(t, p))
		if !reflect.DeepEqual(again, p) {
			t.Errorf("%v becomes %v", p, again)
		}
	})
}
