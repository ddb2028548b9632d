package encoder

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// TraceDriven is the model of RFC 8593 §6: frames have the sizes that an encoder gave
// them at the rates around the goal, interpolated. It reacts at once; fluctuations
// within [VideoConfig], latency and bursts are not used, but those of the trace.
type TraceDriven struct {
	c      VideoConfig
	fps    float64
	goal   units.BitRate
	start  simtime.Time
	due    simtime.Time
	number uint64
	layers layers
	cursor cursor
	resize bool // the next frame has another resolution
}

// NewTraceDriven returns an encoder whose first frame is due at start. A frame rate of 0
// is the trace's; at another one, frames are larger or smaller in proportion. The
// trace must pass [Trace.Check]; encoders may share it.
//
// Deviation (RFC 8593 §6.2.1): the first rate is Start rather than the least.
func NewTraceDriven(c VideoConfig, t *Trace, start simtime.Time) *TraceDriven {
	if c.FPS <= 0 {
		c.FPS = t.FPS
	}
	goal := min(max(c.Start, c.Min), c.Max)
	return &TraceDriven{
		c: c, fps: c.FPS, goal: goal, start: start, due: start, layers: newLayers(c), cursor: newCursor(t, c.FPS, goal),
	}
}

// Request changes the rate. If another resolution goes with it, the next frame is a key
// frame (§6.3).
func (e *TraceDriven) Request(_ simtime.Time, r units.BitRate) {
	e.goal = min(max(r, e.c.Min), e.c.Max)
	if e.cursor.seek(e.goal) {
		e.resize = true
	}
}

// Goal returns the rate.
func (e *TraceDriven) Goal() units.BitRate { return e.goal }

// NextFrame returns when the next frame is due.
func (e *TraceDriven) NextFrame() simtime.Time { return e.due }

// Skip postpones the next frame and all that follow.
func (e *TraceDriven) Skip(until simtime.Time) {
	if until > e.due {
		e.start = e.start.Add(until.Sub(e.due))
		e.due = until
	}
}

// Refresh makes the next frame a key frame: the trace's first one (§6.2.2).
func (e *TraceDriven) Refresh() { e.layers.refresh = true }

// Encode takes the next frame of the trace.
func (e *TraceDriven) Encode(now simtime.Time) Frame {
	key := e.number == 0 || e.resize || e.layers.refreshDue(now)
	if key {
		e.cursor.rewind()
		e.resize = false
	}
	f := Frame{Number: e.number, Captured: now, Size: e.cursor.size(e.goal), Key: key}
	f.Width, f.Height = e.cursor.resolution()
	e.layers.place(now, &f)
	e.cursor.advance()
	e.number++
	e.due = e.start.Add(time.Duration(float64(e.number) * float64(time.Second) / e.fps))
	return f
}
