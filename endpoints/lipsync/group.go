package lipsync

import (
	"time"

	"rtpfabric/sim/simtime"
)

// group is the streams of one CNAME.
type group struct {
	cname string
	leaps []leap
	// After a step of the sender's clock, nothing moves until all streams' mappings
	// have followed it.
	held      bool
	heldUntil simtime.Time
}

// maxHold is how long a group waits for streams that get no pairs.
const maxHold = 30 * time.Second

func (s *Sync) groupOf(cname string) *group {
	for _, g := range s.groups {
		if g.cname == cname {
			return g
		}
	}
	g := &group{cname: cname}
	if len(s.groups) >= maxStreams {
		return g // of its own; streams are as many at most
	}
	s.groups = append(s.groups, g)
	return g
}

// stepped notes that a stream's mapping began anew.
func (s *Sync) stepped(now simtime.Time, by *stream) {
	g := by.group
	if g == nil {
		return
	}
	if !g.held {
		g.held, g.heldUntil = true, now.Add(maxHold)
		for _, st := range s.streams {
			if st.group == g {
				st.since = 0
			}
		}
	}
	by.since = settled
}

// settled is how many pairs since a step show that a stream's mapping is right: one
// that needn't follow has two on its line, one that steps has two off it.
const settled = 2

// settle reports whether the streams of a group have mappings of the same clock again.
func (s *Sync) settle(now simtime.Time, g *group) bool {
	if !g.held {
		return true
	}
	if now < g.heldUntil {
		for _, st := range s.streams {
			if st.group == g && st.active(now, s.config.Idle) && st.since < settled {
				return false
			}
		}
	}
	g.held = false
	return true
}

func (st *stream) active(now simtime.Time, idle time.Duration) bool {
	return st.plays && now.Sub(st.heard) <= idle
}

// retarget says anew by how much each stream of a group has to be delayed, so that it
// is as late as the latest.
func (s *Sync) retarget(now simtime.Time, g *group) {
	if !s.settle(now, g) {
		return
	}
	latest, any := s.latest(now, g)
	if !any {
		return
	}
	for _, st := range s.streams {
		if st.group != g || !st.plays {
			continue
		}
		target := max(latest-st.offset, 0)
		if target > s.config.MaxDelay {
			target = 0
			st.stats.TooFar++
		}
		if target != st.target {
			st.slew(now, s.config.Slew)
			st.target = target
		}
	}
}

// latest returns the greatest offset of the streams of a group that play.
func (s *Sync) latest(now simtime.Time, g *group) (latest time.Duration, any bool) {
	for _, st := range s.streams {
		if st.group == g && st.active(now, s.config.Idle) && (!any || st.offset > latest) {
			latest, any = st.offset, true
		}
	}
	return latest, any
}

// slew moves the delay towards its target, as far as it may since it last was.
func (st *stream) slew(now simtime.Time, most time.Duration) {
	d := now.Sub(st.moved)
	if d <= 0 {
		return
	}
	st.moved = now
	step := time.Duration(float64(most) * d.Seconds())
	st.applied += max(-step, min(st.target-st.applied, step))
}
