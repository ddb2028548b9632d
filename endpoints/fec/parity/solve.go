package parity

// spread takes a packet that came or was recovered off all repair packets that
// wait for it. Those of which one packet is missing then are ready.
func (d *Decoder) spread(s *stream, seq uint64, packet []byte) {
	keep := d.waiting[:0]
	for _, r := range d.waiting {
		for i := range r.sets {
			set := &r.sets[i]
			if o := int(uint16(seq) - set.Base); set.SSRC == s.ssrc && set.Has(o) {
				r.within(packet)
				r.missing--
				r.which ^= label(i, o)
			}
		}
		switch r.missing {
		case 0:
			d.counts.Needless++
			d.free = append(d.free, r)
		case 1:
			d.ready = append(d.ready, r)
		default:
			keep = append(keep, r)
		}
	}
	d.waiting = keep
}

// solve recovers what can be, and with it what can be then (RFC 8627 §6.3.4: rows
// and columns in turn come to the same).
func (d *Decoder) solve() {
	for len(d.ready) > 0 {
		n := len(d.ready) - 1
		r := d.ready[n]
		d.ready = d.ready[:n]
		d.recover(r)
		d.free = append(d.free, r)
	}
}

// recover gives back the one packet that a repair packet misses, unless another
// one has done so.
func (d *Decoder) recover(r *repair) {
	set := &r.sets[r.which>>16]
	s := d.find(set.SSRC)
	number := set.Base + uint16(r.which)
	seq := s.extend(number)
	switch {
	case s.has(seq):
		d.counts.Needless++
		return
	case s.started && !s.remembered(seq):
		d.counts.Expired++
		return
	case int(r.Length) > len(r.Payload):
		d.counts.Partial++
		return
	case !r.plausible():
		d.counts.Bogus++
		return
	}
	s.reach(seq)
	slot := s.slot(seq)
	slot.seq, slot.used = seq, true
	slot.packet = r.appendPacket(slot.packet[:0], set.SSRC, number)
	d.counts.Used++
	d.counts.Recovered++
	d.polled = append(d.polled, recovered{s, seq})
	d.spread(s, seq, slot.packet)
}
