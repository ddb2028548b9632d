package keying_test

import (
	"bytes"
	"testing"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// RFC 5764 §4.1.2 and RFC 7714 §12, §14.2: numbers, names and sizes.
//
// conformance: PRF-4.2-4
func TestProfiles(t *testing.T) {
	for _, c := range []struct {
		profile         keying.Profile
		number          uint16
		name            string
		key, salt       int
		tag, taggedRTCP units.Bytes
		aead            bool
	}{
		{keying.AES128CMSHA180, 0x0001, "SRTP_AES128_CM_HMAC_SHA1_80", 16, 14, 10, 14, false},
		{keying.AES128CMSHA132, 0x0002, "SRTP_AES128_CM_HMAC_SHA1_32", 16, 14, 4, 14, false},
		{keying.AEADAES128GCM, 0x0007, "SRTP_AEAD_AES_128_GCM", 16, 12, 16, 20, true},
		{keying.AEADAES256GCM, 0x0008, "SRTP_AEAD_AES_256_GCM", 32, 12, 16, 20, true},
	} {
		p := c.profile
		if uint16(p) != c.number || p.String() != c.name || !p.Known() || p.AEAD() != c.aead {
			t.Errorf("%v: number %#x, known %v, AEAD %v", p, uint16(p), p.Known(), p.AEAD())
		}
		if p.KeyLen() != c.key || p.SaltLen() != c.salt {
			t.Errorf("%v: key of %d octets, salt of %d", p, p.KeyLen(), p.SaltLen())
		}
		if p.OverheadRTP() != c.tag || p.OverheadRTCP() != c.taggedRTCP {
			t.Errorf("%v: %d more octets of RTP, %d of RTCP", p, p.OverheadRTP(), p.OverheadRTCP())
		}
		if got, err := keying.ParseProfile(c.name); err != nil || got != p {
			t.Errorf("%s is read as %v, %v", c.name, got, err)
		}
	}
}

// 5 and 6 are the NULL ciphers, which nobody may use (RFC 8827 §6.5).
func TestUnknownProfiles(t *testing.T) {
	for _, n := range []uint16{0, 3, 4, 5, 6, 9, 0xffff} {
		p := keying.Profile(n)
		if p.Known() || p.KeyLen() != 0 || p.SaltLen() != 0 || p.OverheadRTP() != 0 || p.OverheadRTCP() != 0 || p.AEAD() {
			t.Errorf("profile %#x is taken for known", n)
		}
	}
	if got := keying.Profile(5).String(); got != "SRTP profile 0x0005" {
		t.Errorf("an unknown profile is called %q", got)
	}
	for _, name := range []string{"", "AES_CM_128_HMAC_SHA1_80", "srtp_aead_aes_128_gcm", "SRTP_NULL_HMAC_SHA1_80"} {
		if p, err := keying.ParseProfile(name); err == nil {
			t.Errorf("%q is read as %v", name, p)
		}
	}
}

// Preshared keys are there at once, equal at both ends with the directions
// swapped, and others for every connection, direction and seed.
func TestPreshared(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(3) {
		for _, ends := range [][2]string{{"A", "B"}, {"A", "C"}} {
			a := keying.NewPreshared(rng.New(seed), ends[0], ends[1])
			b := keying.NewPreshared(rng.New(seed), ends[1], ends[0])
			ka, ok := a.Keys(16, 14)
			kb, ok2 := b.Keys(16, 14)
			if !ok || !ok2 || len(ka.Local.Key) != 16 || len(ka.Local.Salt) != 14 {
				t.Fatalf("keys %v, %v, of %d and %d octets", ok, ok2, len(ka.Local.Key), len(ka.Local.Salt))
			}
			if !bytes.Equal(ka.Local.Key, kb.Remote.Key) || !bytes.Equal(ka.Remote.Salt, kb.Local.Salt) {
				t.Errorf("seed %d, %v: the ends have different keys", seed, ends)
			}
			for _, k := range [][]byte{ka.Local.Key, ka.Remote.Key, ka.Local.Salt, ka.Remote.Salt} {
				if seen[string(k)] {
					t.Errorf("seed %d, %v: %x is used twice", seed, ends, k)
				}
				seen[string(k)] = true
			}
			a.HandlePacket(0, nil)
			a.HandleTimeout(0)
			if a.PollPayload(0) != nil || a.NextTimeout() != simtime.Never {
				t.Error("preshared keys want something")
			}
		}
	}
}
