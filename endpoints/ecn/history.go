package ecn

// historySize is how many packets of a stream a sender remembers; a power of two.
const historySize = 1 << 12

// History is how a stream's packets were marked when they left, by their extended
// sequence numbers. The zero value is empty.
type History struct {
	ring           []sent
	capable, plain uint64 // so far: ECN-capable packets, and others
}

// sent is a packet, with the totals up to it.
type sent struct {
	seq            uint32
	capable, plain uint64
}

// Note notes a packet, in the order of their numbers.
func (h *History) Note(seq uint32, capable bool) {
	if h.ring == nil {
		h.ring = make([]sent, historySize)
	}
	if capable {
		h.capable++
	} else {
		h.plain++
	}
	h.ring[seq%historySize] = sent{seq, h.capable, h.plain}
}

// UpTo returns how many packets had left with the one of the given number; false if that
// is unknown or was too long ago.
func (h *History) UpTo(seq uint32) (capable, plain uint64, ok bool) {
	if h.ring == nil {
		return 0, 0, false
	}
	p := h.ring[seq%historySize]
	return p.capable, p.plain, p.seq == seq && p.capable+p.plain > 0
}
