package protect_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
)

// levelled returns a packet with an audio level as element 1, a sequence number
// as element 2 and the levels of two contributing sources as element 3.
func levelled(t *testing.T, seq uint16) []byte {
	t.Helper()
	h := rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: seq, SSRC: ssrc, CSRC: []uint32{1, 2}}
	for id, data := range [][]byte{1: {30}, 2: binary.BigEndian.AppendUint16(nil, seq), 3: {40, 50}} {
		if data == nil {
			continue
		}
		if err := h.SetExtension(uint8(id), data); err != nil {
			t.Fatal(err)
		}
	}
	b, err := (&rtp.Packet{Header: h, Payload: make([]byte, 20)}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// §3: the chosen element is encrypted before the packet is authenticated, the
// other stays readable, and the receiver has both; also over roll-overs, losses
// and reordering, where the keystream hangs on the index.
//
// conformance: HDR-5.2.2-2, HDR-5.2.3-2
func TestChosenElementsAreEncrypted(t *testing.T) {
	eachProfile(t, func(t *testing.T, p keying.Profile) {
		c := protect.Config{Mode: protect.Full, Profile: p, EncryptedExtensions: headerext.IDs(1, 3)}
		a, b := endsWith(t, c)
		c.EncryptedExtensions = headerext.IDSet{}
		_, without := endsWith(t, c)
		seen, seenOthers := map[byte]int{}, map[byte]int{}
		var held []byte
		for i := 65300; i < 65536+300; i++ {
			plain := levelled(t, uint16(i))
			wire := must(t)(a.RTP(&rtp.Header{}, slices.Clone(plain)))
			var h rtp.Header
			if _, err := h.Unmarshal(wire); err != nil {
				t.Fatal(err)
			}
			seen[h.GetExtension(1)[0]]++
			seenOthers[h.GetExtension(3)[1]]++
			if seq := binary.BigEndian.Uint16(h.GetExtension(2)); seq != uint16(i) {
				t.Fatalf("packet %d: the clear element reads %d", i, seq)
			}
			switch {
			case i%7 == 0 || i > 65500 && i < 65540: // lost
				continue
			case i%11 == 0 && held == nil: // late by a few
				held = wire
				continue
			}
			if got := must(t)(b.OpenRTP(&h, slices.Clone(wire))); !bytes.Equal(got, plain) {
				t.Fatalf("packet %d comes back as\n%x, want\n%x", i, got, plain)
			}
			if i%13 == 0 && held != nil {
				got := must(t)(b.OpenRTP(&h, held))
				if h.GetExtension(1)[0] != 30 || !bytes.Equal(got[:2], plain[:2]) {
					t.Fatalf("a late packet's level is %d", h.GetExtension(1)[0])
				}
				held = nil
			}
			// A receiver that decrypts no extensions has the rest all the same:
			// the tag is of the encrypted ones.
			got := must(t)(without.OpenRTP(&rtp.Header{}, slices.Clone(wire)))
			if !bytes.Equal(got[:24], plain[:24]) || !bytes.Equal(got[32:], plain[32:]) {
				t.Fatalf("packet %d comes back as\n%x, want\n%x", i, got, plain)
			}
		}
		// 536 levels are spread over 256 values; in the clear there is one.
		if len(seen) < 150 || len(seenOthers) < 150 {
			t.Errorf("the levels take %d and %d values on the wire", len(seen), len(seenOthers))
		}
	})
}
