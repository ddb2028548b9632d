// Package protect turns RTP and RTCP into SRTP and SRTCP and back.
//
// It has the profiles of RFC 3711 and RFC 7714, the encryption of chosen header
// extensions (RFC 6904), and that of all of them together with the contributing
// sources (RFC 9335).
//
// A connection calls [NewWith] again and again, after whatever may have moved
// its keying step on, until that gives it a [Protector], which it then keeps.
// What can't be protected yet isn't sent (RFC 8827 §6.5).
package protect

import (
	"fmt"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/units"
)

// Mode says how much of SRTP is done.
type Mode string

// The modes.
const (
	// Full encrypts and authenticates.
	Full Mode = "full"
	// SizeOnly adds the same octets and encrypts nothing: packets have the same
	// sizes and thus the same times, at less cost. Replays are refused, and
	// Cryptex against what was signalled, so that a network which duplicates
	// packets has the same effect; nothing is authenticated, so a packet that
	// was changed on the way, or made with other keys, is accepted.
	SizeOnly Mode = "size-only"
	// None leaves packets in the clear, a debugging aid.
	None Mode = "none"
)

// Config says how a connection is protected.
type Config struct {
	Mode Mode
	// Profile is the protection profile. 0 stands for what a
	// [keying.Negotiator] agrees on, and with other steps for
	// AES128_CM_HMAC_SHA1_80.
	Profile keying.Profile
	// EncryptedExtensions are the ids of the header extension elements whose
	// data is encrypted, from [headerext.Map.Encrypted]. Both ends have the
	// same. A packet that Cryptex encrypts leaves them to that (RFC 9335).
	EncryptedExtensions headerext.IDSet
	Cryptex             Cryptex
}

// replayWindow is the number of packets that a receiver remembers
// (RFC 3711 §3.3.2 asks for at least 64).
const replayWindow = 128

// Protector handles one connection, both directions. Input is overwritten:
// the result lies in the same buffer when it has the capacity, which is 24 octets
// more than the packet at most, and in a [Group] 87. A refused packet may be spoilt. It isn't safe for
// concurrent use.
type Protector interface {
	// RTP protects a packet. header is memory for the packet's header, not nil.
	RTP(header *rtp.Header, packet []byte) ([]byte, error)
	// RTCP protects a compound packet.
	RTCP(packet []byte) ([]byte, error)
	// OpenRTP authenticates and decrypts a packet. header is that of the packet
	// as it came; afterwards it is that of the result, which differs where
	// parts of the header were encrypted. The header's size stays the same.
	OpenRTP(header *rtp.Header, packet []byte) ([]byte, error)
	// OpenRTCP authenticates and decrypts a compound packet.
	OpenRTCP(packet []byte) ([]byte, error)
	// OverheadRTP and OverheadRTCP are what protection adds to a packet.
	// Cryptex adds 4 octets more to an RTP packet that has contributing
	// sources but no header extension.
	OverheadRTP() units.Bytes
	OverheadRTCP() units.Bytes
}

// NewWith returns the protector of a configuration. It reports false while the
// keying step has no keys.
func NewWith(c Config, step keying.Step) (Protector, bool, error) {
	if c.Mode == None {
		return Clear(), true, nil
	}
	if c.Mode != Full && c.Mode != SizeOnly {
		return nil, false, fmt.Errorf("no protection mode %q", c.Mode)
	}
	if c.Cryptex > CryptexRequired {
		return nil, false, fmt.Errorf("no Cryptex mode %d", c.Cryptex)
	}
	var agreed bool
	if c.Profile, agreed = ProfileOf(c.Profile, step); !agreed {
		return nil, false, nil
	}
	if !c.Profile.Known() {
		return nil, false, fmt.Errorf("no protection with %v", c.Profile)
	}
	if g, ok := step.(Grouped); ok {
		if len(g.Sets()) == 0 {
			return nil, false, nil
		}
		p, err := newGroup(c, g)
		if err != nil {
			return nil, false, err
		}
		return p, true, nil
	}
	k, ready := step.Keys(c.Profile.KeyLen(), c.Profile.SaltLen())
	switch {
	case !ready:
		return nil, false, nil
	case c.Mode == SizeOnly:
		return newSizeOnly(c), true, nil
	}
	p, err := newFull(c, k)
	if err != nil {
		return nil, false, err
	}
	return p, true, nil
}

// ProfileOf returns the profile that a step's keys are for: the given one or, if that
// is 0, what the step agrees on. It reports false while that isn't known.
func ProfileOf(given keying.Profile, step keying.Step) (keying.Profile, bool) {
	if given != 0 {
		return given, true
	}
	if n, ok := step.(keying.Negotiator); ok {
		return n.Profile()
	}
	return keying.AES128CMSHA180, true
}

// Clear returns what protects nothing: packets stay as they are.
func Clear() Protector { return clear{} }

type clear struct{}

func (clear) RTP(_ *rtp.Header, b []byte) ([]byte, error)     { return b, nil }
func (clear) RTCP(b []byte) ([]byte, error)                   { return b, nil }
func (clear) OpenRTP(_ *rtp.Header, b []byte) ([]byte, error) { return b, nil }
func (clear) OpenRTCP(b []byte) ([]byte, error)               { return b, nil }
func (clear) OverheadRTP() units.Bytes                        { return 0 }
func (clear) OverheadRTCP() units.Bytes                       { return 0 }
