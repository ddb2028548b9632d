package encoder

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Transcoding encodes pictures anew that somebody else has encoded before: one when each comes, of a
// size after RFC 8593 §5, at no higher a rate than they came at. More would be wasted: what was lost
// in the first encoding doesn't come back (draft-ietf-rtcweb-rtp-usage of July 2012, appendix A.4.1).
type Transcoding struct {
	inner   *Statistical
	wanted  func(now simtime.Time, r units.BitRate)
	goal    units.BitRate
	waiting []picture
	input   []picture // of the last second
	encoded uint64
}

type picture struct {
	at, captured simtime.Time
	size         units.Bytes
}

// inputWindow is over what the rate of what comes is measured.
const inputWindow = time.Second

// NewTranscoding returns an encoder that makes what inner would at the times when pictures come.
// wanted, if not nil, is told of every rate that is asked for.
func NewTranscoding(inner *Statistical, wanted func(now simtime.Time, r units.BitRate)) *Transcoding {
	return &Transcoding{inner: inner, wanted: wanted, goal: inner.Goal()}
}

// Decoded takes a picture: when it was decoded and captured, and its size as it came.
func (e *Transcoding) Decoded(now, captured simtime.Time, size units.Bytes) {
	p := picture{now, captured, size}
	e.waiting = append(e.waiting, p)
	old := slices.IndexFunc(e.input, func(o picture) bool { return now.Sub(o.at) < inputWindow })
	if old < 0 {
		old = len(e.input)
	}
	e.input = append(e.input[:copy(e.input, e.input[old:])], p)
}

// Input returns the rate of what came in the last second.
func (e *Transcoding) Input() units.BitRate {
	bits := units.Bytes(0)
	for _, p := range e.input {
		bits += 8 * p.size
	}
	return units.BitRate(float64(bits) / inputWindow.Seconds())
}

// Encoded returns how many pictures have been encoded.
func (e *Transcoding) Encoded() uint64 { return e.encoded }

// Request asks for a rate.
func (e *Transcoding) Request(now simtime.Time, r units.BitRate) {
	e.goal = r
	if e.wanted != nil {
		e.wanted(now, r)
	}
}

// Goal returns the rate that is in effect.
func (e *Transcoding) Goal() units.BitRate { return e.inner.Goal() }

// NextFrame returns when the next picture came, if one waits.
func (e *Transcoding) NextFrame() simtime.Time {
	if len(e.waiting) == 0 {
		return simtime.Never
	}
	return e.waiting[0].at
}

// Encode makes a frame of the picture that waits.
func (e *Transcoding) Encode(now simtime.Time) Frame {
	p := e.waiting[0]
	e.waiting = slices.Delete(e.waiting, 0, 1)
	e.inner.Request(now, min(e.goal, e.Input()))
	f := e.inner.Encode(now)
	f.Captured = p.captured
	e.encoded++
	return f
}

// Skip leaves out pictures of before a time.
func (e *Transcoding) Skip(until simtime.Time) {
	e.waiting = slices.DeleteFunc(e.waiting, func(p picture) bool { return p.at < until })
}

// Refresh makes the next frame a key frame.
func (e *Transcoding) Refresh() { e.inner.Refresh() }
