package endpoints

// seen tells duplicates by their extended sequence numbers.
type seen struct {
	highest uint64
	bits    [recent / 64]uint64 // of the last numbers up to that, by remainder
}

// recent is of how many numbers it is known whether they have come.
const recent = 1 << 10

// fresh notes a packet and reports whether it hasn't come before; it isn't known
// of very old ones.
func (s *seen) fresh(ext uint64) bool {
	switch {
	case ext >= s.highest+recent:
		s.bits = [recent / 64]uint64{}
		s.highest = ext
	case ext+recent <= s.highest:
		return true
	}
	for s.highest < ext {
		s.highest++
		word, bit := s.at(s.highest)
		*word &^= bit
	}
	word, bit := s.at(ext)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

func (s *seen) at(ext uint64) (word *uint64, bit uint64) {
	return &s.bits[ext/64%uint64(len(s.bits))], 1 << (ext % 64)
}
