package tcp

import (
	"time"

	"rtpfabric/sim/simtime"
)

// handleAck takes the acknowledgment of a segment. It returns false if the
// segment mustn't be processed further.
func (c *Conn) handleAck(now simtime.Time, h *Header, s span) bool {
	b := &c.board
	ack := unwrap(c.config.ISS, b.una, h.Ack)
	if ack > b.nxt { // RFC 9293 §3.10.7.4
		c.ackPending = true
		return false
	}
	flight, wnd := b.flight(), int64(h.Window)<<c.sendScale
	duplicate := ack == b.una && s.start == s.end && (wnd == c.peerWnd || c.synWindow) && flight > 0
	if ack >= b.una {
		c.peerWnd, c.synWindow = wnd, false
	}
	c.handleFeedback(now, h, ack)
	a := &c.ack
	*a = acknowledgment{now: now, flight: flight, priorPipe: b.pipe(), srtt: c.rtt.srtt, marks: c.newMarks}
	b.newlyLost = 0
	sacked := int64(0)
	if c.sack && h.SACKBlocks > 0 {
		sacked = c.takeBlocks(now, h, ack)
		duplicate = sacked > 0
	} else if c.sack {
		duplicate = false
	}
	if ack > b.una {
		c.takeCumulative(now, h, ack, a)
		duplicate = duplicate && c.sack
	}
	a.delivered += sacked
	if duplicate {
		c.handleDuplicate(now)
	}
	if a.delivered > 0 {
		c.tellController(a)
	}
	return c.advanceState(now)
}

// takeBlocks gives the SACK blocks to the scoreboard and the delivery rate, and
// returns how many octets are newly sacked. Blocks below the acknowledgment are
// stale or report duplicates (RFC 2883), and don't count.
func (c *Conn) takeBlocks(now simtime.Time, h *Header, ack seq) int64 {
	var blocks [4]span
	n := 0
	for _, e := range h.SACK[:h.SACKBlocks] {
		s := span{unwrap(c.config.ISS, ack, e[0]), unwrap(c.config.ISS, ack, e[1])}
		if s.start > ack && s.end <= c.board.nxt && s.start < s.end {
			blocks[n] = s
			n++
		}
	}
	fresh := c.board.update(blocks[:n])
	if fresh > 0 && c.rate.on {
		for _, s := range blocks[:n] {
			c.rate.sacked(now, &c.log, s)
		}
	}
	return fresh
}

// takeCumulative moves SND.UNA.
func (c *Conn) takeCumulative(now simtime.Time, h *Header, ack seq, a *acknowledgment) {
	b := &c.board
	n := int64(ack - b.una)
	if c.rate.on {
		c.rate.acked(now, &c.log, ack)
	}
	known := b.advance(ack)
	c.content.acknowledged(ack)
	rt := c.log.acknowledge(now, ack, known > 0)
	c.measure(now, h, rt, a)
	a.acked, a.delivered = n, n-known
	c.stats.Acked += n
	c.lastAdvance = n
	c.limited = 0
	c.restartRTO(now)
	if c.phase == phaseOpen {
		c.dupAcks = 0
	} else {
		c.repair(now, n)
	}
}

// measure takes the round-trip times that an acknowledgment allows: exact ones
// where no segment was sent twice, else the echoed timestamp (RFC 6298 §3).
func (c *Conn) measure(now simtime.Time, h *Header, rt roundTrips, a *acknowledgment) {
	r := rt.oldest
	if r == 0 && c.timestamps && h.Timestamps && h.TSEcr != 0 {
		r = max(time.Duration(timestamp(now)-h.TSEcr)*time.Millisecond, granularity)
	}
	if r > 0 {
		perRTT := (a.flight + 2*c.board.smss - 1) / (2 * c.board.smss)
		c.rtt.sample(r, int(perRTT))
	}
	a.rtt, a.srtt = rt.newest, c.rtt.srtt
}

// restartRTO is RFC 6298 §5.2 and §5.3. In recovery without SACK only the first
// partial acknowledgment restarts it (RFC 6582 §3.2), which repair does.
func (c *Conn) restartRTO(now simtime.Time) {
	switch {
	case c.board.flight() == 0:
		c.rtoAt = simtime.Never
	case c.phase == phaseRecovery && !c.sack && c.board.una < c.recover:
	default:
		c.armRTO(now)
	}
}

// handleFeedback takes ECN feedback: the window is reduced at most once per
// window of data (RFC 3168 §6.1.2).
func (c *Conn) handleFeedback(now simtime.Time, h *Header, ack seq) {
	c.newMarks = c.ecn.feedback(h.Flags)
	if c.newMarks == 0 {
		return
	}
	c.stats.CEEchoed += c.newMarks
	if c.control.scalable() && c.ecn.mode == AccurateECN {
		return // it counts them
	}
	if c.phase != phaseOpen || max(ack, c.board.una) <= c.ecn.reduced {
		return
	}
	c.stats.ECNReductions++
	c.control.marked(&c.window, now, c.board.flight()-c.limited)
	c.ecn.cwr, c.ecn.reduced = true, c.board.nxt
	c.markedNow = true
}

// tellController completes the acknowledgment and hands it on. One with
// ECN-Echo doesn't open the window (RFC 3168 §6.1.2).
func (c *Conn) tellController(a *acknowledgment) {
	b := &c.board
	a.una, a.nxt, a.inPipe = b.una, b.nxt, b.pipe()
	a.phase, a.lost = c.phase, b.newlyLost
	a.limited = a.una <= c.limitedTo && !c.markedNow
	if c.ecn.mode == ClassicECN && c.newMarks > 0 {
		a.limited = false
	}
	if c.rate.on {
		a.rate = c.rate.sample(a.now)
	}
	c.markedNow = false
	c.control.acked(&c.window, a)
}

// advanceState does what the acknowledgment of the FIN means.
func (c *Conn) advanceState(now simtime.Time) bool {
	if !c.finSent() || c.board.una < c.board.nxt {
		return true
	}
	switch c.state {
	case FinWait1:
		c.become(FinWait2)
	case Closing:
		c.becomeTimeWait(now)
	case LastAck:
		c.become(Closed)
		return false
	default:
	}
	return true
}
