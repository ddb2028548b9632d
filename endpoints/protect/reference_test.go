package protect_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// The vectors of the RFCs begin at session keys, which a protector never shows.
// So they verify a reference, written after the RFCs' text alone, and that
// verifies the protector.

// sessionKeys are what a master key is stretched to (RFC 3711 §4.3.1).
type sessionKeys struct{ key, salt, auth []byte }

// The labels of RFC 3711 §4.3.1 and §4.3.2; add 3 for SRTCP.
const labelKey, labelAuth, labelSalt = 0, 1, 2

func derive(m keying.Material, rtcp bool, authLen int) sessionKeys {
	prf := func(label byte, n int) []byte {
		if rtcp {
			label += 3
		}
		var x [16]byte
		copy(x[:], m.Salt)
		x[7] ^= label
		return keystream(m.Key, x, n)
	}
	return sessionKeys{prf(labelKey, len(m.Key)), prf(labelSalt, len(m.Salt)), prf(labelAuth, authLen)}
}

// keystream is AES in counter mode from a counter (RFC 3711 §4.1.1).
func keystream(key []byte, counter [16]byte, n int) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, n)
	cipher.NewCTR(block, counter[:]).XORKeyStream(out, out)
	return out
}

// counterOf is the IV of RFC 3711 §4.1.1.
func counterOf(salt []byte, ssrc uint32, index uint64) [16]byte {
	var iv [16]byte
	copy(iv[:], salt)
	for i, b := range binary.BigEndian.AppendUint32(nil, ssrc) {
		iv[4+i] ^= b
	}
	for i, b := range binary.BigEndian.AppendUint64(nil, index<<16) {
		iv[8+i] ^= b
	}
	return iv
}

// nonceOf is the IV of RFC 7714 §8.1 and §9.1: of RTP the roll-over counter and
// the sequence number stand in the last 6 octets, of RTCP the index in the last 4.
func nonceOf(salt []byte, ssrc uint32, index uint64) []byte {
	iv := binary.BigEndian.AppendUint32([]byte{0, 0}, ssrc)
	iv = append(iv, binary.BigEndian.AppendUint64(nil, index)[2:]...)
	for i := range iv {
		iv[i] ^= salt[i]
	}
	return iv
}

func seal(k sessionKeys, nonce, plain, aad []byte) []byte {
	block, err := aes.NewCipher(k.key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm.Seal(nil, nonce, plain, aad)
}

func tagOf(k sessionKeys, n int, parts ...[]byte) []byte {
	h := hmac.New(sha1.New, k.auth)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)[:n]
}

// referenceRTP protects a packet whose header has n octets.
func referenceRTP(p keying.Profile, k sessionKeys, b []byte, n int, index uint64) []byte {
	ssrc := binary.BigEndian.Uint32(b[8:])
	if p.AEAD() {
		return append(slices.Clone(b[:n]), seal(k, nonceOf(k.salt, ssrc, index), b[n:], b[:n])...)
	}
	out := slices.Clone(b)
	for i, x := range keystream(k.key, counterOf(k.salt, ssrc, index), len(b)-n) {
		out[n+i] ^= x
	}
	roc := binary.BigEndian.AppendUint32(nil, uint32(index>>16))
	return append(out, tagOf(k, int(p.OverheadRTP()), out, roc)...)
}

func referenceRTCP(p keying.Profile, k sessionKeys, b []byte, index uint32) []byte {
	ssrc := binary.BigEndian.Uint32(b[4:])
	word := binary.BigEndian.AppendUint32(nil, index|1<<31)
	if p.AEAD() {
		aad := append(slices.Clone(b[:8]), word...)
		out := append(slices.Clone(b[:8]), seal(k, nonceOf(k.salt, ssrc, uint64(index)), b[8:], aad)...)
		return append(out, word...)
	}
	out := slices.Clone(b)
	for i, x := range keystream(k.key, counterOf(k.salt, ssrc, uint64(index)), len(b)-8) {
		out[8+i] ^= x
	}
	out = append(out, word...)
	return append(out, tagOf(k, 10, out)...)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 3711 §B.2: three blocks at the start of the segment and three at its end.
func TestReferenceCounterMode(t *testing.T) {
	salt := unhex(t, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD")
	got := keystream(unhex(t, "2B7E151628AED2A6ABF7158809CF4F3C"), counterOf(salt, 0, 0), 1044512)
	first := unhex(t, "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0")
	last := unhex(t, "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE 6A2CC3787889374FBEB4C81B17BA6C44")
	if !bytes.HasPrefix(got, first) || !bytes.HasSuffix(got, last) {
		t.Errorf("keystream %x … %x", got[:48], got[len(got)-48:])
	}
}

// masterVector is the master key of RFC 3711 §B.3.
func masterVector(t *testing.T) keying.Material {
	return keying.Material{Key: unhex(t, "E1F97A0D3E018BE0D64FA32C06DE4139"), Salt: unhex(t, "0EC675AD498AFEEBB6960B3AABE6")}
}

// RFC 3711 §B.3.
func TestReferenceKeyDerivation(t *testing.T) {
	got := derive(masterVector(t), false, 94)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"cipher key", got.key, "C61E7A93744F39EE10734AFE3FF7A087"},
		{"cipher salt", got.salt, "30CBBC08863D8C85D49DB34A9AE1"},
		{"auth key", got.auth, `CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
			E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
			6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2`},
	} {
		if !bytes.Equal(c.got, unhex(t, c.want)) {
			t.Errorf("%s %x", c.name, c.got)
		}
	}
}

// RFC 7714 §16.1.1, §16.2.1, §17.1, and §17.2 in the sender's direction.
func TestReferenceAEAD(t *testing.T) {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	salt := []byte("Quid pro quo")
	rtpPlain := append(unhex(t, "8040f17b 8041f8d3 5501a0b2"), "Gallia est omnis divisa in partes tres"...)
	rtcpPlain := unhex(t, `81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
		deadbeef deadbeef deadbeef deadbeef deadbeef`)
	for _, c := range []struct {
		name string
		p    keying.Profile
		rtcp bool
		want string
	}{
		{"§16.1.1", keying.AEADAES128GCM, false, `8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
			0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`},
		{"§16.2.1", keying.AEADAES256GCM, false, `8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
			9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`},
		{"§17.1", keying.AEADAES128GCM, true, `81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
			c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4`},
		{"§17.2", keying.AEADAES256GCM, true, `81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
			a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4`},
	} {
		k := sessionKeys{key: key[:c.p.KeyLen()], salt: salt}
		var got []byte
		if c.rtcp {
			got = referenceRTCP(c.p, k, rtcpPlain, 0x5d4)
		} else {
			got = referenceRTP(c.p, k, rtpPlain, 12, 0xf17b)
		}
		if !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s: %x", c.name, got)
		}
	}
}

// fixed is a keying step with given keys.
type fixed struct{ keys keying.Keys }

func (fixed) HandlePacket(simtime.Time, *packet.Packet) {}
func (fixed) HandleTimeout(simtime.Time)                {}
func (fixed) PollPayload(simtime.Time) []byte           { return nil }
func (fixed) NextTimeout() simtime.Time                 { return simtime.Never }
func (f fixed) Keys(int, int) (keying.Keys, bool)       { return f.keys, true }

// Every profile does what the reference does, over a roll-over of the sequence
// number, with contributing sources and header extension, and for RTCP.
//
// conformance: PRF-4.2-4
func TestSameAsReference(t *testing.T) {
	master := masterVector(t)
	for _, profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			m := keying.Material{Key: append(master.Key, master.Key...)[:profile.KeyLen()], Salt: master.Salt[:profile.SaltLen()]}
			other := keying.Material{Key: make([]byte, profile.KeyLen()), Salt: make([]byte, profile.SaltLen())}
			p, _, err := protect.NewWith(protect.Config{Mode: protect.Full, Profile: profile}, fixed{keying.Keys{Local: m, Remote: other}})
			if err != nil {
				t.Fatal(err)
			}
			forRTP, forRTCP := derive(m, false, 20), derive(m, true, 20)
			for i, index := range []uint64{65533, 65534, 65535, 65536, 65540, 65535, 131072} {
				h := rtp.Header{Version: 2, SequenceNumber: uint16(index), SSRC: 0xcafebabe, CSRC: make([]uint32, i)}
				if i%2 == 1 {
					if err := h.SetExtension(3, []byte{1, 2, 3}); err != nil {
						t.Fatal(err)
					}
				}
				plain, err := (&rtp.Packet{Header: h, Payload: bytes.Repeat([]byte{0xaa}, 100*i)}).Marshal()
				if err != nil {
					t.Fatal(err)
				}
				want := referenceRTP(profile, forRTP, plain, h.MarshalSize(), index)
				if i == 6 {
					// So far ahead that it is taken for the same round.
					want = referenceRTP(profile, forRTP, plain, h.MarshalSize(), index&0xffff|1<<16)
				}
				if got := must(t)(p.RTP(&rtp.Header{}, slices.Clone(plain))); !bytes.Equal(got, want) {
					t.Errorf("RTP index %d\n got %x\nwant %x", index, got, want)
				}
			}
			for n := range uint32(3) {
				plain := rtcpPacket(n)
				want := referenceRTCP(profile, forRTCP, plain, n+1)
				if got := must(t)(p.RTCP(slices.Clone(plain))); !bytes.Equal(got, want) {
					t.Errorf("RTCP index %d\n got %x\nwant %x", n+1, got, want)
				}
			}
		})
	}
}
