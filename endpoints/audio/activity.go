package audio

import (
	"fmt"
	"math"
	"sort"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Activity says when a party talks. The times that one is asked for must not
// decrease.
type Activity interface {
	Talking(at simtime.Time) bool
	// NextChange returns the first time after the given one at which Talking
	// changes, or [simtime.Never].
	NextChange(at simtime.Time) simtime.Time
}

// Talker is a party of a conversation: an [Activity].
type Talker struct {
	party   Party
	talking bool
	until   simtime.Time // of what talking says
	turns   turns        // what comes after it
}

// Talking implements [Activity].
func (t *Talker) Talking(at simtime.Time) bool {
	t.seek(at)
	return t.talking
}

// NextChange implements [Activity].
func (t *Talker) NextChange(at simtime.Time) simtime.Time {
	t.seek(at)
	return t.until
}

// seek joins states in which the party does the same: single talk goes on in
// double talk.
func (t *Talker) seek(at simtime.Time) {
	for at >= t.until {
		t.talking = t.turns.state.Talks(t.party)
		for t.turns.state.Talks(t.party) == t.talking {
			t.until = t.turns.until
			t.turns.advance()
		}
	}
}

// Spurt is a talk spurt: from From up to, but not at, To.
type Spurt struct{ From, To simtime.Time }

// Script is an [Activity] that is given rather than drawn.
type Script struct{ spurts []Spurt }

// NewScript returns the activity that has the given talk spurts. They must be in
// order, not empty, and apart from each other. To may be [simtime.Never].
func NewScript(spurts ...Spurt) (*Script, error) {
	for i, s := range spurts {
		if s.To <= s.From {
			return nil, fmt.Errorf("talk spurt %d ends at %v, before or when it begins, at %v", i+1, s.To, s.From)
		}
		if i > 0 && s.From <= spurts[i-1].To {
			return nil, fmt.Errorf("talk spurt %d begins at %v, before or when the one before ends, at %v: sort them, and join what touches", i+1, s.From, spurts[i-1].To)
		}
	}
	return &Script{spurts: spurts}, nil
}

// Always returns the activity of somebody who talks without end.
func Always() *Script { return &Script{spurts: []Spurt{{From: math.MinInt64, To: simtime.Never}}} }

// Silent returns the activity of somebody who never talks.
func Silent() *Script { return &Script{} }

// Talking implements [Activity], at any time.
func (s *Script) Talking(at simtime.Time) bool {
	i := s.next(at)
	return i < len(s.spurts) && s.spurts[i].From <= at
}

// NextChange implements [Activity], at any time.
func (s *Script) NextChange(at simtime.Time) simtime.Time {
	i := s.next(at)
	switch {
	case i == len(s.spurts):
		return simtime.Never
	case s.spurts[i].From <= at:
		return s.spurts[i].To
	default:
		return s.spurts[i].From
	}
}

// next returns the first spurt that isn't over.
func (s *Script) next(at simtime.Time) int {
	return sort.Search(len(s.spurts), func(i int) bool { return s.spurts[i].To > at })
}

// spoken returns which share of the time from one moment to another has speech.
func spoken(a Activity, from, to simtime.Time) float64 {
	total := time.Duration(0)
	for at := from; at < to; {
		next := min(a.NextChange(at), to)
		if a.Talking(at) {
			total += next.Sub(at)
		}
		at = next
	}
	return float64(total) / float64(to.Sub(from))
}

// Overhang is for how long after the end of a talk spurt a source goes on as if it
// lasted. The zero value is not at all.
type Overhang struct {
	// Fixed bridges the short pauses within speech, of 200 ms or less.
	Fixed time.Duration
	// HalfLife is that of a further, random time, exponentially distributed, that
	// hides the true length of talk spurts; a few hundred milliseconds are
	// recommended (RFC 6562 §4).
	HalfLife time.Duration
}

// detector tells speech from silence.
type detector struct {
	overhang Overhang
	random   *rng.Stream
	voiced   bool
	until    simtime.Time
}

// active reports whether a frame counts as speech.
func (d *detector) active(at simtime.Time, voice bool) bool {
	if voice {
		d.voiced = true
		return true
	}
	if d.voiced {
		d.voiced = false
		d.until = at.Add(d.overhang.Fixed + hold(d.overhang.HalfLife, d.random))
	}
	return at < d.until
}

// hold draws an exponentially distributed time.
func hold(halfLife time.Duration, random *rng.Stream) time.Duration {
	if halfLife == 0 {
		return 0
	}
	return time.Duration(random.Exponential(float64(halfLife) / math.Ln2))
}
