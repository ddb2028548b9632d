package protect

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/replaydetector"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/units"
)

// full is SRTP as pion/srtp does it, with the header encryption that it lacks.
type full struct {
	config  Config
	out, in *srtp.Context
	header  rtcp.Header // memory of OpenRTCP and RTCP

	// Of RFC 6904; nil without.
	encrypt, decrypt *headerext.Cipher
	sent             map[uint32]*rollover // by SSRC; only with encrypt

	last check // what the replay lists made of the last packet
}

func newFull(c Config, k keying.Keys) (*full, error) {
	f := &full{config: c}
	profile := srtp.ProtectionProfile(c.Profile)
	cryptex := srtp.Cryptex(srtp.CryptexMode(c.Cryptex))
	var err error
	if f.out, err = srtp.CreateContext(k.Local.Key, k.Local.Salt, profile, cryptex); err != nil {
		return nil, fmt.Errorf("keys to send with: %w", err)
	}
	f.in, err = srtp.CreateContext(k.Remote.Key, k.Remote.Salt, profile, cryptex,
		srtp.SRTPReplayDetectorFactory(f.replayList(maxRTPIndex)),
		srtp.SRTCPReplayDetectorFactory(f.replayList(maxRTCPIndex)))
	if err != nil {
		return nil, fmt.Errorf("keys to receive with: %w", err)
	}
	if c.EncryptedExtensions.Empty() {
		return f, nil
	}
	if f.decrypt, err = headerext.NewCipher(k.Remote.Key, k.Remote.Salt, c.EncryptedExtensions); err != nil {
		return nil, fmt.Errorf("keys to receive headers with: %w", err)
	}
	if c.Cryptex != CryptexOff { // never both in one packet
		return f, nil
	}
	f.sent = map[uint32]*rollover{}
	if f.encrypt, err = headerext.NewCipher(k.Local.Key, k.Local.Salt, c.EncryptedExtensions); err != nil {
		return nil, fmt.Errorf("keys to send headers with: %w", err)
	}
	return f, nil
}

// replayList returns the maker of replay lists that report to f.
func (f *full) replayList(top uint64) func() replaydetector.ReplayDetector {
	return func() replaydetector.ReplayDetector {
		return &watched{CheckAccepter: newReplayList(top), last: &f.last}
	}
}

// RTP protects a packet. Header extensions are encrypted before the packet is
// authenticated (RFC 6904 §3).
func (f *full) RTP(h *rtp.Header, b []byte) ([]byte, error) {
	if f.encrypt != nil && len(b) >= rtpHeader {
		f.encrypt.Apply(b, f.sentIndex(b))
	}
	return f.out.EncryptRTP(b, b, h)
}

// sentIndex returns the index of a packet to send, the same that pion/srtp
// finds.
func (f *full) sentIndex(b []byte) uint64 {
	ssrc := binary.BigEndian.Uint32(b[8:])
	r := f.sent[ssrc]
	if r == nil {
		r = &rollover{}
		f.sent[ssrc] = r
	}
	index := r.index(binary.BigEndian.Uint16(b[2:]))
	r.saw(index)
	return index
}

// RTCP protects a compound packet.
func (f *full) RTCP(b []byte) ([]byte, error) { return f.out.EncryptRTCP(b, b, &f.header) }

// OpenRTP authenticates and decrypts a packet, its header extensions last.
func (f *full) OpenRTP(h *rtp.Header, b []byte) ([]byte, error) {
	if len(b) < rtpHeader+int(f.config.Profile.OverheadRTP()) {
		return nil, ErrShort
	}
	f.last = check{}
	// The packet may be spoilt when this is asked for.
	refused, cryptex := f.config.Cryptex.refuses(b), isCryptex(b)
	out, err := f.in.DecryptRTP(b, b, h)
	if err != nil {
		return nil, f.refusal(err, refused)
	}
	if f.decrypt != nil && !cryptex {
		f.decrypt.Apply(out, f.last.index)
	}
	return out, nil
}

// OpenRTCP authenticates and decrypts a compound packet.
func (f *full) OpenRTCP(b []byte) ([]byte, error) {
	if len(b) < rtcpHeader+int(f.config.Profile.OverheadRTCP()) {
		return nil, ErrShort
	}
	f.last = check{}
	out, err := f.in.DecryptRTCP(b, b, &f.header)
	if err != nil {
		return nil, f.refusal(err, false)
	}
	return out, nil
}

// refusal says why a packet was refused. The library exports only one of its
// errors; its replay lists, which are ours, tell of replays. It looks at those
// first, then at Cryptex, then at the tag.
func (f *full) refusal(err error, cryptex bool) error {
	switch {
	case f.last.refused:
		return ErrReplayed
	case f.last.done && cryptex:
		return ErrCryptex
	case errors.Is(err, srtp.ErrFailedToVerifyAuthTag):
		return ErrAuth
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

func (f *full) OverheadRTP() units.Bytes  { return f.config.Profile.OverheadRTP() }
func (f *full) OverheadRTCP() units.Bytes { return f.config.Profile.OverheadRTCP() }
