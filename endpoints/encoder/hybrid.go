package encoder

import (
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Hybrid is the model of RFC 8593 §7: in the steady state frames come from a trace, in
// intervals that vary as in the statistical model; K_d frames after a change of rate by
// more than a tenth, and after a request for a key frame, come from the statistical
// model, whose latency applies, too (§5.1).
type Hybrid struct {
	s      *Statistical
	cursor cursor
	resize bool // the next frame has another resolution
}

// NewHybrid returns an encoder whose first frame is due at start. The trace must pass
// [Trace.Check]; encoders may share it. A frame rate of 0 is the trace's.
func NewHybrid(c VideoConfig, t *Trace, start simtime.Time, random *rng.Stream) *Hybrid {
	if c.FPS <= 0 {
		c.FPS = t.FPS
	}
	s := NewStatistical(c, start, random)
	return &Hybrid{s: s, cursor: newCursor(t, c.FPS, s.goal)}
}

// Request changes the rate unless a change is less than tau_v old.
func (e *Hybrid) Request(now simtime.Time, r units.BitRate) {
	e.s.Request(now, r)
	if e.cursor.seek(e.s.goal) {
		e.resize = true
	}
}

// Goal returns R_v as it is in effect.
func (e *Hybrid) Goal() units.BitRate { return e.s.Goal() }

// NextFrame returns when the next frame is due.
func (e *Hybrid) NextFrame() simtime.Time { return e.s.NextFrame() }

// Skip postpones the next frame.
func (e *Hybrid) Skip(until simtime.Time) { e.s.Skip(until) }

// Refresh makes the next frame a key frame, which begins a transient.
func (e *Hybrid) Refresh() { e.s.Refresh() }

// Encode makes a frame of the transient or takes the next one of the trace. The trace
// stands still in a transient.
func (e *Hybrid) Encode(now simtime.Time) Frame {
	if e.resize {
		e.s.Refresh()
		e.resize = false
	}
	var f Frame
	if first := e.s.number == 0; !first && (e.s.burst > 0 || e.s.layers.refreshDue(now)) {
		f = e.s.Encode(now)
	} else {
		f = e.steady(now, first)
	}
	f.Width, f.Height = e.cursor.resolution()
	return f
}

// steady takes a frame of the trace.
func (e *Hybrid) steady(now simtime.Time, first bool) Frame {
	if first {
		e.s.burst = 0 // the trace begins with a key frame anyway
	}
	f := Frame{Number: e.s.number, Captured: now, Size: e.cursor.size(e.s.goal), Key: first}
	e.s.layers.place(now, &f)
	e.cursor.advance()
	e.s.number++
	t0 := float64(time.Second) / e.s.c.FPS
	gap := float64(t0 * max(1+e.s.random.Laplace(e.s.c.ScaleInterval), 0.05))
	e.s.due = now.Add(time.Duration(gap))
	return f
}
