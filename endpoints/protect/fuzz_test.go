package protect_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
)

// configs are what packets from the network may meet.
func configs() []protect.Config {
	var cs []protect.Config
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		for _, p := range profiles {
			for cryptex := range protect.CryptexRequired + 1 {
				cs = append(cs, protect.Config{Mode: m, Profile: p, Cryptex: cryptex, EncryptedExtensions: headerext.IDs(1, 2)})
			}
		}
	}
	return cs
}

func FuzzOpenRTP(f *testing.F) {
	a, _ := endsWith(f, protect.Config{Mode: protect.Full, Profile: keying.AES128CMSHA180})
	genuine, err := a.RTP(&rtp.Header{}, rtpPacket(1, 30))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine)
	f.Add(rtpPacket(2, 40))
	f.Add([]byte{0x9f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xc0, 0xde, 0, 1, 0x10, 1, 2, 3})
	f.Add(append([]byte{0x91, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0xc2, 0xde, 0, 1, 1, 2, 2, 3}, make([]byte, 16)...))
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, c := range configs() {
			_, b := endsWith(t, c)
			got, err := b.OpenRTP(&rtp.Header{}, slices.Clone(wire))
			switch {
			case err != nil && !isRefusal(err):
				t.Fatalf("%+v: %v is none of the reasons", c, err)
			case err == nil && c.Mode == protect.Full && !bytes.Equal(wire, authentic(c.Profile, genuine)):
				t.Fatalf("%+v: %x is accepted as %x", c, wire, got)
			case err == nil && len(got) != len(wire)-int(b.OverheadRTP()):
				t.Fatalf("%+v: %d octets become %d", c, len(wire), len(got))
			}
		}
	})
}

// authentic returns the only packet of RTP that a profile accepts, given that of the
// longer authentication tag. Of the same keys the shorter one is the first 32 bits
// of it (RFC 3711 §5.2): no keys serve two profiles outside this test.
func authentic(p keying.Profile, genuine []byte) []byte {
	switch p {
	case keying.AES128CMSHA180:
		return genuine
	case keying.AES128CMSHA132:
		return genuine[:len(genuine)-6]
	case keying.AEADAES128GCM, keying.AEADAES256GCM:
	}
	return nil
}

func FuzzOpenRTCP(f *testing.F) {
	a, _ := endsWith(f, protect.Config{Mode: protect.Full, Profile: keying.AES128CMSHA180})
	genuine, err := a.RTCP(rtcpPacket(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine)
	f.Add(rtcpPacket(2))
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, c := range configs() {
			_, b := endsWith(t, c)
			got, err := b.OpenRTCP(slices.Clone(wire))
			switch {
			case err != nil && !isRefusal(err):
				t.Fatalf("%+v: %v is none of the reasons", c, err)
			// SRTCP is the same with both profiles of HMAC-SHA1.
			case err == nil && c.Mode == protect.Full && (c.Profile.AEAD() || !bytes.Equal(wire, genuine)):
				t.Fatalf("%+v: %x is accepted as %x", c, wire, got)
			case err == nil && len(got) != len(wire)-int(b.OverheadRTCP()):
				t.Fatalf("%+v: %d octets become %d", c, len(wire), len(got))
			}
		}
	})
}

// What a sender hands over may be anything as well.
func FuzzProtect(f *testing.F) {
	f.Add(rtpPacket(2, 40))
	f.Add([]byte{0x9f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x10, 1, 2, 3})
	f.Fuzz(func(t *testing.T, plain []byte) {
		for _, c := range configs() {
			a, b := endsWith(t, c)
			wire, err := a.RTP(&rtp.Header{}, slices.Clone(plain))
			if err != nil {
				continue
			}
			var h rtp.Header
			if _, err := h.Unmarshal(wire); err != nil {
				continue // size-only doesn't read all of it
			}
			if n := len(wire) - len(plain) - int(a.OverheadRTP()); n != 0 && n != 4 {
				t.Fatalf("%+v: %d octets become %d", c, len(plain), len(wire))
			}
			got, err := b.OpenRTP(&h, wire)
			if err != nil {
				// What already says Cryptex is the sender's mistake.
				if isRefusal(err) {
					continue
				}
				t.Fatalf("%+v: %v", c, err)
			}
			if len(got) == len(plain) && !bytes.Equal(got, plain) && !says(plain, 0xc0de) && !says(plain, 0xc2de) {
				t.Fatalf("%+v:\n%x comes back as\n%x", c, plain, got)
			}
		}
	})
}

// says reports whether the packet's extension has a profile.
func says(b []byte, profile uint16) bool {
	var h rtp.Header
	_, err := h.Unmarshal(b)
	return err == nil && h.Extension && h.ExtensionProfile == profile
}
