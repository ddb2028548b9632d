package tcp

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// receiver is what one end knows of the other one's sequence space.
type receiver struct {
	initial uint32
	next    seq // RCV.NXT
	size    int64
	// edge is the right edge of the window that the other end knows, with backpressure.
	edge seq
	// outOfOrder lies beyond next.
	outOfOrder ranges
	// recent are positions in the blocks that changed last, newest first
	// (RFC 2018 §4).
	recent  [4]seq
	nRecent int
	// fin is the position of the FIN; 0 is unknown.
	fin seq
	// acked is next as the last acknowledgment sent it (Last.ACK.sent), and
	// waiting how many segments have come in order since.
	acked   seq
	waiting int
	// tsRecent is TS.Recent (RFC 7323 §4.3), taken at tsAt.
	tsRecent uint32
	tsAt     simtime.Time
}

// octets returns how much of the other end's data has come in order.
func (r *receiver) octets() int64 {
	n := int64(r.next - 1)
	if r.fin != 0 && r.next > r.fin {
		n--
	}
	return max(n, 0)
}

const (
	// ackEvery segments in order bring an acknowledgment (RFC 5681 §4.2).
	ackEvery = 2
	// tsOutdated is when TS.Recent is no longer a reason to refuse a segment
	// (RFC 7323 §5.5).
	tsOutdated = 24 * 24 * time.Hour
)

// handleSynchronized is RFC 9293 §3.10.7.4, from SYN-RECEIVED on.
func (c *Conn) handleSynchronized(now simtime.Time, h *Header, mark packet.ECN, body int64) {
	r := &c.receiver
	start := unwrap(r.initial, r.next, h.Seq)
	if h.Flags&SYN != 0 {
		if c.state == SynReceived && h.Flags&ACK == 0 {
			c.synPending = true
		} else {
			c.ackPending = true // RFC 9293 §3.10.7.4, challenge ACK
		}
		return
	}
	s := span{start, start + seq(body)}
	if h.Flags&FIN != 0 {
		s.end++
	}
	if !c.acceptable(now, h, s) {
		if h.Flags&RST == 0 {
			c.ackPending = true
		}
		if c.state == TimeWait && h.Flags&FIN != 0 {
			c.timeWaitAt = now.Add(c.config.TimeWait)
		}
		return
	}
	if h.Flags&RST != 0 {
		c.fail(ErrReset)
		return
	}
	if h.Flags&ACK == 0 {
		return
	}
	if c.timestamps && h.Timestamps && s.start <= r.acked && int32(h.TSVal-r.tsRecent) >= 0 {
		r.tsRecent, r.tsAt = h.TSVal, now
	}
	if c.ecn.received(mark, h.Flags, s.end > s.start) {
		c.ackPending = true
	}
	if mark == packet.CE {
		c.stats.CEReceived++
	}
	if c.state == SynReceived {
		if h.Ack != wireSeq(c.config.ISS, 1) {
			return // of an older connection
		}
		c.establish(now)
	}
	if !c.handleAck(now, h, s) {
		return
	}
	c.handleData(now, h, s)
}

// acceptable says whether a segment overlaps the receive window (RFC 9293
// §3.4, table 6) and isn't an old duplicate (PAWS, RFC 7323 §5.3).
func (c *Conn) acceptable(now simtime.Time, h *Header, s span) bool {
	r := &c.receiver
	if c.timestamps && h.Timestamps && h.Flags&RST == 0 &&
		int32(h.TSVal-r.tsRecent) < 0 && now.Sub(r.tsAt) < tsOutdated {
		c.stats.OldDuplicates++
		return false
	}
	if s.start == s.end {
		return s.start >= r.next && s.start <= c.limit()
	}
	return s.end > r.next && s.start < c.limit()
}

// handleData takes the data of a segment and its FIN.
func (c *Conn) handleData(now simtime.Time, h *Header, s span) {
	r := &c.receiver
	if s.start == s.end {
		return
	}
	c.stats.DataSegmentsReceived++
	if len(c.content.body) > 0 {
		c.content.take(s.start)
	}
	if h.Flags&FIN != 0 {
		r.fin = s.end - 1
		c.ackPending = true
	}
	if s.start > r.next { // RFC 5681 §4.2: at once
		r.outOfOrder.add(s)
		r.remember(s.start)
		c.stats.OutOfOrder++
		c.ackPending = true
		return
	}
	r.next = max(r.next, s.end)
	if !r.outOfOrder.empty() { // it fills a gap, all of it or in part
		if o, ok := r.outOfOrder.find(r.next); ok {
			r.next = o.end
		}
		r.outOfOrder.trim(r.next)
		c.ackPending = true
	}
	c.delayAck(now)
	if r.fin != 0 && r.next > r.fin {
		c.handleFin(now)
	}
}

// delayAck decides whether a segment in order is acknowledged now or later
// (RFC 1122 §4.2.3.2, RFC 5681 §4.2).
func (c *Conn) delayAck(now simtime.Time) {
	c.receiver.waiting++
	if c.receiver.waiting >= ackEvery || c.config.DelayedAck < 0 {
		c.ackPending = true
	} else if c.delackAt == simtime.Never {
		c.delackAt = now.Add(c.config.DelayedAck)
	}
}

func (c *Conn) handleFin(now simtime.Time) {
	switch c.state {
	case Established:
		c.become(CloseWait)
		c.finQueued = c.finQueued || !c.config.HalfClose
	case FinWait1:
		c.become(Closing)
	case FinWait2:
		c.becomeTimeWait(now)
	default:
	}
}

func (c *Conn) becomeTimeWait(now simtime.Time) {
	c.become(TimeWait)
	c.rtoAt = simtime.Never
	c.timeWaitAt = now.Add(c.config.TimeWait)
}

// remember moves the block at s to the front of those to be reported.
func (r *receiver) remember(s seq) {
	n := 0
	for _, o := range r.recent[:r.nRecent] {
		if o == s {
			break
		}
		n++
	}
	n = min(n, len(r.recent)-1)
	copy(r.recent[1:n+1], r.recent[:n])
	r.recent[0] = s
	r.nRecent = min(max(r.nRecent, n+1), len(r.recent))
}

// sackBlocks fills in up to limit blocks, those that changed last first, each
// one once.
func (r *receiver) sackBlocks(h *Header, limit int) {
	if r.outOfOrder.empty() {
		r.nRecent = 0
		return
	}
	var used [4]seq
	keep := 0
	for _, s := range r.recent[:r.nRecent] {
		o, ok := r.outOfOrder.find(s)
		if !ok {
			continue
		}
		known := false
		for _, u := range used[:h.SACKBlocks] {
			known = known || u == o.start
		}
		if known {
			continue
		}
		r.recent[keep] = s
		keep++
		if h.SACKBlocks < limit {
			used[h.SACKBlocks] = o.start
			h.SACK[h.SACKBlocks] = [2]uint32{wireSeq(r.initial, o.start), wireSeq(r.initial, o.end)}
			h.SACKBlocks++
		}
	}
	r.nRecent = keep
}
