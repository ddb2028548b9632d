package breaker

import (
	"math"

	"rtpfabric/sim/simtime"
)

// Circuit breaker 2: media timeout (§4.2). Reports come, and say that media doesn't.

// mediaTimeout is MEDIA_TIMEOUT for now.
func (s *stream) mediaTimeout(now simtime.Time) int32 {
	n := MediaTimeout(s.breaker.settings.K, s.framing.interval(now), s.tr, s.tdr)
	return int32(min(n, math.MaxInt32)) // more reports won't come
}

// checkMedia counts reports without progress.
func (b *Breaker) checkMedia(now simtime.Time, s *stream, by *reporter, r *Report, sending bool) {
	switch {
	case int32(r.Highest-by.highest) > 0:
		by.silent, by.progress = 0, now
		by.mediaTimeout = s.mediaTimeout(now)
		return
	case !sending: // cancelled; what was lost before doesn't count against what comes
		by.silent, by.progress = 0, now
		by.mediaTimeout = 0
		return
	case b.settings.NoMediaTimeout:
		return
	}
	by.mediaTimeout = max(by.mediaTimeout, s.mediaTimeout(now)) // reconsidered
	if by.silent++; by.silent >= by.mediaTimeout {
		b.trip(s, Trip{
			At: now, Condition: MediaSilence, Action: Cease,
			Interval: now.Sub(by.progress), Reports: int(by.silent),
		})
	}
}
