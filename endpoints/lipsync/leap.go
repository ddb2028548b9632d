package lipsync

import (
	"time"

	"rtpfabric/sim/simtime"
)

// leap is a leap second of a sender's clock.
type leap struct {
	end simtime.Time  // of the UTC day, when its clock shows midnight
	by  time.Duration // what the clock lost there: 1 s, or -1 s if one was skipped
}

const (
	// ambiguous is the last second of a day, which a clock may show twice
	// (RFC 7164 §5), and leapMargin what is left around it.
	ambiguous  = time.Second
	leapMargin = 500 * time.Millisecond
	// leapTolerance is how exact a step of one second has to be.
	leapTolerance = 50 * time.Millisecond
	maxLeaps      = 64
)

// monthEnd returns the end of a UTC month nearest to a time, where leap seconds are
// (RFC 7164 §3, §5.1).
func monthEnd(t simtime.Time) simtime.Time {
	const half = 15 * 24 * time.Hour
	year, month, _ := time.Unix(simtime.Epoch, 0).UTC().Add(t.Add(half).Duration()).Date()
	return simtime.At(time.Duration(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Unix()-simtime.Epoch) * time.Second)
}

// nearLeap reports whether a sender's clock that shows t may be in a leap second.
func nearLeap(t simtime.Time) bool {
	end := monthEnd(t)
	return t >= end.Add(-ambiguous-leapMargin) && t < end.Add(leapMargin)
}

// SetLeap tells of a leap second in the clock of a CNAME's sender, for those who have
// a schedule (RFC 7164 §5): at the end of the UTC month nearest to at, one was inserted,
// or skipped. Without this call it is found out by the first pair after it.
func (s *Sync) SetLeap(cname string, at simtime.Time, skipped bool) {
	by := time.Second
	if skipped {
		by = -by
	}
	s.addLeap(s.groupOf(cname), leap{monthEnd(at), by})
}

// addLeap notes a leap second, and corrects pairs from after it that were taken for
// what they show.
func (s *Sync) addLeap(g *group, l leap) {
	if g.leapAt(l.end) || len(g.leaps) >= maxLeaps {
		return
	}
	g.leaps = append(g.leaps, l)
	for _, st := range s.streams {
		if st.group == g {
			st.clock.shift(g.without(l), l.by)
		}
	}
}

func (g *group) leapAt(end simtime.Time) bool {
	for _, l := range g.leaps {
		if l.end == end {
			return true
		}
	}
	return false
}

// correct turns what the sender's clock shows into a time without leap seconds.
func (g *group) correct(t simtime.Time) simtime.Time {
	for _, l := range g.leaps {
		if t >= l.end {
			t = t.Add(l.by)
		}
	}
	return t
}

// without returns the time of a leap second as it is corrected for all others.
func (g *group) without(l leap) simtime.Time { return g.correct(l.end).Add(-l.by) }

// continuous corrects a pair's time for leap seconds. A pair that is the first one
// after the end of a month and a second off tells of one.
func (s *Sync) continuous(st *stream, shown simtime.Time, rtp uint32) simtime.Time {
	g := st.group
	t := g.correct(shown)
	end := monthEnd(shown)
	if st.clock.n == 0 || shown < end || g.leapAt(end) || st.clock.last().t >= g.correct(end) {
		return t
	}
	predicted, _ := st.clock.Time(rtp)
	off := t.Sub(predicted)
	for _, by := range [...]time.Duration{time.Second, -time.Second} {
		if (off + by).Abs() <= leapTolerance {
			s.addLeap(g, leap{end, by})
			st.stats.Leaps++
			return g.correct(shown)
		}
	}
	return t
}
