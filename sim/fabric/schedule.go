package fabric

import (
	"cmp"
	"slices"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Change is what happens to a link at one time. A nil field stays as it is.
type Change struct {
	At    simtime.Time
	Rate  *units.BitRate
	Delay *time.Duration
	Loss  *float64
	// Jitter is the standard deviation of the link's jitter, if it has a model
	// of it that is [Scalable].
	Jitter *time.Duration
	// Up says whether routes may use the link. What is in the link already
	// goes on.
	Up *bool
	// Cost is the link's length in the search for routes.
	Cost *int
}

// Scalable is a [Jitter] whose standard deviation may change during the run.
type Scalable interface{ SetStd(std time.Duration) }

// Schedule changes the link at the given times. Entries of one time take
// effect in the order given.
func (l *Link) Schedule(changes []Change) {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	l.Follow(func() (Change, bool) {
		if len(changes) == 0 {
			return Change{}, false
		}
		c := changes[0]
		changes = changes[1:]
		return c, true
	})
}

// Follow changes the link as a function says, which returns one change after
// the other in order of time, and false when there are no more. It is asked for
// the next change when the one before takes effect.
func (l *Link) Follow(next func() (Change, bool)) {
	c, more := next()
	if !more {
		return
	}
	var timer *engine.Timer
	timer = l.fabric.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		for more && c.At <= now {
			l.apply(now, c)
			c, more = next()
		}
		if more {
			timer.Set(c.At)
		}
	}))
	timer.Set(c.At)
}

func (l *Link) apply(now simtime.Time, c Change) {
	if c.Delay != nil {
		l.Delay = *c.Delay
	}
	if c.Loss != nil {
		l.Loss, l.loss.P = *c.Loss, *c.Loss
	}
	if j, ok := l.Jitter.(Scalable); ok && c.Jitter != nil {
		j.SetStd(*c.Jitter)
	}
	if c.Rate != nil {
		l.SetRate(now, *c.Rate)
	}
	if c.Cost != nil {
		l.Cost = *c.Cost
	}
	if c.Up != nil {
		l.down = !*c.Up
	}
	if c.Cost != nil || c.Up != nil {
		l.fabric.Route()
	}
	l.fabric.observer.LinkChanged(now, l)
}
