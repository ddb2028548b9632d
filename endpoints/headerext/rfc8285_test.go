package headerext_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// elements prints what a reader finds: id:data, and "!" if the last one was
// too long.
func elements(t *testing.T, block []byte) string {
	t.Helper()
	r, ok := headerext.NewReader(block)
	if !ok {
		return "not RFC 8285"
	}
	var out []string
	for id, data, ok := r.Next(); ok; id, data, ok = r.Next() {
		out = append(out, fmt.Sprintf("%d:%x", id, data))
	}
	if r.Malformed() {
		out = append(out, "!")
	}
	return strings.Join(out, " ")
}

// §4.1.2, §4.2, §4.3.
//
// conformance: HDR-5.2-1
func TestReader(t *testing.T) {
	for _, c := range []struct{ name, block, want string }{
		{"the example of §4.2", "bede0003 10aa 21bbcc 0000 33dddddddd 00", "1:aa 2:bbcc 3:dddddddd"},
		{"the example of §4.3", "10000003 0100 0201bb 00 0304dddddddd", "1: 2:bb 3:dddddddd"},
		{"no elements", "bede0000", ""},
		{"only padding", "bede0001 00000000", ""},
		{"one-byte, 16 octets, the most", "bede0005 ef 000102030405060708090a0b0c0d0e0f 000000", "14:000102030405060708090a0b0c0d0e0f"},
		{"two-byte, id 255", "10000001 ff020102", "255:0102"},
		{"two-byte, id 15 is an id like others", "10000001 0f020102", "15:0102"},
		{"appbits", "100f0001 01020102", "1:0102"},
		{"one-byte: id 15 ends it, whatever its length", "bede0002 10aa f0 10 10bb10cc", "1:aa"},
		{"one-byte: id 0 with a length ends it", "bede0002 10aa 03 10 10bb10cc", "1:aa"},
		{"two-byte: id 0 is padding and has no length", "10000002 00 0101aa 00 00 00 00", "1:aa"},
		{"two-byte: length of 0 at the end", "10000001 00000100", "1:"},
		{"one-byte: element longer than the block", "bede0001 10aa 2f bb", "1:aa !"},
		{"two-byte: element longer than the block", "10000001 0101aa 02", "1:aa !"},
		{"two-byte: length missing", "10000001 00000002", "!"},
		{"another profile", "1234000110aa10bb", "not RFC 8285"},
		{"Cryptex", "c0de000110aa10bb", "not RFC 8285"},
		{"no head", "bede00", "not RFC 8285"},
	} {
		if got := elements(t, unhex(t, c.block)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAppBits(t *testing.T) {
	r, ok := headerext.NewReader(unhex(t, "100b0001 01020102"))
	if !ok || r.Form() != headerext.TwoByte || r.AppBits() != 0xb {
		t.Errorf("appbits %#x, %v, %v", r.AppBits(), r.Form(), ok)
	}
}

// What a writer writes, a reader reads, and so does pion/rtp.
//
// conformance: HDR-5.2-1
func TestRoundTrip(t *testing.T) {
	for _, form := range []headerext.Form{headerext.OneByte, headerext.TwoByte} {
		least, most, top := 1, 16, 14
		if form == headerext.TwoByte {
			least, most, top = 0, 255, 255
		}
		for n := least; n <= most; n++ {
			var want []string
			w := headerext.NewWriter(make([]byte, 12), form)
			for i, id := range []int{1, 2, top} {
				data := bytes.Repeat([]byte{byte(0x10*i + n)}, n)
				if !w.Add(uint8(id), data) {
					t.Fatalf("%v: id %d with %d octets is refused", form, id, n)
				}
				w.Pad(i)
				want = append(want, fmt.Sprintf("%d:%x", id, data))
			}
			packet := w.Finish()
			packet[0] = 0x90
			if len(packet)%4 != 0 {
				t.Fatalf("%v, %d octets: block isn't of whole words", form, n)
			}
			block, ok := headerext.Block(packet)
			if !ok || len(block) != len(packet)-12 {
				t.Fatalf("%v, %d octets: block of %d in %d, %v", form, n, len(block), len(packet), ok)
			}
			if got := elements(t, block); got != strings.Join(want, " ") {
				t.Errorf("%v, %d octets: %q, want %q", form, n, got, want)
			}
			var h rtp.Header
			if _, err := h.Unmarshal(packet); err != nil || len(h.Extensions) != 3 {
				t.Errorf("%v, %d octets: pion/rtp reads %d elements, %v", form, n, len(h.Extensions), err)
			}
		}
	}
}

// §4.1.2, §4.2: what a form can't express isn't written.
func TestWriterRefuses(t *testing.T) {
	for _, c := range []struct {
		form   headerext.Form
		id     uint8
		length int
	}{
		{headerext.OneByte, 0, 1},
		{headerext.OneByte, 15, 1},
		{headerext.OneByte, 200, 1},
		{headerext.OneByte, 1, 0},
		{headerext.OneByte, 1, 17},
		{headerext.TwoByte, 0, 1},
		{headerext.TwoByte, 1, 256},
	} {
		w := headerext.NewWriter(nil, c.form)
		if w.Add(c.id, make([]byte, c.length)) {
			t.Errorf("%v: id %d with %d octets is written", c.form, c.id, c.length)
		}
		if b := w.Finish(); len(b) != 4 {
			t.Errorf("%v: id %d left %x", c.form, c.id, b)
		}
	}
}

func TestBlock(t *testing.T) {
	const head = "80600001 00000002 00000003"
	for _, c := range []struct {
		name, packet, want string
		ok                 bool
	}{
		{"no extension", head + "aabb", "", true},
		{"extension", "90" + head[2:] + "bede0001 10aa0000 ff", "bede000110aa0000", true},
		{"extension after two CSRCs", "92" + head[2:] + "0000000a0000000b bede0000 ff", "bede0000", true},
		{"extension of no word at the end", "90" + head[2:] + "bede0000", "bede0000", true},
		{"too short for RTP", "9060", "", false},
		{"CSRCs missing", "82" + head[2:] + "0000000a", "", false},
		{"head missing", "90" + head[2:] + "bede00", "", false},
		{"words missing", "90" + head[2:] + "bede0002 10aa0000", "", false},
	} {
		got, ok := headerext.Block(unhex(t, c.packet))
		if ok != c.ok || !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s: %x, %v", c.name, got, ok)
		}
	}
}

func entries(t *testing.T, lines ...string) []headerext.Entry {
	t.Helper()
	var es []headerext.Entry
	for _, line := range lines {
		e, err := headerext.ParseEntry(line)
		if err != nil {
			t.Fatal(err)
		}
		if e.String() != line {
			t.Fatalf("%q is printed as %q", line, e)
		}
		es = append(es, e)
	}
	return es
}

func newMap(t *testing.T, mixed bool, lines ...string) *headerext.Map {
	t.Helper()
	m, err := headerext.NewMap(entries(t, lines...), mixed)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// §5, §7, §8; RFC 6904 §4.
func TestParseEntry(t *testing.T) {
	for _, c := range []struct {
		line string
		want headerext.Entry
	}{
		{"1 urn:x", headerext.Entry{ID: 1, URI: "urn:x"}},
		{"2/recvonly http://e.x/082005/e#a short form", headerext.Entry{ID: 2, Direction: headerext.RecvOnly, URI: "http://e.x/082005/e#a", Attributes: "short form"}},
		{"4096/inactive urn:x", headerext.Entry{ID: 4096, Direction: headerext.Inactive, URI: "urn:x"}},
		{"256 urn:x", headerext.Entry{ID: 256, URI: "urn:x"}},
		{
			"1 urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:smpte-tc 25@600/24",
			headerext.Entry{ID: 1, Encrypted: true, URI: "urn:ietf:params:rtp-hdrext:smpte-tc", Attributes: "25@600/24"},
		},
	} {
		if got := entries(t, c.line)[0]; got != c.want {
			t.Errorf("%q: %+v, want %+v", c.line, got, c.want)
		}
	}
	for _, line := range []string{
		"", "1", "1 ", "x urn:x", "0 urn:x", "01 urn:x", "+1 urn:x", "-1 urn:x", "257 urn:x", "4095 urn:x", "4352 urn:x", "99999 urn:x",
		"1/both urn:x", "1/ urn:x", "1 relative", "1 urn:ietf:params:rtp-hdrext:encrypt", "1  urn:x",
		"1 urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:encrypt urn:x",
	} {
		if e, err := headerext.ParseEntry(line); err == nil {
			t.Errorf("%q is accepted as %+v", line, e)
		}
	}
}

// §5: each id once, each URI with the same attributes once; RFC 6904 §4.1: not
// both encrypted and in the clear.
func TestMapRefuses(t *testing.T) {
	for _, lines := range [][]string{
		{"1 urn:a", "1 urn:b"},
		{"1 urn:a", "2 urn:a"},
		{"4096 urn:a"},
		{"256 urn:a"},
		{"1 urn:a", "2 urn:ietf:params:rtp-hdrext:encrypt urn:a"},
	} {
		if _, err := headerext.NewMap(entries(t, lines...), false); err == nil {
			t.Errorf("%q: no error", lines)
		}
	}
	m := newMap(t, false, "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=off", "2 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
	if m.Voice(1) || !m.Voice(2) {
		t.Error("the attributes of two entries for one URI aren't kept apart (RFC 6464 §4)")
	}
}

// §5, §7: what isn't signalled for sending is never sent; what isn't signalled
// is ignored and counted when it comes.
//
// conformance: HDR-5.2-1
func TestOnlySignalledElements(t *testing.T) {
	m := newMap(t, false, "3 "+headerext.TransportSeq.URI(), "4/recvonly "+headerext.MID.URI(), "5 urn:not-known-here")
	l, err := m.Layout(headerext.OneByte,
		headerext.Element{Kind: headerext.AbsSendTime},
		headerext.Element{Kind: headerext.TransportSeq},
		headerext.Element{Kind: headerext.MID, Length: 3},
		headerext.Element{Kind: headerext.Other, Length: 3})
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, l.Size())
	l.Write(block)
	if got := elements(t, block); got != "3:0000" {
		t.Errorf("sent: %q", got)
	}
	if l.Data(block, headerext.AbsSendTime) != nil || l.Data(block, headerext.MID) != nil {
		t.Error("there is room for what isn't signalled")
	}

	var e headerext.Elements
	m.Read(unhex(t, "90600001 00000002 00000003 bede0003 10aa 310007 41aabb 50cc 6099 00"), &e)
	if e.Unknown != 2 || e.Malformed {
		t.Errorf("unknown %d, malformed %v; want 2, false", e.Unknown, e.Malformed)
	}
	if seq, ok := headerext.ReadTransportSeq(e.Data(headerext.TransportSeq)); !ok || seq != 7 || e.ID(headerext.TransportSeq) != 3 {
		t.Errorf("sequence number %d, %v", seq, ok)
	}
	if mid, ok := headerext.ReadMID(e.Data(headerext.MID)); ok {
		t.Errorf("MID %x, which isn't UTF-8", mid)
	}
	if e.Data(headerext.AbsSendTime) != nil {
		t.Error("an element that didn't come has data")
	}
	m.Read([]byte{0x90}, &e)
	if !e.Malformed || e.Data(headerext.TransportSeq) != nil || e.Unknown != 0 {
		t.Error("a broken packet leaves elements of the one before")
	}
}
