package parity

import (
	"encoding/binary"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Decoder recovers packets of a session's streams. Per source packet: Source; per
// repair packet: Repair; after either, Poll until there is nothing. It has no
// deadline: a repair packet that waited too long goes when the next packet comes.
type Decoder struct {
	limits  Limits
	streams []*stream
	waiting []*repair
	free    []*repair
	ready   []*repair // of which one packet alone is missing
	polled  []recovered
	counts  Counts
}

// repair is a repair packet for which more than one source packet is missing.
// What has come is taken off its string.
type repair struct {
	String
	id    uint64
	until simtime.Time
	sets  []Set

	missing int
	which   uint32 // the XOR of the labels of those missing: that of the last one
}

// label names a packet among those of a repair packet.
func label(set, offset int) uint32 { return uint32(set)<<16 | uint32(offset) }

type recovered struct {
	stream *stream
	seq    uint64
}

// NewDecoder returns a decoder that has seen nothing.
func NewDecoder(l Limits) *Decoder {
	size := 1
	for size < min(l.Packets, 1<<14) {
		size <<= 1
	}
	l.Packets = size
	return &Decoder{limits: l}
}

// Expect tells of a stream before its first packet comes, so that this can be
// recovered, too. It reports false if there are too many.
func (d *Decoder) Expect(ssrc uint32) bool {
	if d.find(ssrc) != nil {
		return true
	}
	if len(d.streams) >= d.limits.Streams {
		return false
	}
	d.streams = append(d.streams, &stream{ssrc: ssrc, ring: make([]slot, d.limits.Packets)})
	return true
}

// Forget drops a stream, after a BYE or a collision.
func (d *Decoder) Forget(ssrc uint32) {
	for i, s := range d.streams {
		if s.ssrc == ssrc {
			d.streams = append(d.streams[:i], d.streams[i+1:]...)
			break
		}
	}
	d.polled = d.polled[:0]
	d.drop(ssrc)
}

// drop gives up the repair packets that speak of a stream.
func (d *Decoder) drop(ssrc uint32) {
	keep := d.waiting[:0]
	for _, r := range d.waiting {
		if touches(r.sets, ssrc) {
			d.counts.Refused++
			d.free = append(d.free, r)
			continue
		}
		keep = append(keep, r)
	}
	d.waiting = keep
}

func touches(sets []Set, ssrc uint32) bool {
	for i := range sets {
		if sets[i].SSRC == ssrc {
			return true
		}
	}
	return false
}

func (d *Decoder) find(ssrc uint32) *stream {
	for _, s := range d.streams {
		if s.ssrc == ssrc {
			return s
		}
	}
	return nil
}

// Source takes a source packet that came, or that something else repaired. It
// reports whether it is new: neither came nor was recovered before.
func (d *Decoder) Source(now simtime.Time, packet []byte) (fresh bool) {
	d.begin(now)
	if len(packet) < HeaderSize || packet[0]>>6 != 2 || units.Bytes(len(packet)) > d.limits.Size {
		return true
	}
	ssrc := binary.BigEndian.Uint32(packet[8:])
	if !d.Expect(ssrc) {
		return true
	}
	s := d.find(ssrc)
	seq, verdict := s.arrived(binary.BigEndian.Uint16(packet[2:]))
	switch {
	case verdict == far:
		return true
	case verdict == restarted:
		d.drop(ssrc)
	case s.has(seq):
		return false
	}
	s.put(seq, packet)
	d.spread(s, seq, packet)
	d.solve()
	return true
}

// Repair takes a repair packet: its string, which is copied, and the sets of
// packets that it is the sum of. Equal ids are those of one packet. It reports
// false if it can't be used.
func (d *Decoder) Repair(now simtime.Time, id uint64, sum *String, sets []Set) bool {
	d.begin(now)
	d.counts.Repairs++
	for _, r := range d.waiting {
		if r.id == id {
			d.counts.Repeated++
			return false
		}
	}
	if units.Bytes(HeaderSize+len(sum.Payload)) > d.limits.Size || !d.covers(sets) {
		d.counts.Refused++
		return false
	}
	r := d.take()
	r.id, r.until, r.missing, r.which = id, now.Add(d.limits.Window), 0, 0
	r.copyFrom(sum)
	r.sets = append(r.sets[:0], sets...)
	d.reduce(r)
	switch r.missing {
	case 0:
		d.counts.Needless++
		d.free = append(d.free, r)
	case 1:
		d.ready = append(d.ready, r)
		d.solve()
	default:
		d.wait(r)
	}
	return true
}

// covers reports whether all that the sets name is remembered, if it came.
func (d *Decoder) covers(sets []Set) bool {
	n := 0
	for i := range sets {
		set := &sets[i]
		s := d.find(set.SSRC)
		if s == nil || touches(sets[:i], set.SSRC) || set.Count > 0 && set.Step <= 0 || set.Span() > len(s.ring) {
			return false
		}
		if base := s.extend(set.Base); s.started && (!s.remembered(base) || base > s.highest+uint64(len(s.ring))) {
			return false
		}
		n += set.Len()
	}
	return n > 0
}

// reduce takes off a repair packet's string what has come already.
func (d *Decoder) reduce(r *repair) {
	for i := range r.sets {
		set := &r.sets[i]
		s := d.find(set.SSRC)
		base, span := s.extend(set.Base), set.Span()
		for o := set.next(0); o < span; o = set.next(o + 1) {
			if seq := base + uint64(o); s.has(seq) {
				r.within(s.slot(seq).packet)
				continue
			}
			r.missing++
			r.which ^= label(i, o)
		}
	}
}

func (d *Decoder) take() *repair {
	if n := len(d.free); n > 0 {
		r := d.free[n-1]
		d.free = d.free[:n-1]
		return r
	}
	return &repair{}
}

func (d *Decoder) wait(r *repair) {
	if len(d.waiting) >= max(d.limits.Repairs, 1) {
		d.counts.Superseded++
		d.free = append(d.free, d.waiting[0])
		d.waiting = append(d.waiting[:0], d.waiting[1:]...)
	}
	d.waiting = append(d.waiting, r)
}

// begin drops what wasn't polled and what has waited too long.
func (d *Decoder) begin(now simtime.Time) {
	d.polled = d.polled[:0]
	n := 0
	for n < len(d.waiting) && d.waiting[n].until <= now {
		d.counts.Expired++
		d.free = append(d.free, d.waiting[n])
		n++
	}
	if n > 0 {
		d.waiting = append(d.waiting[:0], d.waiting[n:]...)
	}
}

// Poll appends the next recovered packet to dst, in the order in which they were.
// What isn't polled before the next packet comes is lost.
func (d *Decoder) Poll(dst []byte) ([]byte, bool) {
	for len(d.polled) > 0 {
		p := d.polled[0]
		d.polled = append(d.polled[:0], d.polled[1:]...)
		if p.stream.has(p.seq) { // unless a newer one took its place at once
			return append(dst, p.stream.slot(p.seq).packet...), true
		}
	}
	return dst, false
}

// Counts returns what became of packets so far.
func (d *Decoder) Counts() Counts { return d.counts }

// Waiting returns how many repair packets wait for more to come.
func (d *Decoder) Waiting() int { return len(d.waiting) }
