// Package engine is the discrete-event core: a queue of timers keyed by time
// and insertion number, and the virtual clock that jumps from one to the next.
//
// A run is one goroutine. What happens at one instant happens in the order in
// which it was set, so that the same inputs give the same run on every
// machine.
package engine

import (
	"context"
	"fmt"

	"rtpfabric/sim/simtime"
)

// Handler is called when its timer is due.
type Handler interface {
	// Fire runs at the timer's time. The timer is unset while it runs and may
	// be set again.
	Fire(now simtime.Time)
}

// HandlerFunc makes a function a [Handler].
type HandlerFunc func(now simtime.Time)

// Fire calls f.
func (f HandlerFunc) Fire(now simtime.Time) { f(now) }

// Loop holds the timers of one run. The zero value is ready at time 0. It
// isn't safe for concurrent use.
type Loop struct {
	now    simtime.Time
	seq    uint64
	heap   []slot
	fired  uint64
	firing *Timer // still at heap[0] unless it was set again
}

// Now returns the current time of the run.
func (l *Loop) Now() simtime.Time { return l.now }

// Fired returns how many timers have fired so far.
func (l *Loop) Fired() uint64 { return l.fired }

// NewTimer makes a timer that isn't set. A part of the simulation makes its
// timers once and keeps them.
func (l *Loop) NewTimer(h Handler) *Timer {
	return &Timer{loop: l, handler: h, index: -1}
}

// Init is NewTimer for a timer that lies in what it belongs to, and stays there.
func (l *Loop) Init(t *Timer, h Handler) { *t = Timer{loop: l, handler: h, index: -1} }

// checkEvery is how many timers fire between two looks at the context.
const checkEvery = 1 << 12

// Run fires timers until none is due at or before end, then moves the clock to
// end. It returns the context's error if it is cancelled first; the clock then
// stands where the run was interrupted.
func (l *Loop) Run(ctx context.Context, end simtime.Time) error {
	for n := 0; len(l.heap) > 0 && l.heap[0].at <= end; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return fmt.Errorf("run interrupted at %v: %w", l.now, context.Cause(ctx))
		}
		l.step()
	}
	l.now = max(l.now, end)
	return nil
}

// Next returns when the earliest timer is due; simtime.Never if none is set.
func (l *Loop) Next() simtime.Time {
	if len(l.heap) == 0 {
		return simtime.Never
	}
	return l.heap[0].at
}

// Advance moves the clock on to a time, at which timers may be due, but none before. It is for whoever has
// something happen then that no timer knows of.
func (l *Loop) Advance(to simtime.Time) {
	if to < l.now || l.Next() < to {
		panic(fmt.Sprintf("engine: the clock moved from %v to %v, with a timer at %v", l.now, to, l.Next()))
	}
	l.now = to
}

// step fires the earliest timer. Its slot stays at the root while the handler
// runs, because most timers are set again at once and then only sink from
// there. Nothing can get before it meanwhile: a timer set now is due no
// earlier, and has a larger number.
func (l *Loop) step() {
	s := &l.heap[0]
	t := s.timer
	l.now = s.at
	l.fired++
	l.firing = t
	t.handler.Fire(l.now)
	if l.firing == t {
		l.firing = nil
		l.remove(0)
	}
}
