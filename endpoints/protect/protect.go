// Package protect turns RTP and RTCP into SRTP and SRTCP and back.
package protect

import (
	"errors"
	"fmt"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/units"
)

// Mode says how much of SRTP is done.
type Mode string

// The modes.
const (
	// Full encrypts and authenticates.
	Full Mode = "full"
	// SizeOnly adds the same octets and does nothing else: packets have the
	// same sizes and thus the same times, at less cost.
	SizeOnly Mode = "size-only"
	// None leaves packets in the clear, a debugging aid.
	None Mode = "none"
)

// What protection adds to a packet with the default transforms of RFC 3711 §5:
// a tag of 80 bits, and to RTCP the E flag with the index as well.
const (
	TagRTP  units.Bytes = 10
	TagRTCP units.Bytes = 14
)

// AES-CM with 128-bit keys and HMAC-SHA1.
const (
	profile = srtp.ProtectionProfileAes128CmHmacSha1_80
	keyLen  = 16
	saltLen = 14
	// replayWindow is the number of packets that a receiver remembers
	// (RFC 3711 §3.3.2 asks for at least 64).
	replayWindow = 128
)

// Protector handles one connection, both directions. Input is overwritten:
// the result lies in the same buffer when it has the capacity.
type Protector interface {
	RTP(header *rtp.Header, packet []byte) ([]byte, error)
	RTCP(packet []byte) ([]byte, error)
	OpenRTP(header *rtp.Header, packet []byte) ([]byte, error)
	OpenRTCP(packet []byte) ([]byte, error)
	// OverheadRTP and OverheadRTCP are what protection adds to a packet.
	OverheadRTP() units.Bytes
	OverheadRTCP() units.Bytes
}

// ErrShort is returned for a packet that can't hold its tag.
var ErrShort = errors.New("packet is shorter than its authentication tag")

// New returns the protector of a mode. It reports false while the keying step
// has no keys.
func New(m Mode, step keying.Step) (Protector, bool, error) {
	switch m {
	case None:
		return clear{}, true, nil
	case SizeOnly:
		_, ready := step.Keys(keyLen, saltLen)
		return newSizeOnly(), ready, nil
	case Full:
		k, ready := step.Keys(keyLen, saltLen)
		if !ready {
			return nil, false, nil
		}
		p, err := newFull(k)
		return p, err == nil, err
	}
	return nil, false, fmt.Errorf("no protection mode %q", m)
}

type full struct{ out, in *srtp.Context }

func newFull(k keying.Keys) (*full, error) {
	out, err := srtp.CreateContext(k.Local.Key, k.Local.Salt, profile)
	if err != nil {
		return nil, fmt.Errorf("keys to send with: %w", err)
	}
	in, err := srtp.CreateContext(k.Remote.Key, k.Remote.Salt, profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, fmt.Errorf("keys to receive with: %w", err)
	}
	return &full{out: out, in: in}, nil
}

func (f *full) RTP(h *rtp.Header, b []byte) ([]byte, error) { return f.out.EncryptRTP(b, b, h) }
func (f *full) RTCP(b []byte) ([]byte, error)               { return f.out.EncryptRTCP(b, b, nil) }

func (f *full) OpenRTP(h *rtp.Header, b []byte) ([]byte, error) {
	if len(b) < int(TagRTP) {
		return nil, ErrShort
	}
	return f.in.DecryptRTP(b, b, h)
}

func (f *full) OpenRTCP(b []byte) ([]byte, error) {
	if len(b) < int(TagRTCP) {
		return nil, ErrShort
	}
	return f.in.DecryptRTCP(b, b, &rtcp.Header{})
}

func (*full) OverheadRTP() units.Bytes  { return TagRTP }
func (*full) OverheadRTCP() units.Bytes { return TagRTCP }

type clear struct{}

func (clear) RTP(_ *rtp.Header, b []byte) ([]byte, error)     { return b, nil }
func (clear) RTCP(b []byte) ([]byte, error)                   { return b, nil }
func (clear) OpenRTP(_ *rtp.Header, b []byte) ([]byte, error) { return b, nil }
func (clear) OpenRTCP(b []byte) ([]byte, error)               { return b, nil }
func (clear) OverheadRTP() units.Bytes                        { return 0 }
func (clear) OverheadRTCP() units.Bytes                       { return 0 }
