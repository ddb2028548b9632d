package ekt

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"errors"
	"testing"

	"rtpfabric/sim/rng"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 5649 §6: both of its examples, each way; and what was changed isn't unwrapped.
func TestKeyWrap(t *testing.T) {
	block, err := aes.NewCipher(unhex(t, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"))
	if err != nil {
		t.Fatal(err)
	}
	for plain, wrapped := range map[string]string{
		"c37b7e6492584340bed12207808941155068f738": "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
		"466f7250617369": "afbeb0f07dfbf5419200f2ccb50bb24f",
	} {
		got := wrap(block, unhex(t, plain))
		if hex.EncodeToString(got) != wrapped {
			t.Errorf("%s is wrapped as %x, want %s", plain, got, wrapped)
		}
		back, err := unwrap(block, unhex(t, wrapped))
		if err != nil || hex.EncodeToString(back) != plain {
			t.Errorf("%s is unwrapped as %x, %v", wrapped, back, err)
		}
		for i := range got {
			bad := bytes.Clone(got)
			bad[i] ^= 1
			if _, err := unwrap(block, bad); !errors.Is(err, ErrUnwrap) {
				t.Errorf("octet %d of %s was changed: %v", i, wrapped, err)
			}
		}
	}
	// What openssl enc -id-aes128-wrap-pad makes of an EKT plaintext.
	block, err = aes.NewCipher(unhex(t, "00112233445566778899aabbccddeeff"))
	if err != nil {
		t.Fatal(err)
	}
	const openssl = "f2a03af49bdb7177f416c6ccbc4f04b9090a5a0c849ad39df36810672f17a4c485b83e3d9ac7b702"
	if got := wrap(block, unhex(t, "10000102030405060708090a0b0c0d0e0f0102030400000005")); hex.EncodeToString(got) != openssl {
		t.Errorf("wrapped as %x, openssl has %s", got, openssl)
	}
	for n := range 100 {
		plain := make([]byte, n+1)
		if got, err := unwrap(block, wrap(block, plain)); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d octets: %x, %v", n+1, got, err)
		}
	}
}

// RFC 8870 §4.1: a field says whose key it is; SPI, epoch, length and type follow the ciphertext. A
// short one is an octet, and one of another type is left out.
func TestField(t *testing.T) {
	host := NewHost(rng.New(1), "group")
	member := host.Join("A")
	c, err := NewCipher(member.Sets()[0])
	if err != nil {
		t.Fatal(err)
	}
	want := Field{SPI: 1, Epoch: 3, Key: member.MasterKey(16), SSRC: 0x01020304, ROC: 5}
	b := c.AppendFull([]byte("packet"), want)
	if len(b) != len("packet")+FullSize(16) || FullSize(16) != 47 {
		t.Errorf("%d octets of field, and %d expected", len(b)-6, FullSize(16))
	}
	if tail := b[len(b)-7:]; !bytes.Equal(tail, []byte{0, 1, 0, 3, 0, 47, 2}) {
		t.Errorf("the field ends in %x", tail)
	}
	packet, field, err := Split(b)
	if err != nil || string(packet) != "packet" {
		t.Fatalf("%q, %v", packet, err)
	}
	got, err := c.Open(field)
	if err != nil || got.SPI != want.SPI || got.Epoch != want.Epoch || !bytes.Equal(got.Key, want.Key) || got.SSRC != want.SSRC || got.ROC != want.ROC {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if packet, field, err := Split(AppendShort([]byte("packet"))); err != nil || string(packet) != "packet" || field != nil {
		t.Errorf("short: %q, %x, %v", packet, field, err)
	}
	if packet, field, err := Split([]byte("packetabc\x00\x06\x07")); err != nil || string(packet) != "packet" || field != nil {
		t.Errorf("of another type: %q, %x, %v", packet, field, err)
	}
	for _, bad := range []string{"", "\x02", "packet\xff\xff\x02", "packet\x00\x02\x03", "packet\x00\x07\x02"} {
		if _, _, err := Split([]byte(bad)); !errors.Is(err, ErrField) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	// With another set's key, and without it.
	host.Leave("B")
	if n := len(member.Sets()); n != 2 {
		t.Fatalf("%d parameter sets", n)
	}
	next, err := NewCipher(member.Sets()[1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.Open(field); !errors.Is(err, ErrParameters) {
		t.Errorf("with another set: %v", err)
	}
	next.SPI = 1
	if _, err := next.Open(field); !errors.Is(err, ErrUnwrap) {
		t.Errorf("with another key: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	c, err := NewCipher(NewHost(rng.New(1), "group").Join("A").Sets()[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.AppendFull([]byte("packet"), Field{Key: make([]byte, 16)}))
	f.Add(AppendShort([]byte("packet")))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if _, field, err := Split(b); err == nil && field != nil {
			_, _ = c.Open(field)
		}
	})
}
