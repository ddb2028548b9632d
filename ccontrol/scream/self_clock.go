package scream

import (
	"time"

	"rtpfabric/sim/simtime"
)

const (
	// firstTimeout is how long a report is awaited while no round trip is known; it
	// is RFC 6298 §2's.
	firstTimeout = time.Second
	// leastTimeout is for short round trips.
	leastTimeout = 500 * time.Millisecond
)

// selfClock keeps a sender going whose feedback doesn't come. RFC 8298 §8 and rfc8298bis §8
// speak of a minimum send rate for that and don't say how it is maintained. Here, when a
// report is overdue, a timer opens the window for one more packet at a time, at
// RATE_PACE_MIN.
type selfClock struct {
	waiting bool
	since   simtime.Time // of the last report, or of the first packet after it
	next    simtime.Time // when something is to be done
	halve   simtime.Time // when the media's rate is lowered again
	// grace is what may be in flight while overdue, bytes; else 0.
	grace float64
}

func newSelfClock() selfClock { return selfClock{next: simtime.Never} }

func timeout(p *path) time.Duration {
	if p.reports == 0 {
		return firstTimeout
	}
	return max(leastTimeout, 2*seconds(p.sRTT+p.interval))
}

func (c *selfClock) onSent(now simtime.Time, p *path) {
	if !c.waiting {
		c.start(now, p)
	}
}

func (c *selfClock) onReport(now simtime.Time, p *path) {
	c.start(now, p)
	if p.inFlight == 0 {
		c.waiting, c.next = false, simtime.Never
	}
}

func (c *selfClock) start(now simtime.Time, p *path) {
	*c = selfClock{waiting: true, since: now, next: now.Add(timeout(p))}
}

func (c *selfClock) overdue() bool { return c.grace > 0 }

// onTimeout lets a packet pass. It reports whether the rate of the media should be halved,
// which it should at first and then as often as a report is overdue once more: what
// encoders make can't be sent, and would only wait.
func (c *selfClock) onTimeout(now simtime.Time, p *path, mss, ratePaceMin float64) (halve bool) {
	if now < c.next {
		return false
	}
	if !c.overdue() || now >= c.halve {
		halve = true
		c.halve = now.Add(timeout(p))
	}
	size := max(p.largest, mss)
	c.grace = p.inFlight + size
	c.next = now.Add(max(time.Millisecond, seconds(8*size/ratePaceMin)))
	return halve
}
