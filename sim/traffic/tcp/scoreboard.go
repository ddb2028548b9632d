package tcp

// dupThresh is DupThresh of RFC 6675 §2 and the threshold of RFC 5681 §3.2.
const dupThresh = 3

// scoreboard is what the sender knows of the sequence space between SND.UNA
// (HighACK + 1) and SND.NXT (HighData + 1), by RFC 6675. Ends are exclusive, so
// that every variable is one more than the RFC's. Without SACK it is still what
// counts the octets in flight.
type scoreboard struct {
	una, nxt seq
	smss     int64
	sacked   ranges
	octets   int64 // sacked
	// lostEdge: below it every octet that isn't sacked is lost, IsLost ().
	lostEdge seq
	// highRxt is HighRxt: below it everything not sacked was retransmitted.
	highRxt seq
	// rescueRxt is RescueRxt.
	rescueRxt seq
	// lost and rxt count the octets in flight no more, and those again: what
	// isn't sacked below lostEdge and below highRxt.
	lost, rxt int64
	// newlyLost sums up what update has found lost.
	newlyLost int64
}

// update is Update (): it marks the blocks of an acknowledgment, which lie
// between una and nxt, and returns how many octets are newly sacked.
func (b *scoreboard) update(blocks []span) int64 {
	fresh := int64(0)
	for _, s := range blocks {
		s.start, s.end = max(s.start, b.una), min(s.end, b.nxt)
		fresh += b.sacked.add(s)
	}
	if fresh > 0 {
		b.octets += fresh
		before := b.unsackedBelow(b.lostEdge)
		b.lostEdge = max(b.lostEdge, b.findLostEdge())
		b.recount()
		b.newlyLost += b.lost - before
	}
	return fresh
}

// advance moves una by a cumulative acknowledgment. It returns how many of the
// octets had been sacked before.
func (b *scoreboard) advance(una seq) int64 {
	known := b.sacked.trim(una)
	b.octets -= known
	b.una = una
	b.highRxt, b.lostEdge = max(b.highRxt, una), max(b.lostEdge, una)
	b.recount()
	return known
}

// findLostEdge goes down from the highest block until the octets and blocks
// above a position suffice for IsLost (): dupThresh blocks, or more than
// (dupThresh − 1)·SMSS octets.
func (b *scoreboard) findLostEdge() seq {
	octets, blocks := int64(0), 0
	for i := len(b.sacked.spans) - 1; i >= 0; i-- {
		s := b.sacked.spans[i]
		octets += s.len()
		blocks++
		if blocks >= dupThresh || octets > (dupThresh-1)*b.smss {
			return s.start
		}
	}
	return 0
}

// isLost is IsLost ().
func (b *scoreboard) isLost(s seq) bool { return s < b.lostEdge }

func (b *scoreboard) recount() {
	b.lost, b.rxt = b.unsackedBelow(b.lostEdge), b.unsackedBelow(b.highRxt)
}

func (b *scoreboard) unsackedBelow(s seq) int64 {
	if s <= b.una {
		return 0
	}
	return int64(s-b.una) - b.sacked.below(s)
}

// pipe is what SetPipe () computes.
func (b *scoreboard) pipe() int64 {
	return int64(b.nxt-b.una) - b.octets - b.lost + b.rxt
}

// flight is RFC 5681's FlightSize.
func (b *scoreboard) flight() int64 { return int64(b.nxt - b.una) }

// retransmitted notes that a retransmission went out that ends at end.
func (b *scoreboard) retransmitted(end seq) {
	if end > b.highRxt {
		b.highRxt = end
		b.rxt = b.unsackedBelow(end)
	}
}

// enter starts loss recovery: nothing has been retransmitted yet (§5 step 4).
func (b *scoreboard) enter() {
	b.highRxt, b.rescueRxt = b.una, b.una
	b.recount()
}

// timeout takes everything outstanding for lost. What the receiver has sacked
// it keeps: receivers here never discard it (RFC 6675 §5.1 on reneging).
func (b *scoreboard) timeout() {
	b.lostEdge, b.highRxt = b.nxt, b.una
	b.recount()
}

// hole returns the segment that rule (1) of NextSeg () sends; lost says whether
// IsLost () is required (rule 1) or not (rule 3).
func (b *scoreboard) hole(lost bool) (span, bool) {
	limit := b.sacked.max()
	if lost {
		limit = b.lostEdge
	}
	g := b.sacked.gap(max(b.highRxt, b.una), limit)
	if g.start >= g.end {
		return span{}, false
	}
	g.end = min(g.end, g.start+seq(b.smss))
	return g, true
}

// rescue returns the segment of rule (4), the last one outstanding, once per
// recovery; recovery is RecoveryPoint.
func (b *scoreboard) rescue(recovery seq) (span, bool) {
	if b.una <= b.rescueRxt || b.una >= b.nxt {
		return span{}, false
	}
	end := b.nxt
	if n := len(b.sacked.spans); n > 0 && b.sacked.spans[n-1].end == end {
		end = b.sacked.spans[n-1].start
	}
	if end <= b.una {
		return span{}, false
	}
	b.rescueRxt = recovery
	start := max(b.una, end-seq(b.smss))
	if s, ok := b.sacked.find(start); ok {
		start = s.end
	}
	return span{start, end}, true
}
