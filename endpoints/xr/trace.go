package xr

// Arrival is a packet that came.
type Arrival struct {
	Seq uint16
	// Timestamp is the packet's RTP timestamp, Receipt when it came by the
	// receiver's clock in the same units; the two may have any offset.
	Timestamp, Receipt uint32
	// Untimed says that the timestamp says nothing of when the packet was sent.
	Untimed bool
	// TTL is the TTL or hop limit that it came with.
	TTL uint8
}

// Trace records the packets of one source, duplicates and stray ones included
// (RFC 3611 §4.1: "favor accuracy in reporting on observed events over
// interpretation"). Per packet: Record. For a report: the blocks that are wanted,
// then Advance.
type Trace struct {
	ssrc    uint32
	ring    []record
	started bool
	latest  uint64 // number that came last (§4.1)
	highest uint64
	next    uint64 // the first that the next report covers
	told    uint64 // reports have covered all before it

	transit uint32 // of the packet before
	paired  bool   // there was one
	jitter  moments
	ttl     moments
	scratch []bool
}

// record is what is known of a sequence number.
type record struct {
	seq     uint64
	packets uint32
	receipt uint32 // of the earliest
}

// NewTrace returns the trace of a source of which nothing has come. capacity is
// how many sequence numbers are remembered and thus reported upon at most, a power
// of two up to 32768.
func NewTrace(ssrc uint32, capacity int) *Trace {
	size := 1
	for size < min(capacity, 1<<15) {
		size <<= 1
	}
	return &Trace{ssrc: ssrc, ring: make([]record, size)}
}

// Extend places a sequence number no more than 32,768 ahead of or behind another
// one, whichever is closer, and without a rollover if both are equally far
// (RFC 3611 §4.1).
//
// Deviation (RFC 3611 §A.1): of two equally distant numbers the code there takes
// the one with the rollover, against its own comment and the MUST of §4.1.
func Extend(reference uint64, seq uint16) uint64 {
	ext := reference + uint64(int64(int16(seq-uint16(reference)))) // half the space counts as behind
	if ext == reference-1<<15 && seq > uint16(reference) {
		return reference + 1<<15
	}
	return ext
}

// Record notes a packet.
func (t *Trace) Record(a Arrival) {
	if !t.started {
		t.started = true
		// Some way into the space, so that packets from before it have numbers.
		t.latest = 1<<32 + uint64(a.Seq)
		t.highest, t.next = t.latest, t.latest
	}
	t.latest = Extend(t.latest, a.Seq)
	t.highest = max(t.highest, t.latest)
	if t.latest >= t.told {
		t.next = min(t.next, t.latest) // it may come from before the first packet
	}
	r := &t.ring[t.latest%uint64(len(t.ring))]
	switch {
	case r.seq > t.latest && r.packets > 0:
		return // its place was taken
	case r.seq == t.latest && r.packets > 0:
		r.packets++
		return
	}
	*r = record{seq: t.latest, packets: 1, receipt: a.Receipt}
	if !a.Untimed {
		t.observe(a)
	}
}

// observe takes the statistics of a packet that is no duplicate.
func (t *Trace) observe(a Arrival) {
	transit := a.Receipt - a.Timestamp
	if t.paired {
		d := int64(int32(transit - t.transit))
		t.jitter.add(max(d, -d))
	}
	t.transit, t.paired = transit, true
	t.ttl.add(int64(a.TTL))
}

// at returns what is known of a number, nil if nothing came with it.
func (t *Trace) at(seq uint64) *record {
	if r := &t.ring[seq%uint64(len(t.ring))]; r.seq == seq && r.packets > 0 {
		return r
	}
	return nil
}

// Range returns the extended numbers that a report made now covers: from begin on,
// before end.
func (t *Trace) Range() (begin, end uint64) {
	if !t.started {
		return 0, 0
	}
	end = t.highest + 1
	return max(min(t.next, end), end-min(end, uint64(len(t.ring)))), end
}

// Advance begins the next report's interval. Of packets that come after a report
// of their loss no further one tells, which it MAY (§4.1).
func (t *Trace) Advance() {
	if t.started {
		t.next = t.highest + 1
		t.told = t.next
	}
	t.jitter, t.ttl = moments{}, moments{}
}
