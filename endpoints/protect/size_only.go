package protect

import (
	"encoding/binary"
	"errors"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4/replaydetector"

	"rtpfabric/sim/units"
)

// ErrReplayed is returned for a packet that came before, or is too old to tell.
// Its text is what SRTP's library says.
var ErrReplayed = errors.New("duplicate packet")

// sizeOnly does what SRTP does but for the cryptography: it refuses replays, so
// that a network which duplicates packets has the same effect.
type sizeOnly struct {
	out map[uint32]uint32         // index of the last RTCP packet, by SSRC
	in  map[[2]uint32]*sizeOnlyIn // by SSRC, and 0 for RTP or 1 for RTCP
}

type sizeOnlyIn struct {
	replays replaydetector.CheckAccepter
	highest uint64
	begun   bool
}

const (
	maxRTPIndex  = 1<<48 - 1
	maxRTCPIndex = 1<<31 - 1
)

func newSizeOnly() *sizeOnly {
	return &sizeOnly{out: map[uint32]uint32{}, in: map[[2]uint32]*sizeOnlyIn{}}
}

var zeroTag [TagRTP]byte

func (*sizeOnly) RTP(_ *rtp.Header, b []byte) ([]byte, error) {
	return append(b, zeroTag[:]...), nil
}

func (s *sizeOnly) RTCP(b []byte) ([]byte, error) {
	ssrc := binary.BigEndian.Uint32(b[4:])
	index := s.out[ssrc]
	s.out[ssrc] = index + 1
	b = binary.BigEndian.AppendUint32(b, index) // E flag clear: not encrypted
	return append(b, zeroTag[:]...), nil
}

func (s *sizeOnly) OpenRTP(_ *rtp.Header, b []byte) ([]byte, error) {
	const header = 12
	if len(b) < header+int(TagRTP) {
		return nil, ErrShort
	}
	seq := binary.BigEndian.Uint16(b[2:])
	from := s.from(binary.BigEndian.Uint32(b[8:]), 0, maxRTPIndex)
	index := uint64(seq)
	if from.begun {
		index = from.highest + uint64(int64(int16(seq-uint16(from.highest))))
	}
	if !from.accept(index) {
		return nil, ErrReplayed
	}
	return b[:len(b)-int(TagRTP)], nil
}

func (s *sizeOnly) OpenRTCP(b []byte) ([]byte, error) {
	n := len(b) - int(TagRTCP)
	if n < 8 {
		return nil, ErrShort
	}
	index := uint64(binary.BigEndian.Uint32(b[n:]) & maxRTCPIndex)
	if !s.from(binary.BigEndian.Uint32(b[4:]), 1, maxRTCPIndex).accept(index) {
		return nil, ErrReplayed
	}
	return b[:n], nil
}

func (s *sizeOnly) from(ssrc, kind uint32, top uint64) *sizeOnlyIn {
	key := [2]uint32{ssrc, kind}
	f := s.in[key]
	if f == nil {
		f = &sizeOnlyIn{replays: replaydetector.New(replayWindow, top).(replaydetector.CheckAccepter)}
		s.in[key] = f
	}
	return f
}

func (f *sizeOnlyIn) accept(index uint64) bool {
	token := f.replays.CheckSeq(index)
	if !token.Passed() {
		return false
	}
	f.replays.Accept(token)
	f.highest, f.begun = max(f.highest, index), true
	return true
}

func (*sizeOnly) OverheadRTP() units.Bytes  { return TagRTP }
func (*sizeOnly) OverheadRTCP() units.Bytes { return TagRTCP }
