// Package hosted lets stacks that are made of goroutines, sockets and timers, such as pion/webrtc, live in
// virtual time and on the fabric, unchanged. They run in a bubble (package bubble), in which their clock is
// that of the run; to them a [Host] is the network.
//
// The run itself stays what it is: one goroutine that fires timers. Before it moves on, all others have
// come to rest; what they have sent by then enters the network in an order that doesn't depend on
// which of them was faster.
package hosted

import (
	"context"
	"fmt"
	"testing/synctest"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/simtime"
)

// Clock is the clock of a run with guests: it goes as the bubble's does, and the loop's timers fire when it
// shows their time. Make it in the bubble.
type Clock struct {
	loop    *engine.Loop
	origin  time.Time // when the loop's time was 0
	timer   *time.Timer
	wake    chan struct{}
	collect []func(now simtime.Time)
	garbage garbage
}

// NewClock returns the clock of a loop.
func NewClock(loop *engine.Loop) *Clock {
	c := &Clock{loop: loop, origin: time.Now().Add(-loop.Now().Duration()), timer: time.NewTimer(0), wake: make(chan struct{}, 1)}
	c.timer.Stop()
	return c
}

// Now returns what the clock shows. Any goroutine of the bubble may ask.
func (c *Clock) Now() simtime.Time { return simtime.At(time.Since(c.origin)) }

// Wake says that a guest has something for the run: at this instant, when all guests have come to rest,
// what OnWake has named is called. Any goroutine may call it.
func (c *Clock) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// OnWake names what takes from guests what they have. It may be called without need.
func (c *Clock) OnWake(f func(now simtime.Time)) { c.collect = append(c.collect, f) }

// Settle returns when all guests have come to rest. Only the run's goroutine may call it.
func (c *Clock) Settle() { synctest.Wait() }

// checkEvery is how many instants pass between two looks at the context, and at the heap.
const checkEvery = 1 << 8

// Run fires timers until none is due at or before end, and lets guests live meanwhile; then the clock
// shows end. Of what happens in one instant, what guests do by their own timers comes first.
// It returns the context's error if it is cancelled before.
func (c *Clock) Run(ctx context.Context, end simtime.Time) error {
	for n := 0; ; n++ {
		check := n%checkEvery == 0
		if check && ctx.Err() != nil {
			return fmt.Errorf("run interrupted at %v: %w", c.loop.Now(), context.Cause(ctx))
		}
		now := c.sleep(min(c.loop.Next(), end))
		if check {
			c.garbage.collect()
		}
		c.loop.Advance(now)
		select {
		case <-c.wake:
			for _, f := range c.collect {
				f(now)
			}
		default:
		}
		if err := c.loop.Run(ctx, now); err != nil {
			return err
		}
		if now >= end && len(c.wake) == 0 {
			return nil
		}
	}
}

// sleep waits until the given time, or until a guest wakes the run, and returns when that was.
func (c *Clock) sleep(until simtime.Time) simtime.Time {
	if d := until.Sub(c.Now()); d > 0 && len(c.wake) == 0 {
		c.timer.Reset(d)
		select {
		case <-c.timer.C:
		case <-c.wake:
			c.timer.Stop()
			c.Wake()
		}
	}
	c.Settle()
	return c.Now()
}

// Pass lets guests live on for a while after the run: they come to an end.
func (c *Clock) Pass(d time.Duration) {
	time.Sleep(d)
	c.Settle()
}
