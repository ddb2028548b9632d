package encoder

import (
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Composing encodes a picture that is put together of several others: a frame whenever one is due
// and something in it has changed, of a size after RFC 8593 §5.
type Composing struct {
	inner    *Statistical
	wanted   func(now simtime.Time, r units.BitRate)
	captured simtime.Time // when the newest picture in it was
	changed  bool
	encoded  uint64
}

// NewComposing returns an encoder that makes what inner would. wanted is told of every rate that is
// asked for.
func NewComposing(inner *Statistical, wanted func(now simtime.Time, r units.BitRate)) *Composing {
	return &Composing{inner: inner, wanted: wanted}
}

// Change takes a new picture in what is shown: when it comes, and when it was captured.
func (e *Composing) Change(now, captured simtime.Time) {
	if !e.changed {
		e.changed = true
		e.inner.Skip(now)
	}
	e.captured = max(e.captured, captured)
}

// Encoded returns how many frames have been encoded.
func (e *Composing) Encoded() uint64 { return e.encoded }

// Request asks for a rate.
func (e *Composing) Request(now simtime.Time, r units.BitRate) {
	e.inner.Request(now, r)
	e.wanted(now, r)
}

// Goal returns the rate that is in effect.
func (e *Composing) Goal() units.BitRate { return e.inner.Goal() }

// NextFrame returns when the next frame is due, if something has changed.
func (e *Composing) NextFrame() simtime.Time {
	if !e.changed {
		return simtime.Never
	}
	return e.inner.NextFrame()
}

// Encode makes a frame. Its media time is now; when it was captured is when the newest picture was
// that it has.
func (e *Composing) Encode(now simtime.Time) Frame {
	f := e.inner.Encode(now)
	f.Composed, f.Captured = now, e.captured
	e.changed = false
	e.encoded++
	return f
}

// Skip postpones the next frame.
func (e *Composing) Skip(until simtime.Time) { e.inner.Skip(until) }

// Refresh makes the next frame a key frame.
func (e *Composing) Refresh() { e.inner.Refresh() }
