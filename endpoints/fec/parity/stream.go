package parity

// stream is what is remembered of a source stream.
type stream struct {
	ssrc    uint32
	started bool
	highest uint64 // extended number of what came or was recovered
	ring    []slot
	odd     uint16 // the number after one that is far out of range
	isOdd   bool
}

type slot struct {
	seq    uint64
	used   bool
	packet []byte // memory of the stream's
}

// extend returns the extended number nearest to the highest.
func (s *stream) extend(seq uint16) uint64 {
	if !s.started {
		return 1<<16 | uint64(seq)
	}
	return s.highest + uint64(int64(int16(seq-uint16(s.highest))))
}

// verdict is what a packet's number says.
type verdict uint8

const (
	inRange   verdict = iota
	far               // too old, or too far ahead
	restarted         // the second of two in a row that were far (RFC 3550 §A.1)
)

// maxDropout is RFC 3550 §A.1's.
const maxDropout = 3000

// arrived extends the number of a packet that came.
func (s *stream) arrived(number uint16) (seq uint64, v verdict) {
	seq = s.extend(number)
	if s.started && (!s.remembered(seq) || seq > s.highest+maxDropout) {
		if !s.isOdd || number != s.odd {
			s.odd, s.isOdd = number+1, true
			return 0, far
		}
		for i := range s.ring {
			s.ring[i].used = false
		}
		s.highest = seq
		v = restarted
	}
	s.isOdd = false
	s.reach(seq)
	return seq, v
}

func (s *stream) reach(seq uint64) {
	if !s.started || seq > s.highest {
		s.started, s.highest = true, seq
	}
}

// remembered reports whether a packet with that number would still be there if it
// had come.
func (s *stream) remembered(seq uint64) bool { return seq+uint64(len(s.ring)) > s.highest }

func (s *stream) slot(seq uint64) *slot { return &s.ring[seq&uint64(len(s.ring)-1)] }

func (s *stream) has(seq uint64) bool {
	slot := s.slot(seq)
	return slot.used && slot.seq == seq
}

func (s *stream) put(seq uint64, packet []byte) {
	slot := s.slot(seq)
	slot.seq, slot.used = seq, true
	slot.packet = append(slot.packet[:0], packet...)
}
