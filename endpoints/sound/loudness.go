package sound

import (
	"slices"
	"time"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/simtime"
)

// Levels are followed over time, so that a cough doesn't take somebody's place (RFC 6464 §5).
const (
	// loudnessTime is the time constant: somebody who begins when another falls silent takes
	// the place after 0.7 of it.
	loudnessTime = 300 * time.Millisecond
	// loudnessHold is how long a level holds without another one; then there is silence.
	loudnessHold = 60 * time.Millisecond
	// loudnessMargin is by how many dB somebody must be louder to take a place.
	loudnessMargin = 6
)

// Selection chooses the loudest of those who are heard.
type Selection struct {
	// Top is how many; 0 is all.
	Top    int
	chosen []*Candidate
}

// Candidate is one of whom a [Selection] may choose. Its zero value is silent.
type Candidate struct {
	level float64 // dB above silence, 0 to 127
	at    simtime.Time
	// Dropped, if not nil, is told when another one takes the place.
	Dropped func(now simtime.Time)
}

// Note takes a level, 0 to 127 for 0 to -127 dBov, and reports whether the candidate is
// among the chosen.
func (s *Selection) Note(now simtime.Time, c *Candidate, level uint8) bool {
	c.note(now, level)
	return s.Choose(now, c)
}

// Choose is Note for one of whom no level is known.
func (s *Selection) Choose(now simtime.Time, c *Candidate) bool {
	if s.Top == 0 || slices.Contains(s.chosen, c) {
		return true
	}
	if len(s.chosen) < s.Top {
		s.chosen = append(s.chosen, c)
		return true
	}
	weakest := 0
	for i, o := range s.chosen {
		if o.loudness(now) < s.chosen[weakest].loudness(now) {
			weakest = i
		}
	}
	was := s.chosen[weakest]
	if c.loudness(now) <= was.loudness(now)+loudnessMargin {
		return false
	}
	s.chosen[weakest] = c
	if was.Dropped != nil {
		was.Dropped(now)
	}
	return true
}

// Leave gives up the place of one who is gone.
func (s *Selection) Leave(c *Candidate) {
	s.chosen = slices.DeleteFunc(s.chosen, func(o *Candidate) bool { return o == c })
}

// loudness returns how loud the candidate is after some time without a level.
func (c *Candidate) loudness(now simtime.Time) float64 {
	gap := now.Sub(c.at) - loudnessHold
	if gap <= 0 {
		return c.level
	}
	return c.level * loudnessTime.Seconds() / (loudnessTime + gap).Seconds()
}

func (c *Candidate) note(now simtime.Time, level uint8) {
	dt := min(now.Sub(c.at), loudnessHold).Seconds()
	before := c.loudness(now)
	weight := dt / (loudnessTime.Seconds() + dt)
	c.level = before + float64(weight*(float64(headerext.Silence)-float64(level)-before))
	c.at = now
}
