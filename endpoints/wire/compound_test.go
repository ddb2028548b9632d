package wire_test

import (
	"errors"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/wire"
)

const (
	report      = "80c90001 01020304"
	description = "81ca0002 01020304 01016100"
	request     = "83cd0004 01020304 00000000 11121314 01117028"
)

// RFC 8834 §4.1: a packet of an unknown type, and a malformed one, between others
// leave these as they are.
//
// conformance: RTP-4.1-21
func TestUnknownInCompound(t *testing.T) {
	for odd, malformed := range map[string]int{
		"80d30002 deadbeef 00000001":          0, // PT 211
		"87ce0002 01020304 11121314":          0, // PSFB, FMT 7
		"83cd0003 01020304 00000000 11121314": 1, // half a TMMBR
		"80d40001 01020304":                   1, // RGRS without sources
		"85ca0002 01020304 01016100":          1, // SDES with one of five chunks
		"81c90001 01020304":                   1, // RR without its block
	} {
		got, n, err := wire.Compound(nil, bytes(t, report+odd+description+request))
		if err != nil || n != malformed || len(got) != 4-malformed {
			t.Errorf("%s: %v, %d malformed, %v", odd, got, n, err)
			continue
		}
		_, isReport := got[0].(*rtcp.ReceiverReport)
		d, isDescription := got[len(got)-2].(*rtcp.SourceDescription)
		m, isRequest := got[len(got)-1].(*wire.TMMBR)
		if !isReport || !isDescription || !isRequest || m.Limits[0].SSRC != 0x11121314 {
			t.Errorf("%s: %v", odd, got)
			continue
		}
		if text, _ := wire.Item(d, 0x01020304, rtcp.SDESCNAME); text != "a" {
			t.Errorf("CNAME %q", text)
		}
	}
}

// RFC 3550 §A.2: lengths have to add up, and padding is in the last packet only.
func TestCompoundLengths(t *testing.T) {
	for form, want := range map[string]error{
		"":                                    wire.ErrTooShort,
		report + "80c90002 01020304":          wire.ErrLength,
		"a0c90002 01020304 00000004" + report: wire.ErrPadding,
	} {
		before := []rtcp.Packet{&wire.TMMBN{}}
		if got, n, err := wire.Compound(before, bytes(t, form)); !errors.Is(err, want) || len(got) != 1 || n != 0 {
			t.Errorf("%s: %v, %d, %v, want %v", form, got, n, err, want)
		}
	}
	for _, form := range []string{report + "00", report + "80c9", report + "00c90001 01020304"} {
		if got, _, err := wire.Compound(nil, bytes(t, form)); err == nil {
			t.Errorf("%s: %v", form, got)
		}
	}
	// Transport-wide feedback fills up its last word in any place.
	got, n, err := wire.Compound(nil, bytes(t, report+"afcd0005 01020304 11121314 00010001 00000100 20010401"+description))
	if err != nil || n != 0 || len(got) != 3 {
		t.Errorf("%v, %d malformed, %v", got, n, err)
	}
	got, n, err = wire.Compound(nil, bytes(t, report+"a0c90002 01020304 00000004"))
	if err != nil || n != 0 || len(got) != 2 {
		t.Errorf("%v, %d malformed, %v", got, n, err)
	}
}

// A bad block of an extended report leaves the others.
func TestExtendedReport(t *testing.T) {
	x, ok := unmarshal(t, bytes(t, "80cf0006 00000005 06000000 04000002 00000001 00000002 04000000")).(*rtcp.ExtendedReport)
	if !ok || len(x.Reports) != 1 {
		t.Errorf("%v", x)
	}
	if p, err := wire.Unmarshal(bytes(t, "80cf0002 00000005 04000009")); err == nil {
		t.Errorf("%v", p)
	}
}

func FuzzCompound(f *testing.F) {
	for _, form := range []string{
		report + description + request, report + "80d30002 deadbeef 00000001" + description, "a0c90002 01020304 00000004",
	} {
		f.Add(bytes(f, form))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := string(b)
		packets, malformed, err := wire.Compound(nil, b)
		if string(b) != before {
			t.Fatal("the packet has changed")
		}
		if err != nil {
			if len(packets) != 0 || malformed != 0 {
				t.Fatalf("%v, %d malformed, in spite of %v", packets, malformed, err)
			}
			return
		}
		n := 0
		for rest := b; len(rest) > 0; rest = rest[4*(int(rest[2])<<8+int(rest[3])+1):] {
			n++
		}
		if len(packets)+malformed != n {
			t.Fatalf("%d packets and %d malformed ones of %d", len(packets), malformed, n)
		}
		for _, p := range packets {
			p.DestinationSSRC()
		}
	})
}

// FuzzTypes gives every parser bytes behind a header of its own type.
func FuzzTypes(f *testing.F) {
	for i := range uint8(6) {
		f.Add(i, uint8(1), bytes(f, "01020304 00000000 11121314 01117028"))
	}
	f.Fuzz(func(t *testing.T, kind, count uint8, body []byte) {
		p := []rtcp.Packet{&wire.TMMBR{}, &wire.TMMBN{}, &wire.TSTR{}, &wire.TSTN{}, &wire.RPSI{}, &wire.RGRS{}}[kind%6]
		head := [][2]byte{{0x83, 205}, {0x84, 205}, {0x85, 206}, {0x86, 206}, {0x83, 206}, {0x80 | count&31, 212}}[kind%6]
		body = body[:min(len(body), 2000)/4*4]
		b := append([]byte{head[0], head[1], byte(len(body) / 4 >> 8), byte(len(body) / 4)}, body...)
		if err := p.Unmarshal(b); err != nil {
			return
		}
		if got, err := wire.Unmarshal(b); err != nil {
			t.Fatalf("%T reads %x, Unmarshal says %v", p, b, err)
		} else if got.MarshalSize() != p.MarshalSize() {
			t.Fatalf("%v and %v", got, p)
		}
		// Padding changes nothing.
		padded := append(append([]byte(nil), b...), 0, 0, 0, 4)
		padded[0] |= 0x20
		padded[2], padded[3] = byte((len(padded)/4-1)>>8), byte(len(padded)/4-1)
		got, err := wire.Unmarshal(padded)
		if err != nil || got.(interface{ String() string }).String() != p.(interface{ String() string }).String() {
			t.Fatalf("%v with padding is %v, %v", p, got, err)
		}
	})
}
