package encoder

import (
	"fmt"

	"rtpfabric/sim/units"
)

// Trace holds the sizes of the frames that an encoder made of one video at several
// constant rates: the map Traces of RFC 8593 §6.1. The first frame is a key frame, all
// others are predicted.
type Trace struct {
	// FPS is the frame rate of the video.
	FPS float64
	// Skip is how many frames at the start aren't repeated when the video begins
	// anew: a large key frame and the small ones that make up for it (SkipFrames of
	// §6.2.1).
	Skip int
	// Rungs are the rates, in rising order, at least two. The steps between them
	// needn't be equal (§6.2.2).
	Rungs []Rung
}

// Rung is a trace at one rate.
type Rung struct {
	Rate          units.BitRate
	Width, Height int
	// Sizes of the frames; all rungs have as many.
	Sizes []units.Bytes
}

// largest is fs_max of RFC 8593 §6.2.1.
const largest units.Bytes = 1_000_000

// Check reports what is wrong with a trace, or nil. [ReadTrace] and [Synthesize] return
// only traces that pass.
func (t *Trace) Check() error {
	if !(t.FPS > 0 && t.FPS <= 1000) {
		return fmt.Errorf("a frame rate of %v: write a number from above 0 to 1000", t.FPS)
	}
	if len(t.Rungs) < 2 {
		return fmt.Errorf("%d rates: there must be two or more", len(t.Rungs))
	}
	n := len(t.Rungs[0].Sizes)
	if t.Skip < 0 || n <= t.Skip {
		return fmt.Errorf("%d frames, of which %d are skipped when they are repeated: nothing is left", n, t.Skip)
	}
	for i, r := range t.Rungs {
		switch {
		case r.Rate <= 0 || i > 0 && r.Rate <= t.Rungs[i-1].Rate:
			return fmt.Errorf("rate %d is %v: rates must be positive and rise", i+1, r.Rate)
		case r.Width <= 0 || r.Height <= 0:
			return fmt.Errorf("rate %v has pictures of %dx%d", r.Rate, r.Width, r.Height)
		case len(r.Sizes) != n:
			return fmt.Errorf("rate %v has %d frames, the first has %d", r.Rate, len(r.Sizes), n)
		}
		for j, s := range r.Sizes {
			if s <= 0 || s > largest {
				return fmt.Errorf("frame %d at %v has %v: sizes are from 1 to %d", j+1, r.Rate, s, largest)
			}
		}
	}
	return nil
}

// cursor walks along a trace.
type cursor struct {
	trace *Trace
	at    int // t_current
	rung  int // r_current
	// view is the rung whose resolution is used, which follows r_current upwards
	// only with a margin.
	view  int
	scale float64 // of sizes, for another frame rate
}

// newCursor starts at the first frame. Frames at a lower rate than the trace's are
// larger (RFC 8593 §6.3).
func newCursor(t *Trace, fps float64, goal units.BitRate) cursor {
	c := cursor{trace: t, scale: 1}
	if fps > 0 {
		c.scale = t.FPS / fps
	}
	c.seek(goal)
	c.view = c.rung
	return c
}

// seek sets r_current: the highest rate of the trace that isn't above the goal, or the
// lowest (§6.2.1). It reports whether that asks for another resolution, which needs a
// key frame (§6.3).
//
// Assumption: a higher resolution is taken up only when the goal exceeds its rate by
// 10 %, so that a goal that wavers doesn't make a key frame each time.
func (c *cursor) seek(goal units.BitRate) (resized bool) {
	rungs := c.trace.Rungs
	for c.rung = len(rungs) - 1; c.rung > 0 && rungs[c.rung].Rate > goal; c.rung-- {
		continue
	}
	view := c.rung
	for view > c.view && float64(goal) < float64((1+abrupt)*float64(rungs[view].Rate)) {
		view--
	}
	before, after := &rungs[c.view], &rungs[view]
	c.view = view
	return before.Width != after.Width || before.Height != after.Height
}

// resolution returns the size of the pictures.
func (c *cursor) resolution() (width, height int) {
	r := &c.trace.Rungs[c.view]
	return r.Width, r.Height
}

// size returns that of the current frame at a rate (RFC 8593 §6.2.1 a to c).
func (c *cursor) size(goal units.BitRate) units.Bytes {
	rungs := c.trace.Rungs
	low, top := &rungs[c.rung], len(rungs)-1
	size := float64(low.Sizes[c.at])
	if first := rungs[0].Rate; goal < first || c.rung == top {
		size = float64(size * (float64(goal) / float64(low.Rate)))
	} else {
		high := &rungs[c.rung+1]
		part := float64(goal-low.Rate) / float64(high.Rate-low.Rate)
		size = float64(size*(1-part)) + float64(float64(high.Sizes[c.at])*part)
	}
	return min(max(units.Bytes(float64(size*c.scale)+0.5), least), largest)
}

// advance sets t_current to the next frame.
func (c *cursor) advance() {
	n, skip := len(c.trace.Rungs[0].Sizes), c.trace.Skip
	if c.at < skip {
		c.at++
		return
	}
	c.at = (c.at+1-skip)%(n-skip) + skip
}

// rewind goes back to the key frame at the start (RFC 8593 §6.2.2).
func (c *cursor) rewind() { c.at = 0 }
