package simtime_test

import (
	"testing"
	"time"

	"rtpfabric/sim/simtime"
)

// A clock that is fast by 100 ppm gains 60 ms in ten minutes, from its start on.
func TestClock(t *testing.T) {
	start := simtime.At(5 * time.Second)
	c := simtime.NewClock(start, 100)
	if got := c.At(start); got != start {
		t.Errorf("at the start it shows %v", got)
	}
	later := start.Add(10 * time.Minute)
	if got, want := c.At(later), later.Add(60*time.Millisecond); got != want {
		t.Errorf("after 10 minutes it shows %v, want %v", got, want)
	}
	slow := simtime.NewClock(start, -100)
	if got, want := slow.At(later), later.Add(-60*time.Millisecond); got != want {
		t.Errorf("the slow one shows %v, want %v", got, want)
	}
	if exact := (simtime.Clock{}); !exact.Exact() || c.Exact() || exact.At(later) != later || exact.When(later) != later {
		t.Error("the zero value isn't exact")
	}
	if c.At(simtime.Never) != simtime.Never || c.When(simtime.Never) != simtime.Never {
		t.Error("never comes")
	}
}

// When is the inverse of At: the first nanosecond at which the clock shows a time.
func TestClockWhen(t *testing.T) {
	for _, ppm := range []float64{-500, -100, -0.001, 0.001, 1, 100, 500} {
		c := simtime.NewClock(simtime.At(time.Second), ppm)
		for shown := simtime.At(time.Second); shown < simtime.At(24*time.Hour); shown = shown*3/2 + 12345 {
			at := c.When(shown)
			if c.At(at) < shown || c.At(at-1) >= shown {
				t.Fatalf("%v ppm: shows %v at %v, and %v before", ppm, c.At(at), at, c.At(at-1))
			}
		}
	}
}
