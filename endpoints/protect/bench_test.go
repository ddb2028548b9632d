package protect_test

import (
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/protect"
)

// An RTP packet of 1200 octets there and back.
func BenchmarkRTP(b *testing.B) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		for _, p := range profiles {
			b.Run(string(m)+"/"+p.String(), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(1200)
				step := rtpLoop(b, protect.Config{Mode: m, Profile: p})
				for b.Loop() {
					step()
				}
			})
		}
	}
}

func BenchmarkRTPWithHeaderEncryption(b *testing.B) {
	for name, c := range map[string]protect.Config{
		"RFC6904": {EncryptedExtensions: headerext.IDs(1)},
		"Cryptex": {Cryptex: protect.CryptexOn},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c.Mode, c.Profile = protect.Full, profiles[0]
			step := rtpLoop(b, c)
			for b.Loop() {
				step()
			}
		})
	}
}

func BenchmarkRTCP(b *testing.B) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly} {
		for _, p := range profiles {
			b.Run(string(m)+"/"+p.String(), func(b *testing.B) {
				b.ReportAllocs()
				step := rtcpLoop(b, protect.Config{Mode: m, Profile: p})
				for b.Loop() {
					step()
				}
			})
		}
	}
}

// rtpLoop returns what sends one packet to the other end. Packets have an
// extension.
func rtpLoop(t testing.TB, c protect.Config) func() {
	t.Helper()
	from, to := endsWith(t, c)
	h := rtp.Header{Version: 2, SSRC: ssrc, PayloadType: 96}
	if err := h.SetExtension(1, []byte{30}); err != nil {
		t.Fatal(err)
	}
	plain, err := (&rtp.Packet{Header: h, Payload: make([]byte, 1200-20)}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	var memory rtp.Header
	seq := uint16(0)
	return func() {
		seq++
		b := buf[:copy(buf, plain)]
		binary.BigEndian.PutUint16(b[2:], seq)
		wire, err := from.RTP(&memory, b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.OpenRTP(&memory, wire); err != nil {
			t.Fatal(err)
		}
	}
}

func rtcpLoop(t testing.TB, c protect.Config) func() {
	t.Helper()
	from, to := endsWith(t, c)
	plain := rtcpPacket(1)
	buf := make([]byte, 1500)
	return func() {
		wire, err := from.RTCP(buf[:copy(buf, plain)])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.OpenRTCP(wire); err != nil {
			t.Fatal(err)
		}
	}
}
