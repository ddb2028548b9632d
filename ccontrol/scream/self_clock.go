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

// selfClock keeps a sender going whose window would stop it. RFC 8298 §8 and rfc8298bis §8 speak of
// a minimum send rate for when feedback is missing and don't say how it is maintained. Here, when
// a report is overdue, a timer opens the window for one more packet at a time, at
// RATE_PACE_MIN.
//
// Where reports come but urgent packets fill the window alone, what waits would wait for ever: then
// a packet may pass once per round trip.
type selfClock struct {
	waiting bool         // for a report
	due     simtime.Time // when it is overdue, or the next packet may pass
	late    bool         // it is overdue
	halve   simtime.Time // when the media's rate is lowered again
	backlog float64
	stuck   simtime.Time // when what waits has waited too long
	// grace is what may be in flight in spite of the window, bytes; or 0.
	grace float64
}

func newSelfClock() selfClock { return selfClock{due: simtime.Never, stuck: simtime.Never} }

func (c *selfClock) next() simtime.Time { return min(c.due, c.stuck) }

func timeout(p *path) time.Duration {
	if p.reports == 0 {
		return firstTimeout
	}
	return max(leastTimeout, 2*seconds(p.sRTT+p.interval))
}

// gap is the time between two packets at the minimum send rate.
func gap(p *path, mss, ratePaceMin float64) time.Duration {
	return max(time.Millisecond, seconds(8*max(p.largest, mss)/ratePaceMin))
}

func (c *selfClock) onSent(now simtime.Time, p *path, size, backlog float64, every time.Duration) {
	if !c.waiting {
		c.waiting, c.due = true, now.Add(timeout(p))
	}
	moved := c.backlog == 0 || backlog+size <= c.backlog
	c.watch(now, backlog, moved, max(every, p.roundTrip()))
}

func (c *selfClock) onReport(now simtime.Time, p *path, backlog float64, every time.Duration) {
	c.waiting, c.late, c.grace = p.inFlight > 0, false, 0
	c.due = simtime.Never
	if c.waiting {
		c.due = now.Add(timeout(p))
	}
	c.watch(now, backlog, false, max(every, p.roundTrip()))
}

// watch notes what waits and whether some of it has just left.
func (c *selfClock) watch(now simtime.Time, backlog float64, moved bool, patience time.Duration) {
	c.backlog = backlog
	switch {
	case backlog == 0:
		c.stuck = simtime.Never
	case moved || c.stuck == simtime.Never:
		c.stuck = now.Add(patience)
	}
}

// onTimeout lets a packet pass. It reports whether the rate of the media should be halved,
// which it should when a report is overdue, and then as often as it is once more: what
// encoders make can't be sent, and would only wait.
func (c *selfClock) onTimeout(now simtime.Time, p *path, mss float64, every time.Duration) (halve bool) {
	if now < c.next() {
		return false
	}
	if now >= c.due {
		if !c.late || now >= c.halve {
			halve = true
			c.halve = now.Add(timeout(p))
		}
		c.late = true
		c.due = now.Add(every)
	} else if c.late {
		c.stuck = simtime.Never // packets pass already
		return false
	}
	if now >= c.stuck {
		c.stuck = now.Add(max(every, p.roundTrip()))
	}
	c.grace = p.inFlight + max(p.largest, mss)
	return halve
}
