package protect

import "github.com/pion/transport/v4/replaydetector"

const (
	maxRTPIndex  = 1<<48 - 1
	maxRTCPIndex = 1<<31 - 1
)

func newReplayList(top uint64) replaydetector.CheckAccepter {
	return replaydetector.New(replayWindow, top).(replaydetector.CheckAccepter)
}

// check is what a replay list made of a packet.
type check struct {
	done    bool
	index   uint64 // of SRTP: roll-over counter and sequence number
	refused bool
}

// watched is a replay list that says what it was asked: pion/srtp tells neither
// the index that it found for a packet nor that it was a replay.
type watched struct {
	replaydetector.CheckAccepter
	last *check
}

// CheckSeq implements [replaydetector.CheckAccepter].
func (w *watched) CheckSeq(index uint64) replaydetector.Token {
	token := w.CheckAccepter.CheckSeq(index)
	*w.last = check{done: true, index: index, refused: !token.Passed()}
	return token
}

// Check implements [replaydetector.ReplayDetector]. pion/srtp prefers CheckSeq.
func (w *watched) Check(index uint64) (accept func() bool, ok bool) {
	token := w.CheckSeq(index)
	return func() bool { return w.Accept(token) }, token.Passed()
}

// rollover finds the indices of the packets of one SSRC.
type rollover struct {
	highest uint64
	begun   bool
}

// index returns the index that is nearest to the highest one so far (RFC 3711
// §3.3.1, appendix A). It is never below 0.
func (r *rollover) index(seq uint16) uint64 {
	if !r.begun {
		return uint64(seq)
	}
	last := uint16(r.highest)
	index := r.highest&^0xffff | uint64(seq)
	const half, round = 1 << 15, 1 << 16
	switch {
	case last < half && int(seq)-int(last) > half && index >= round:
		return index - round
	case last >= half && int(last)-half > int(seq):
		return index + round
	}
	return index
}

// saw notes the index of a packet that was sent, or received and authenticated.
func (r *rollover) saw(index uint64) { r.highest, r.begun = max(r.highest, index), true }
