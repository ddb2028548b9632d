package ssrcs

import "slices"

// Set is some SSRCs. Those of a report come in the same order again and again, so that each is looked for
// behind the last one first. The zero value is empty.
type Set struct {
	list []uint32
	next int // behind what was added last
}

// Add adds an SSRC unless it is there.
func (s *Set) Add(ssrc uint32) {
	if s.next < len(s.list) && s.list[s.next] == ssrc {
		s.next++
		return
	}
	i := slices.Index(s.list, ssrc)
	if i < 0 {
		i, s.list = len(s.list), append(s.list, ssrc)
	}
	s.next = i + 1
}

// Len returns how many there are.
func (s *Set) Len() int { return len(s.list) }

// Clear empties the set and keeps its memory.
func (s *Set) Clear() { s.list, s.next = s.list[:0], 0 }
