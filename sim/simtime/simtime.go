// Package simtime is the simulation's clock reading: nanoseconds since the
// start of a run. Nothing below the command reads any other clock.
package simtime

import (
	"math"
	"strconv"
	"time"
)

// Time is a point in simulated time, in nanoseconds since the start of the
// run. The zero value is the start. Durations between two times are ordinary
// [time.Duration] values.
type Time int64

// Never lies after every time a run can reach. A deadline that isn't set is
// Never.
const Never Time = math.MaxInt64

// At returns the time d after the start of the run.
func At(d time.Duration) Time { return Time(d) }

// Add returns t+d. Never stays Never.
func (t Time) Add(d time.Duration) Time {
	if t == Never {
		return Never
	}
	return t + Time(d)
}

// Sub returns the duration t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Duration returns the time since the start of the run.
func (t Time) Duration() time.Duration { return time.Duration(t) }

// Seconds returns the time since the start of the run in seconds.
func (t Time) Seconds() float64 { return time.Duration(t).Seconds() }

// String prints seconds with nine decimals, or "never".
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	return strconv.FormatFloat(t.Seconds(), 'f', 9, 64) + "s"
}
