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

// replayList knows which indices of one SSRC have come, as one of pion's does, but stands where
// it is needed: every packet asks.
type replayList struct {
	rollover
	window [replayWindow / 64]uint64 // bit i of the words stands for what is i below the highest
}

// fresh reports whether an index is neither too old to tell nor of what has come.
func (l *replayList) fresh(index uint64) bool {
	if index > l.highest {
		return true
	}
	age := l.highest - index
	return age < replayWindow && l.window[age/64]>>(age%64)&1 == 0
}

// accept notes the index of a packet that is fresh.
func (l *replayList) accept(index uint64) {
	if index > l.highest {
		l.age(index - l.highest)
	}
	l.saw(index)
	behind := l.highest - index
	l.window[behind/64] |= 1 << (behind % 64)
}

// age moves the window up.
func (l *replayList) age(n uint64) {
	switch w := &l.window; {
	case n < 64:
		w[1] = w[1]<<n | w[0]>>(64-n)
		w[0] <<= n
	case n < replayWindow:
		w[1], w[0] = w[0]<<(n-64), 0
	default:
		*w = [2]uint64{}
	}
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
