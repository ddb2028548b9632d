package keying

import (
	"fmt"

	"rtpfabric/sim/units"
)

// Profile is an SRTP protection profile, with the number that it has in DTLS's
// use_srtp extension (RFC 5764 §4.1.2, RFC 7714 §14.2).
type Profile uint16

// The profiles.
const (
	// AES128CMSHA180 is AES in counter mode with tags of 80 bits, what every
	// WebRTC endpoint has (RFC 8827 §6.5).
	AES128CMSHA180 Profile = 0x0001
	// AES128CMSHA132 has tags of 32 bits for RTP, and of 80 for RTCP.
	AES128CMSHA132 Profile = 0x0002
	// AEADAES128GCM and AEADAES256GCM have tags of 128 bits.
	AEADAES128GCM Profile = 0x0007
	AEADAES256GCM Profile = 0x0008
)

var profiles = []struct {
	profile         Profile
	name            string
	key, salt       int
	tag, taggedRTCP units.Bytes
}{
	{AES128CMSHA180, "SRTP_AES128_CM_HMAC_SHA1_80", 16, 14, 10, 10 + srtcpIndex},
	{AES128CMSHA132, "SRTP_AES128_CM_HMAC_SHA1_32", 16, 14, 4, 10 + srtcpIndex},
	{AEADAES128GCM, "SRTP_AEAD_AES_128_GCM", 16, 12, 16, 16 + srtcpIndex},
	{AEADAES256GCM, "SRTP_AEAD_AES_256_GCM", 32, 12, 16, 16 + srtcpIndex},
}

// srtcpIndex is the size of the E flag and the SRTCP index (RFC 3711 §3.4).
const srtcpIndex = 4

// Known reports whether the profile is one of the above.
func (p Profile) Known() bool { return p.row() >= 0 }

func (p Profile) row() int {
	for i := range profiles {
		if profiles[i].profile == p {
			return i
		}
	}
	return -1
}

// KeyLen returns the size of a master key in octets; 0 if the profile isn't
// known.
func (p Profile) KeyLen() int {
	if i := p.row(); i >= 0 {
		return profiles[i].key
	}
	return 0
}

// SaltLen returns the size of a master salt in octets; 0 if the profile isn't
// known.
func (p Profile) SaltLen() int {
	if i := p.row(); i >= 0 {
		return profiles[i].salt
	}
	return 0
}

// OverheadRTP returns what SRTP adds to an RTP packet: the tag.
func (p Profile) OverheadRTP() units.Bytes {
	if i := p.row(); i >= 0 {
		return profiles[i].tag
	}
	return 0
}

// OverheadRTCP returns what SRTCP adds to an RTCP packet: the tag, and the index
// with the E flag.
func (p Profile) OverheadRTCP() units.Bytes {
	if i := p.row(); i >= 0 {
		return profiles[i].taggedRTCP
	}
	return 0
}

// AEAD reports whether the tag stands where RFC 7714 puts it: before the SRTCP
// index, not after.
func (p Profile) AEAD() bool { return p == AEADAES128GCM || p == AEADAES256GCM }

// String returns the name that IANA's registry has.
func (p Profile) String() string {
	if i := p.row(); i >= 0 {
		return profiles[i].name
	}
	return fmt.Sprintf("SRTP profile %#04x", uint16(p))
}

// ParseProfile returns the profile with the given name in IANA's registry.
func ParseProfile(name string) (Profile, error) {
	for _, row := range profiles {
		if row.name == name {
			return row.profile, nil
		}
	}
	return 0, fmt.Errorf("no SRTP protection profile %q", name)
}

// Negotiator is a step that agrees on the profile with the other end.
type Negotiator interface {
	Step
	// Profile returns the profile once it is agreed on.
	Profile() (Profile, bool)
}
