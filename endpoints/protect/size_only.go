package protect

import (
	"encoding/binary"
	"fmt"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/units"
)

const (
	rtpHeader  = 12 // without contributing sources
	rtcpHeader = 8
	srtcpIndex = 4
)

// sizeOnly does what SRTP does but for the cryptography; see [SizeOnly].
type sizeOnly struct {
	config Config
	rtp    arrived
	rtcp   arrived
	out    ssrcs.Index
	last   []uint32 // index of the last RTCP packet, by SSRC's place in out
}

// arrived is what has come of every SSRC.
type arrived struct {
	from ssrcs.Index
	list []replayList
}

func newSizeOnly(c Config) *sizeOnly { return &sizeOnly{config: c} }

var zeroTag [16]byte

// RTP appends a tag of zeros. An extension that Cryptex would encrypt says so,
// but isn't.
func (s *sizeOnly) RTP(_ *rtp.Header, b []byte) ([]byte, error) {
	if len(b) < rtpHeader {
		return nil, ErrMalformed
	}
	if s.config.Cryptex != CryptexOff {
		var ok bool
		if b, ok = markCryptex(b); !ok {
			return nil, ErrMalformed
		}
	}
	return append(b, zeroTag[:s.OverheadRTP()]...), nil
}

// RTCP appends the index, with the E flag clear since nothing is encrypted, and
// a tag of zeros, in the profile's order.
func (s *sizeOnly) RTCP(b []byte) ([]byte, error) {
	if len(b) < rtcpHeader {
		return nil, ErrMalformed
	}
	ssrc := binary.BigEndian.Uint32(b[4:])
	at := s.out.Find(ssrc)
	if at < 0 {
		at = s.out.Add(ssrc)
		s.last = append(s.last, 0)
	}
	index := (s.last[at] + 1) & maxRTCPIndex // the first is 1, as with pion/srtp
	s.last[at] = index
	tag := zeroTag[:s.OverheadRTCP()-srtcpIndex]
	if s.config.Profile.AEAD() {
		b = append(b, tag...)
		return binary.BigEndian.AppendUint32(b, index), nil
	}
	b = binary.BigEndian.AppendUint32(b, index)
	return append(b, tag...), nil
}

// OpenRTP looks for replays, and for Cryptex against what was signalled.
func (s *sizeOnly) OpenRTP(h *rtp.Header, b []byte) ([]byte, error) {
	n := len(b) - int(s.OverheadRTP())
	if n < rtpHeader {
		return nil, ErrShort
	}
	from := s.rtp.by(binary.BigEndian.Uint32(b[8:]))
	index := from.index(binary.BigEndian.Uint16(b[2:]))
	if index > maxRTPIndex || !from.fresh(index) {
		return nil, ErrReplayed
	}
	if s.config.Cryptex.refuses(b) {
		return nil, ErrCryptex
	}
	if b = b[:n]; unmarkCryptex(b) {
		if _, err := h.Unmarshal(b); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	from.accept(index)
	return b, nil
}

// OpenRTCP looks for replays.
func (s *sizeOnly) OpenRTCP(b []byte) ([]byte, error) {
	n := len(b) - int(s.OverheadRTCP())
	if n < rtcpHeader {
		return nil, ErrShort
	}
	at := n
	if s.config.Profile.AEAD() {
		at = len(b) - srtcpIndex
	}
	index := uint64(binary.BigEndian.Uint32(b[at:]) & maxRTCPIndex)
	from := s.rtcp.by(binary.BigEndian.Uint32(b[4:]))
	if !from.fresh(index) {
		return nil, ErrReplayed
	}
	from.accept(index)
	return b[:n], nil
}

// by returns what has come of an SSRC; valid until the next call.
func (a *arrived) by(ssrc uint32) *replayList {
	at := a.from.Find(ssrc)
	if at < 0 {
		at = a.from.Add(ssrc)
		a.list = append(a.list, replayList{})
	}
	return &a.list[at]
}

func (s *sizeOnly) OverheadRTP() units.Bytes  { return s.config.Profile.OverheadRTP() }
func (s *sizeOnly) OverheadRTCP() units.Bytes { return s.config.Profile.OverheadRTCP() }
