package playout

import (
	"time"

	"rtpfabric/sim/simtime"
)

// horizon is how long the fastest packet counts. When a path gets longer for
// good, play-out follows after at most two horizons.
const horizon = 10 * time.Second

// baseline is the least difference between arrival and media time in the last
// one to two horizons.
type baseline struct {
	current, previous simtime.Time
	since             simtime.Time
	started           bool
}

func (b *baseline) update(now, transit simtime.Time) simtime.Time {
	switch {
	case !b.started:
		b.started = true
		b.current, b.previous, b.since = transit, transit, now
	case now.Sub(b.since) >= horizon:
		b.previous, b.current, b.since = b.current, transit, now
	default:
		b.current = min(b.current, transit)
	}
	return min(b.current, b.previous)
}
