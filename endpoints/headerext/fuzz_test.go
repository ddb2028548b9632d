package headerext_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
)

// FuzzRead gives arbitrary packets to whatever reads packets. What it finds
// lies in the packet, is what pion/rtp finds in a packet that it takes, and
// encrypting twice changes nothing.
func FuzzRead(f *testing.F) {
	for _, s := range []string{vectorHeader + vectorPlain, "90601234 00000000 cafebabe 1000 0002 01 04 0000 0000 0200"} {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	es := allLines(1)
	m, err := headerext.NewMap(es, true)
	if err != nil {
		f.Fatal(err)
	}
	c, err := headerext.NewCipher(make([]byte, 16), make([]byte, 14), headerext.IDs(1, 2, 5, 14, 15, 200))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		before := slices.Clone(packet)
		var e headerext.Elements
		m.Read(packet, &e)
		for k := headerext.TransportSeq; k.URI() != ""; k++ {
			read(e.Data(k))
		}
		comparePion(t, packet)
		c.Apply(packet, 1<<40)
		var again headerext.Elements
		m.Read(packet, &again)
		if again.Unknown != e.Unknown || again.Malformed != e.Malformed {
			t.Fatal("encryption changed the structure")
		}
		c.Apply(packet, 1<<40)
		if !bytes.Equal(packet, before) {
			t.Fatal("decryption isn't the inverse of encryption")
		}
	})
}

func comparePion(t *testing.T, packet []byte) {
	t.Helper()
	var h rtp.Header
	if _, err := h.Unmarshal(packet); err != nil {
		return
	}
	block, ok := headerext.Block(packet)
	if !ok {
		t.Fatal("pion/rtp takes a packet that has no readable block")
	}
	r, general := headerext.NewReader(block)
	if !general || r.AppBits() != 0 { // pion/rtp takes appbits for another profile
		return
	}
	var n int
	for id, data, ok := r.Next(); ok; id, data, ok = r.Next() {
		if n >= len(h.Extensions) {
			t.Fatalf("element %d isn't there for pion/rtp", n)
		}
		if want := h.GetExtension(id); !slices.Contains(h.GetExtensionIDs(), id) || n == 0 && !bytes.Equal(data, want) {
			t.Fatalf("element %d, id %d: %x, pion/rtp has %x", n, id, data, want)
		}
		n++
	}
	if n != len(h.Extensions) || r.Malformed() {
		t.Fatalf("%d elements, pion/rtp has %d; malformed %v", n, len(h.Extensions), r.Malformed())
	}
}

func read(data []byte) {
	_, _ = headerext.ReadTransportSeq(data)
	_, _ = headerext.ReadAbsSendTime(data)
	_, _ = headerext.ReadTransmissionOffset(data)
	_, _ = headerext.ReadNTP64(data)
	_, _ = headerext.ReadNTP56(data)
	_, _, _ = headerext.ReadAudioLevel(data)
	_, _ = headerext.ReadMixerLevels(nil, data, len(data))
	_, _ = headerext.ReadMID(data)
	_, _ = headerext.ReadRID(data)
	_, _ = headerext.ReadOrientation(data)
	_, _, _, _ = headerext.ReadCaptureTime(data)
	_, _, _ = headerext.ReadPlayoutDelay(data)
}

// FuzzParseEntry: what is accepted can be printed and read again.
func FuzzParseEntry(f *testing.F) {
	f.Add("1/sendonly urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on")
	f.Add("4096 http://a/b#c d e")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := headerext.ParseEntry(s)
		if err != nil {
			return
		}
		again, err := headerext.ParseEntry(e.String())
		if err != nil || again != e {
			t.Fatalf("%+v is read again as %+v, %v", e, again, err)
		}
		_, _ = headerext.NewMap([]headerext.Entry{e}, false)
	})
}
