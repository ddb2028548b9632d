package playout

import "time"

// interruption is from when on missing audio counts as an interruption of the call
// rather than as a glitch, as in WebRTC's statistics.
const interruption = 150 * time.Millisecond

// AudioStats is what an adaptive buffer has done. Frames are discarded because more
// waits than the largest delay, because the timeline restarts, because they come
// after later ones have begun it, or because their timestamp contradicts their sequence
// number.
type AudioStats struct {
	Played    uint64 // frames that came in time
	Concealed uint64 // frames that were missing when they were due
	Late      uint64 // of those, the ones that came afterwards
	Recovered uint64 // frames that were missing but restored from the next
	Discarded uint64 // frames left out: see below
	Restarts  uint64 // timelines taken up anew

	// ConcealedTime is how long something had to stand in for audio: for missing
	// frames, or because the next one hadn't come.
	ConcealedTime time.Duration
	// Silence is how long nothing was played because nothing was sent.
	Silence time.Duration
	// Expanded and Accelerated are by how much speech was stretched and shortened,
	// and Lengthened and Shortened the same of silence. Expanded has the time that
	// was concealed while waiting for a frame, too.
	Expanded, Accelerated time.Duration
	Lengthened, Shortened time.Duration
	// Interruptions counts the times of 150 ms or more, without a break, in which
	// something stood in for audio, and Interrupted is how long they were.
	Interruptions uint64
	Interrupted   time.Duration
}

// Lost returns how many frames never came.
func (s *AudioStats) Lost() uint64 {
	missing := s.Concealed + s.Recovered
	return missing - min(s.Late, missing)
}

// interrupted notes for how long something stood in for audio, without a break.
func (s *AudioStats) interrupted(d time.Duration) {
	if d >= interruption {
		s.Interruptions++
		s.Interrupted += d
	}
}

// silence notes by how much longer a silence was than the sender's.
func (s *AudioStats) silence(d time.Duration) {
	if d > 0 {
		s.Lengthened += d
	} else {
		s.Shortened -= d
	}
}

// stretched notes by how much longer a frame was played than it lasts.
func (s *AudioStats) stretched(silent bool, d time.Duration) {
	switch {
	case silent:
		s.silence(d)
	case d > 0:
		s.Expanded += d
	default:
		s.Accelerated -= d
	}
}
