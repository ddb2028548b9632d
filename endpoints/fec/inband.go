package fec

// InBand is what redundancy within a payload format gives back: each packet has a copy
// of the frame before its own, of less quality, as Opus does (RFC 8854 §3.3). So a
// single lost packet is repaired by the next one, and of several in a row the last
// alone. Whether the sender puts copies in is signalled ("useinbandfec", RFC 7587) and
// decided by [Plan.InBand].
type InBand struct {
	started bool
	highest uint64
}

// Arrived takes a packet with its extended sequence number, and whether it has a copy
// of the frame before. It reports whether that copy is needed: the frame, with the
// number seq - 1, hasn't come, and nothing later has been played in its place.
func (b *InBand) Arrived(seq uint64, copied bool) (repaired bool) {
	if b.started && seq <= b.highest {
		return false
	}
	repaired = b.started && copied && seq-1 > b.highest
	b.started, b.highest = true, seq
	return repaired
}
