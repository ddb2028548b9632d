package scream

import (
	"math"
	"time"

	"rtpfabric/sim/simtime"
)

// tenths is how many minima the base delay's history has: RFC 6817 §3.4.2 keeps one
// a minute for ten minutes.
const tenths = 10

// baseDelay is the least one-way delay of the last ten minutes or so. Minima of tenths of
// it are forgotten one by one, so that a base that is no longer true expires (RFC 6817
// §3.4.2 and Appendix A).
type baseDelay struct {
	horizon time.Duration
	minima  [tenths]time.Duration
	n       int
	older   time.Duration // least of all but the newest
	started simtime.Time  // of the newest tenth, by the receiver's clock
}

// update takes a one-way delay, whose origin is unknown, and returns the base.
func (b *baseDelay) update(at simtime.Time, owd time.Duration) time.Duration {
	if b.n == 0 || at.Sub(b.started) >= b.horizon/tenths {
		if b.n == tenths {
			copy(b.minima[:], b.minima[1:])
			b.n--
		}
		b.older = math.MaxInt64
		for _, m := range b.minima[:b.n] {
			b.older = min(b.older, m)
		}
		b.minima[b.n] = math.MaxInt64
		b.n++
		b.started = at
	}
	newest := &b.minima[b.n-1]
	*newest = min(*newest, owd)
	return min(b.older, *newest)
}

// reset forgets the history.
func (b *baseDelay) reset() { b.n = 0 }
