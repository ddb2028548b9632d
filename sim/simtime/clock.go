package simtime

import (
	"math"
	"time"
)

// Clock is somebody's clock: it agrees with true time at one moment and then runs too
// fast or too slow. The zero value is exact. Its results have the same bits on every
// machine.
type Clock struct {
	from Time
	ppb  int64
}

// NewClock returns a clock that is right at the given moment, and fast by so many
// parts in a million; slow if that is negative.
func NewClock(from Time, ppm float64) Clock {
	return Clock{from, int64(math.Round(ppm * 1000))}
}

const billion = int64(time.Second)

// Exact reports whether the clock shows true time.
func (c Clock) Exact() bool { return c.ppb == 0 }

// At returns what the clock shows.
func (c Clock) At(t Time) Time {
	if c.ppb == 0 || t == Never {
		return t
	}
	d := int64(t.Sub(c.from))
	return t.Add(time.Duration(d/billion*c.ppb + d%billion*c.ppb/billion))
}

// When returns the first moment at which the clock shows a time or more.
func (c Clock) When(shown Time) Time {
	if c.ppb == 0 || shown == Never {
		return shown
	}
	d, rate := int64(shown.Sub(c.from)), billion+c.ppb
	t := c.from.Add(time.Duration(d/rate*billion + d%rate*billion/rate))
	for c.At(t) < shown {
		t++
	}
	return t
}
