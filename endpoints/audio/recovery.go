package audio

// Recovery is a receiver's account of Opus' in-band FEC: which lost frames it can
// restore from the one after. Of frames lost in a row only the last can be.
type Recovery struct {
	started   bool
	last      uint64 // highest extended sequence number so far
	recovered uint64
	lost      uint64
}

// Arrived takes a packet by its extended sequence number, in order of arrival, and
// reports whether the one before it was missing and is restored by it. Packets that
// come out of order restore nothing.
func (r *Recovery) Arrived(seq uint64, payload []byte) bool {
	switch {
	case !r.started:
		r.started, r.last = true, seq
		return false
	case seq <= r.last:
		return false
	}
	missing := seq - r.last - 1
	r.last = seq
	if missing == 0 {
		return false
	}
	r.lost += missing
	if !HasFEC(payload) {
		return false
	}
	r.recovered++
	return true
}

// Recovered returns how many frames were restored.
func (r *Recovery) Recovered() uint64 { return r.recovered }

// Missing returns how many frames were missing when a later one came, whether or
// not they were restored or came later themselves.
func (r *Recovery) Missing() uint64 { return r.lost }
