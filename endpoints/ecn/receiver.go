package ecn

import "rtpfabric/sim/packet"

// Receiver counts the packets of one source (RFC 6679 §5.1). The zero value is that of a
// source of which nothing has come.
type Receiver struct {
	marks            [4]uint64 // packets by their ECN field
	received         uint64
	duplicates       uint64
	expected         uint64
	toldCE, toldLost uint64
	toldCapable      bool
}

// Count notes a packet; fresh is false for a duplicate. expected is how many the source
// has sent up to its highest sequence number, with this packet (RFC 3550 §A.3).
func (r *Receiver) Count(mark packet.ECN, fresh bool, expected uint64) {
	r.marks[mark&packet.CE]++
	r.received++
	if !fresh {
		r.duplicates++
	}
	r.expected = expected
	r.toldLost = min(r.toldLost, r.lost()) // what comes late isn't lost any more
}

// lost is how many packets were expected and haven't come.
func (r *Receiver) lost() uint64 {
	came := r.received - r.duplicates
	return max(r.expected, came) - came
}

// Counters returns what a report says now.
func (r *Receiver) Counters() Counters {
	return Counters{
		ECT0: uint32(r.marks[packet.ECT0]), ECT1: uint32(r.marks[packet.ECT1]),
		CE: uint16(r.marks[packet.CE]), NotECT: uint16(r.marks[packet.NotECT]),
		Lost: uint16(r.lost()), Duplicates: uint16(r.duplicates),
	}
}

// Urgent reports whether the sender has to be told as soon as possible: of a CE mark or a
// loss (RFC 6679 §7.3.2), or of the first packets that are ECN-capable (§7.2.1).
func (r *Receiver) Urgent() bool {
	return r.marks[packet.CE] > r.toldCE || r.lost() > r.toldLost || r.capable() && !r.toldCapable
}

// capable reports whether an ECN-capable packet has come.
func (r *Receiver) capable() bool { return r.marks[packet.NotECT] < r.received }

// Told notes that an ECN feedback packet with the present counters leaves.
func (r *Receiver) Told() {
	r.toldCE, r.toldLost, r.toldCapable = r.marks[packet.CE], r.lost(), r.capable()
}
