package nada

import (
	"math"
	"time"

	"rtpfabric/sim/simtime"
)

// baseDelay is d_base: the least one-way delay over a long time. It keeps the
// minimum of each tenth of the horizon and forgets the oldest, so that a base
// that is no longer true expires (§5.1.1, and Appendix A of RFC 6817).
type baseDelay struct {
	horizon time.Duration
	minima  []float64
	started simtime.Time // of the newest tenth
}

const tenths = 10

func (b *baseDelay) update(now simtime.Time, d float64) float64 {
	if len(b.minima) == 0 || now.Sub(b.started) >= b.horizon/tenths {
		if len(b.minima) == tenths {
			b.minima = append(b.minima[:0], b.minima[1:]...)
		}
		b.minima = append(b.minima, math.Inf(1))
		b.started = now
	}
	last := len(b.minima) - 1
	b.minima[last] = min(b.minima[last], d)
	least := math.Inf(1)
	for _, m := range b.minima {
		least = min(least, m)
	}
	return least
}
