// Package audio models what is said in a call and the codecs that carry it: two
// parties that take turns (ITU-T P.59), the level of their speech and of the noise
// behind it, and sources that make frames of G.711, DVI4 and an Opus-like codec
// from that, with silence suppression, comfort noise, in-band FEC and the padding
// of RFC 6562.
//
// G.711 and DVI4 are coded for real, from a synthetic waveform; of Opus only sizes
// and the octets that can be read from outside are modelled. Everything is passive:
// a [Source] says when its next frame is due and is then asked to encode it. All
// randomness comes from streams given to the constructors.
package audio

import (
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Frame is what an RTP packet of audio carries, and what its header and header
// extensions say of it.
type Frame struct {
	// Number counts the frames that are sent, from 0.
	Number uint64
	// Captured is when the first sample was taken; encoding takes no time.
	Captured simtime.Time
	// Timestamp is the media time since the source's start in units of its clock,
	// and Advance by how much that exceeds the frame's before.
	Timestamp uint64
	Advance   uint32
	// Samples is how much time the frame covers, in units of the clock.
	Samples uint32
	// Marker is the RTP marker bit: the first frame of a talk spurt, after a silence
	// in which nothing was sent (RFC 3551 §4.1).
	Marker bool
	// Comfort says that the payload is comfort noise (RFC 3389), which has a payload
	// type of its own: 13 at 8 kHz.
	Comfort bool
	// Level is that of the frame, 0 to 127 for 0 to -127 dBov, and Voice tells
	// whether it has speech (RFC 6464 §3).
	Level uint8
	Voice bool
	// Contributors are whose speech a mix has, the loudest first, and Spoken is when the
	// loudest said it; zero if it is that of Captured.
	Contributors []Contributor
	Spoken       simtime.Time
	// Payload is a part of the caller's buffer.
	Payload []byte
	// Redundant is the part of the payload that repeats the frame before: Opus'
	// in-band FEC (RFC 6716 §2.1.7).
	Redundant units.Bytes
	// Padding is how many octets of RTP padding to append, 0 to 255 (RFC 3550 §5.1,
	// RFC 6562 §5). The last one holds the count.
	Padding int
}

// Contributor is a source whose sound is part of a mix.
type Contributor struct {
	SSRC  uint32
	Level uint8 // in the mix, as Level of [Frame], or Unmeasured
}

// Unmeasured stands for a level that isn't known.
const Unmeasured = 0xff

// Source makes the frames of a stream. The order of calls is NextFrame, Encode at
// that time, NextFrame and so on; Request and Skip may come between.
type Source interface {
	// Clock returns the rate of RTP timestamps, Hz.
	Clock() int
	// MaxPayload returns how large the buffer given to Encode must be.
	MaxPayload() int
	// Request asks for a rate of payload octets; codecs of constant rate ignore it.
	Request(now simtime.Time, r units.BitRate)
	// Goal returns the rate while somebody speaks.
	Goal() units.BitRate
	// NextFrame returns when the next frame is due, whether or not it will be sent.
	NextFrame() simtime.Time
	// Skip lets no frame be due before the given time: a pause.
	Skip(until simtime.Time)
	// Encode makes the frame that is due, in the given buffer, and schedules the
	// next. It returns false if nothing is sent for it: silence.
	Encode(now simtime.Time, into []byte) (Frame, bool)
}

// Speech is what a source hears.
type Speech struct {
	// Activity says when its party talks; nil stands for always.
	Activity Activity
	Levels   LevelConfig
	// Overhang is for how long a source takes silence for speech.
	Overhang Overhang
	// Tone is the frequency of a tone that takes the place of a voice in G.711 and DVI4, Hz,
	// below 4000; 0 is none.
	Tone float64
	// Random belongs to the source.
	Random *rng.Stream
}

// timing is the part of a source that knows when frames are due and what their RTP
// timestamps are.
type timing struct {
	clock  int64
	frame  time.Duration
	start  simtime.Time
	due    simtime.Time
	number uint64
	last   uint64 // timestamp of the last frame sent
}

// NextFrame implements [Source].
func (t *timing) NextFrame() simtime.Time { return t.due }

// Skip implements [Source].
func (t *timing) Skip(until simtime.Time) { t.due = max(t.due, until) }

// Clock implements [Source].
func (t *timing) Clock() int { return int(t.clock) }

// begin returns the frame that is due and schedules the next.
func (t *timing) begin() Frame {
	f := Frame{
		Captured: t.due, Timestamp: t.mediaTime(t.due),
		Samples: uint32(int64(t.frame) * t.clock / int64(time.Second)),
	}
	t.due = t.due.Add(t.frame)
	return f
}

// finish numbers a frame that is sent.
func (t *timing) finish(f *Frame) {
	f.Number = t.number
	if t.number > 0 {
		f.Advance = uint32(f.Timestamp - t.last)
	}
	t.number++
	t.last = f.Timestamp
}

// mediaTime is exact for whole samples: seconds and the rest are taken apart
// so that the product doesn't overflow after days.
func (t *timing) mediaTime(at simtime.Time) uint64 {
	d := int64(at.Sub(t.start))
	second := int64(time.Second)
	return uint64(d/second*t.clock + d%second*t.clock/second)
}
