package topologies

import (
	"slices"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
)

// speakers knows who has spoken last, by the audio that comes: who has sent some for a
// while after a silence is a new speaker. Middleboxes that are joined have it in common: each tells
// the others at once who speaks at it, and who has left, as signalling isn't simulated.
type speakers struct {
	order []string // the latest first
	talk  map[string]*spurt
	homes map[string]*endpoints.Session // in which somebody's media come to their middlebox
	boxes []*sfm
}

// changed lets all middleboxes choose anew; the one that has noticed is awake.
func (s *speakers) changed(now simtime.Time, by *sfm) {
	for _, m := range s.boxes {
		if m.choose(now); m != by {
			m.wake(now)
		}
	}
}

// dismiss forgets who has left, and reports whether that is somebody.
func (s *speakers) dismiss() bool {
	there := len(s.order)
	s.order = slices.DeleteFunc(s.order, func(name string) bool { return s.homes[name].PeerLeft() })
	return len(s.order) < there
}

// spurt is a stretch of time in which somebody talks.
type spurt struct {
	began, last simtime.Time
	counted     bool
}

// A pause in the audio ends a spurt; a cough is shorter than what makes a speaker.
const (
	silence   = 500 * time.Millisecond
	attention = 300 * time.Millisecond
)

// heard takes a packet of somebody's audio, and reports whether there is another latest
// speaker.
func (s *speakers) heard(now simtime.Time, name string) bool {
	t := s.talk[name]
	if t == nil {
		t = &spurt{began: now, last: now}
		s.talk[name] = t
	}
	if now.Sub(t.last) > silence {
		*t = spurt{began: now}
	}
	t.last = now
	if t.counted || now.Sub(t.began) < attention {
		return false
	}
	t.counted = true
	if len(s.order) > 0 && s.order[0] == name {
		return false
	}
	s.order = slices.DeleteFunc(s.order, func(o string) bool { return o == name })
	s.order = slices.Insert(s.order, 0, name)
	return true
}

// shown returns the first n of the latest speakers but for who looks at them.
func shown(latest []string, n int, to string) []string {
	list := make([]string, 0, n)
	for _, name := range latest {
		if len(list) == n {
			break
		}
		if name != to {
			list = append(list, name)
		}
	}
	return list
}
