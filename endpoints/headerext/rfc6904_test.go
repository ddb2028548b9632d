package headerext_test

import (
	"bytes"
	"slices"
	"testing"

	"rtpfabric/endpoints/headerext"
)

// The packet of appendix A.2: SSRC cafebabe, sequence number 0x1234.
const (
	vectorHeader = "90601234 00000000 cafebabe bede0006"
	vectorPlain  = "17 414273A475262748 22 0000C8 30 8E 46 55996386B395FB 00"
	vectorCipher = "17588A9270F4E15E1C220000C8309546A994F0BC54789700"
)

func vectorCipherOf(t *testing.T, ids headerext.IDSet) *headerext.Cipher {
	t.Helper()
	c, err := headerext.NewCipher(unhex(t, "E1F97A0D3E018BE0D64FA32C06DE4139"), unhex(t, "0EC675AD498AFEEBB6960B3AABE6"), ids)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Appendices A.1 and A.2: from the master key to the ciphertext and back.
func TestAppendixA(t *testing.T) {
	c := vectorCipherOf(t, headerext.IDs(1, 3, 4))
	plain := append(unhex(t, vectorHeader+vectorPlain), "payload"...)
	packet := slices.Clone(plain)
	c.Apply(packet, 0x1234)
	want := append(unhex(t, vectorHeader+vectorCipher), "payload"...)
	if !bytes.Equal(packet, want) {
		t.Fatalf("encrypted\n got %x\nwant %x", packet, want)
	}
	c.Apply(packet, 0x1234)
	if !bytes.Equal(packet, plain) {
		t.Fatalf("decrypted\n got %x\nwant %x", packet, plain)
	}
}

// §3: only the data of the chosen elements changes, in either form; no heads,
// no padding, no element that wasn't chosen, nothing after the stop.
func TestOnlyChosenDataIsEncrypted(t *testing.T) {
	const head = "90601234 00000000 cafebabe"
	for _, c := range []struct{ name, block, mask string }{
		{"one-byte", "bede0003 17 0000000000000000 00 20 00", "00000000 00 ffffffffffffffff 00 00 00"},
		{"two-byte", "10000003 01 08 0000000000000000 02 00", "00000000 00 00 ffffffffffffffff 00 00"},
		{"two-byte with appbits", "10050001 01 02 0000", "00000000 00 00 ffff"},
		{"after id 15", "bede0002 10 00 f0 10 00 10 00 00", "00000000 00 ff 00 00 00 00 00 00"},
		{"of no chosen element", "bede0001 20 00 00 00", "00000000 00000000"},
		{"of another profile", "12340001 10 00 00 00", "00000000 00000000"},
		{"element longer than the block", "bede0001 10 00 1f 00", "00000000 00 ff 00 00"},
	} {
		packet := unhex(t, head+c.block)
		before := slices.Clone(packet)
		vectorCipherOf(t, headerext.IDs(1)).Apply(packet, 99)
		for i, m := range unhex(t, c.mask) {
			if changed := packet[12+i] != before[12+i]; changed && m == 0 {
				t.Errorf("%s: octet %d of the block changed", c.name, i)
			}
		}
		if got := !bytes.Equal(packet, before); got != bytes.Contains(unhex(t, c.mask), []byte{0xff}) {
			t.Errorf("%s: changed %v", c.name, got)
		}
	}
}

// §3.2: the keystream is another for each packet, source and roll-over counter.
func TestKeystreamIsFresh(t *testing.T) {
	seen := map[string]string{}
	for name, c := range map[string]struct {
		packet string
		index  uint64
	}{
		"base":               {"90601234 00000000 cafebabe", 0x1234},
		"next packet":        {"90601235 00000000 cafebabe", 0x1235},
		"next roll-over":     {"90601234 00000000 cafebabe", 0x11234},
		"another SSRC":       {"90601234 00000000 cafebabf", 0x1234},
		"index of 48 bits":   {"90601234 00000000 cafebabe", 0xffffffff1234},
		"timestamp and all":  {"90e01234 00000001 cafebabd", 0x1234},
		"other end of SSRCs": {"90601234 00000000 4afebabe", 0x1234},
	} {
		packet := unhex(t, c.packet+"bede0005 1f 00000000000000000000000000000000 000000")
		vectorCipherOf(t, headerext.IDs(1)).Apply(packet, c.index)
		key := string(packet[17:33])
		if other, ok := seen[key]; ok {
			t.Errorf("%s has the keystream of %s", name, other)
		}
		seen[key] = name
	}
}

// RFC 7714 §8.3, §12: with AEADs keys have 16 or 32 octets, salts 12.
func TestKeySizes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		key, salt int
		ok        bool
	}{{16, 14, true}, {16, 12, true}, {32, 12, true}, {32, 14, true}, {15, 14, false}, {16, 15, false}} {
		cipher, err := headerext.NewCipher(bytes.Repeat([]byte{7}, c.key), bytes.Repeat([]byte{9}, c.salt), headerext.IDs(1))
		if (err == nil) != c.ok {
			t.Errorf("key of %d, salt of %d: %v", c.key, c.salt, err)
		}
		if err != nil {
			continue
		}
		packet := unhex(t, "90601234 00000000 cafebabe bede0005 1f 00000000000000000000000000000000 000000")
		cipher.Apply(packet, 0x1234)
		if seen[string(packet)] {
			t.Errorf("key of %d, salt of %d: ciphertext of another key", c.key, c.salt)
		}
		seen[string(packet)] = true
	}
}
