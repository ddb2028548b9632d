// Package sound is what is heard in a call: samples at 8 kHz. A [Player] puts the frames that
// a jitter buffer plays on one timeline without gaps: what is missing is concealed, and where
// play-out is faster or slower than the speaker, periods of the voice are left out or repeated.
// A [Bus] adds up what several players have, as a mixer does (RFC 7667 §3.6.1).
//
// Everything is passive, and nothing looks ahead: what is read is [Reserve] older than the time
// that it is read for.
package sound

import (
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/simtime"
)

// Clock is the rate of samples, Hz.
const Clock = 8000

// Reserve is by how much what is read is later than what was played: the longest period of a
// voice, which play-out may be ahead or behind by.
const Reserve = 15 * time.Millisecond

// count returns how many samples a duration has.
func count(d time.Duration) int { return int(int64(d) * Clock / int64(time.Second)) }

// lasting returns how long samples last.
func lasting(n int) time.Duration { return time.Duration(n) * (time.Second / Clock) }

// Fragment is a stretch of sound as it was read.
type Fragment struct {
	Samples []int16
	// Spoken is when the first sample was picked up, Heard whether any of it was received
	// rather than concealed, Voice whether it is said to have speech, and Noise whether comfort
	// noise stands for its end.
	Spoken              simtime.Time
	Heard, Voice, Noise bool
	// Mixed are those of whom the sound is a mix, if it is said to be one.
	Mixed []audio.Contributor
}
