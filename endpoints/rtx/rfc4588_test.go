package rtx_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/rtx"
	"rtpfabric/sim/simtime"
)

const (
	media, media2 = 0x11121314, 0x15161718
	repair        = 0x21222324

	vp8, vp8rtx   = 96, 97
	h264, h264rtx = 98, 99
)

func ms(x int) simtime.Time { return simtime.At(time.Duration(x) * time.Millisecond) }

func octets(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func types(t *testing.T) *rtx.PayloadTypes {
	t.Helper()
	var p rtx.PayloadTypes
	if !p.Associate(vp8, vp8rtx) || !p.Associate(h264, h264rtx) {
		t.Fatal("not associated")
	}
	return &p
}

// receiver knows that repair retransmits media.
func receiver(t *testing.T) *rtx.Receiver {
	r := rtx.NewReceiver(types(t))
	r.Associate(repair, media)
	return r
}

// both checks that the original becomes that retransmission, with number 7, and
// that this becomes the restored packet.
func both(t *testing.T, original, retransmission, restored string) {
	t.Helper()
	before := octets(t, original)
	s := rtx.NewSender(repair, 7, types(t))
	got, err := s.Append([]byte{0xee}, before)
	if want := octets(t, "ee"+retransmission); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the retransmission is\n%x, %v, want\n%x", got, err, want)
	}
	if !bytes.Equal(before, octets(t, original)) {
		t.Error("the original has changed")
	}
	back, err := receiver(t).Restore([]byte{0xdd}, octets(t, retransmission))
	if want := octets(t, "dd"+restored); err != nil || !bytes.Equal(back, want) {
		t.Errorf("restored is\n%x, %v, want\n%x", back, err, want)
	}
}

// §4: own SSRC, payload type and numbers; OSN, then the original's payload;
// timestamp and marker are the original's.
//
// conformance: ROB-6.1-5
func TestFormat(t *testing.T) {
	const original = "80e0fffe 01020304 11121314 aabbcc"
	both(t, original, "80e10007 01020304 21222324 fffe aabbcc", original)
	const unmarked = "80600001 01020304 11121314 aa"
	both(t, unmarked, "80610007 01020304 21222324 0001 aa", unmarked)
	const empty = "80600001 01020304 11121314"
	both(t, empty, "80610007 01020304 21222324 0001", empty)
}

// §4: "CC, and the CSRC list MUST be copied as is".
func TestCSRCs(t *testing.T) {
	const original = "82600001 01020304 11121314 000000c1 000000c2 aa"
	both(t, original, "82610007 01020304 21222324 000000c1 000000c2 0001 aa", original)
}

// §4: the OSN stands after the header extension, which is carried along.
func TestHeaderExtension(t *testing.T) {
	const original = "91600001 01020304 11121314 000000c1 bede0001 10ff0000 aa"
	both(t, original, "91610007 01020304 21222324 000000c1 bede0001 10ff0000 0001 aa", original)
}

// §4: "that padding MUST be removed before constructing the retransmission
// packet"; one that has padding of its own is restored without.
func TestPadding(t *testing.T) {
	both(t, "b0600001 01020304 11121314 bede0000 aabb000003",
		"90610007 01020304 21222324 bede0000 0001 aabb", "90600001 01020304 11121314 bede0000 aabb")
	back, err := receiver(t).Restore(nil, octets(t, "a0610007 01020304 21222324 0001 aa 0002"))
	if want := octets(t, "80600001 01020304 11121314 aa"); err != nil || !bytes.Equal(back, want) {
		t.Errorf("%x, %v, want %x", back, err, want)
	}
}

// A retransmission may say something else in its header extension.
func TestOtherExtension(t *testing.T) {
	original := octets(t, "91600001 01020304 11121314 000000c1 bede0001 10ff0000 aa")
	for extension, want := range map[string]string{
		"bede0001 20bb0000": "91610007 01020304 21222324 000000c1 bede0001 20bb0000 0001 aa",
		"":                  "81610007 01020304 21222324 000000c1 0001 aa",
	} {
		s := rtx.NewSender(repair, 7, types(t))
		var e []byte
		if extension != "" {
			e = octets(t, extension)
		}
		got, err := s.AppendWith(nil, original, e)
		if err != nil || !bytes.Equal(got, octets(t, want)) {
			t.Errorf("%q: %x, %v, want %s", extension, got, err, want)
		}
	}
	e, err := rtx.Extension(original)
	if err != nil || !bytes.Equal(e, octets(t, "bede0001 10ff0000")) {
		t.Errorf("extension %x, %v", e, err)
	}
	if e, err := rtx.Extension(octets(t, "80600001 01020304 11121314 aa")); e != nil || err != nil {
		t.Errorf("extension %x, %v", e, err)
	}
}

// §4: "one higher than the sequence number of the preceding packet"; what couldn't
// be made takes none.
func TestOwnSequence(t *testing.T) {
	s := rtx.NewSender(repair, 65535, types(t))
	original := octets(t, "80600001 01020304 11121314 aa")
	other := octets(t, "80780001 01020304 11121314 aa")
	for _, want := range []uint16{65535, 0, 1} {
		if b, err := s.Append(nil, other); !errors.Is(err, rtx.ErrPayloadType) || len(b) != 0 {
			t.Errorf("%x, %v", b, err)
		}
		b, err := s.Append(nil, original)
		var h rtp.Header
		if _, perr := h.Unmarshal(b); err != nil || perr != nil || h.SequenceNumber != want {
			t.Errorf("%v, number %d, want %d", err, h.SequenceNumber, want)
		}
	}
	s.SetSSRC(5) // §4: only the stream with the collision chooses a new one
	b, _ := s.Append(nil, original)
	if b[11] != 5 || s.SSRC() != 5 {
		t.Errorf("%x after the change of SSRC", b)
	}
}

// §4, §8.1: each original payload type has a retransmission payload type.
func TestPayloadTypes(t *testing.T) {
	p := types(t)
	for _, pair := range [][2]uint8{{vp8, 100}, {100, vp8rtx}, {128, 100}, {100, 128}} {
		if p.Associate(pair[0], pair[1]) {
			t.Errorf("%v are associated", pair)
		}
	}
	if !p.Associate(0, 127) {
		t.Error("0 and 127 can't be associated")
	}
	for original, want := range map[uint8]uint8{vp8: vp8rtx, h264: h264rtx, 0: 127} {
		if got, ok := p.RTX(original); got != want || !ok {
			t.Errorf("%d is sent again as %d, want %d", original, got, want)
		}
		if got, ok := p.Original(want); got != original || !ok {
			t.Errorf("%d sends %d again, want %d", want, got, original)
		}
	}
	for _, pt := range []uint8{1, 128, vp8 + 128} {
		if _, ok := p.RTX(pt); ok {
			t.Errorf("%d is sent again", pt)
		}
	}
	if _, ok := p.Original(vp8rtx + 128); ok {
		t.Errorf("%d sends something again", vp8rtx+128)
	}
	s := rtx.NewSender(repair, 7, p)
	if b, err := s.Append(nil, octets(t, "80620001 01020304 11121314 aa")); err != nil || b[1] != h264rtx {
		t.Errorf("%x, %v", b, err)
	}
}

// What can't be restored is dropped and counted.
func TestNotRestored(t *testing.T) {
	r := receiver(t)
	for _, c := range []struct {
		form string
		want error
	}{
		{"80610007 01020304 21222324", rtx.ErrPaddingOnly},
		{"a0610007 01020304 21222324 000003", rtx.ErrPaddingOnly},
		{"80610007 01020304 21222324 00", rtx.ErrTooShort},
		{"a0610007 01020304 21222324 00 0002", rtx.ErrTooShort},
		{"80600007 01020304 21222324 0001", rtx.ErrPayloadType},
		{"80630007 01020304 25222324 0001 aa", rtx.ErrUnassociated},
		{"", rtx.ErrMalformed},
		{"80610007 01020304 212223", rtx.ErrMalformed},
		{"40610007 01020304 21222324 0001", rtx.ErrMalformed},
		{"81610007 01020304 21222324 0001", rtx.ErrMalformed},
		{"90610007 01020304 21222324 0001", rtx.ErrMalformed},
		{"90610007 01020304 21222324 bede0001", rtx.ErrMalformed},
		{"a0610007 01020304 21222324 000100", rtx.ErrMalformed},
		{"a0610007 01020304 21222324 000104", rtx.ErrMalformed},
	} {
		if got, err := r.Restore(nil, octets(t, c.form)); !errors.Is(err, c.want) || len(got) != 0 {
			t.Errorf("%s: %x, %v, want %v", c.form, got, err, c.want)
		}
	}
	if got, want := r.Counts(), (rtx.Counts{PaddingOnly: 2, Malformed: 10, PayloadType: 1, Unassociated: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := rtx.NewSender(1, 1, types(t)).Append(nil, octets(t, "8060")); !errors.Is(err, rtx.ErrMalformed) {
		t.Errorf("%v", err)
	}
	if _, err := rtx.NewSender(1, 1, types(t)).AppendWith(nil, octets(t, "8060"), nil); !errors.Is(err, rtx.ErrMalformed) {
		t.Errorf("%v", err)
	}
}
