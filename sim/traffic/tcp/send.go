package tcp

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// PollPacket returns a segment to send, whose ownership passes to the caller;
// nil when there is none.
func (c *Conn) PollPacket(now simtime.Time) *packet.Packet {
	c.pacer.wake = simtime.Never
	switch {
	case c.rstPending:
		c.rstPending = false
		return c.bare(now, RST|ACK)
	case c.synPending:
		return c.syn(now)
	case c.probes.due && c.state.synchronized():
		return c.probe(now)
	case c.state.maySend():
		if p := c.pollData(now); p != nil {
			return p
		}
	}
	if c.ackPending && c.state.synchronized() {
		return c.bare(now, ACK)
	}
	return nil
}

// kind is why a segment goes out.
type kind uint8

const (
	kindNone kind = iota
	kindFresh
	kindAgain
	kindRescue // rule (4) of RFC 6675's NextSeg ()
)

func (c *Conn) pollData(now simtime.Time) *packet.Packet {
	if c.board.una == c.board.nxt {
		c.checkIdle(now)
	}
	s, k := c.nextSegment()
	c.persist(now, k == kindNone)
	if k == kindNone {
		if c.rate.on && c.board.nxt >= c.writeEnd && c.board.pipe() < c.window.cwnd {
			c.rate.applicationLimited(c.board.pipe())
		}
		return nil
	}
	if c.pacer.at > now && !c.rtxPending {
		c.pacer.wake = c.pacer.at
		c.limitedTo = c.board.nxt
		return nil
	}
	return c.transmit(now, s, k)
}

// checkIdle restarts slow start after a pause (RFC 5681 §4.1).
func (c *Conn) checkIdle(now simtime.Time) {
	if c.lastSent == 0 || now.Sub(c.lastSent) <= c.rtt.rto || c.board.nxt >= c.sequenceEnd() {
		return
	}
	c.control.idle(&c.window, now, now.Sub(c.lastSent))
	c.lastSent = now
}

// nextSegment chooses what goes out next.
func (c *Conn) nextSegment() (span, kind) {
	b := &c.board
	if c.rtxPending {
		g := b.sacked.gap(b.una, min(b.nxt, b.una+seq(b.smss)))
		return g, kindAgain
	}
	switch {
	case c.phase == phaseOpen && !c.sack:
		n := int64(min(c.dupAcks, dupThresh-1)) // RFC 3042: one for each duplicate
		if c.config.NoLimitedTransmit {
			n = 0
		}
		return c.fresh(c.window.cwnd + n*b.smss)
	case c.phase == phaseOpen:
		return c.fresh(c.window.cwnd)
	case c.phase == phaseLoss:
		if g, ok := b.hole(true); ok {
			if b.pipe()+g.len() > c.window.cwnd {
				c.limitedTo = b.nxt
				return span{}, kindNone
			}
			return g, kindAgain
		}
		return c.fresh(c.window.cwnd)
	case !c.sack:
		return c.fresh(c.window.cwnd)
	}
	return c.nextSeg()
}

// nextSeg is NextSeg () of RFC 6675 §4 with the condition of §5 step (C).
func (c *Conn) nextSeg() (span, kind) {
	b := &c.board
	if c.window.cwnd-b.pipe() < b.smss {
		return span{}, kindNone
	}
	if g, ok := b.hole(true); ok {
		return g, kindAgain
	}
	if s, k := c.fresh(c.window.cwnd); k != kindNone {
		return s, k
	}
	if g, ok := b.hole(false); ok {
		return g, kindAgain
	}
	if g, ok := b.rescue(c.recover); ok {
		return g, kindRescue
	}
	return span{}, kindNone
}

// sequenceEnd is where everything queued ends, the FIN included.
func (c *Conn) sequenceEnd() seq {
	if c.finQueued {
		return c.writeEnd + 1
	}
	return c.writeEnd
}

func (c *Conn) finSent() bool { return c.finQueued && c.board.nxt > c.writeEnd }

// fresh returns the next segment of new data that the two windows allow.
func (c *Conn) fresh(cwnd int64) (span, kind) {
	b := &c.board
	s := span{b.nxt, min(b.nxt+seq(b.smss), c.writeEnd)}
	if s.end == c.writeEnd && c.finQueued {
		s.end++
	}
	if s.start >= s.end {
		return span{}, kindNone
	}
	inFlight := b.pipe()
	if c.phase == phaseRecovery && !c.sack {
		inFlight = b.flight()
	}
	if inFlight+s.len() > cwnd && inFlight > 0 {
		c.limitedTo = b.nxt
		return span{}, kindNone
	}
	if s.end > b.una+seq(c.peerWnd) || c.nagle && s.len() < b.smss && b.flight() > 0 && !c.finQueued {
		return span{}, kindNone
	}
	return s, kindFresh
}

// transmit sends a segment and starts the RTO timer (RFC 6298 §5.1).
func (c *Conn) transmit(now simtime.Time, s span, k kind) *packet.Packet {
	b := &c.board
	body := s.end - s.start
	f := ACK
	if c.finQueued && s.end > c.writeEnd {
		f |= FIN
		body--
		c.closeState()
	}
	if s.end >= c.writeEnd {
		f |= PSH
	}
	wasIdle := b.una == b.nxt
	if k == kindFresh {
		if c.dupAcks > 0 && c.phase == phaseOpen {
			c.limited += s.len()
		}
		b.nxt = s.end
		c.lastSent = now
		e := sent{end: s.end, at: now}
		if c.rate.on {
			e.rateState = c.rate.stamp(now, wasIdle)
			e.octets = s.len()
		}
		c.log.push(e)
	} else {
		c.resend(now, s, k)
	}
	if c.rtoAt == simtime.Never {
		c.armRTO(now)
	}
	c.putHeader(now, s.start, f, k == kindFresh)
	c.stats.DataSegmentsSent++
	p := c.emit(units.Bytes(body), s.start)
	p.ECN = c.ecn.codepoint(c.control.scalable(), k == kindFresh)
	c.pacer.sent(now, p.Size, c.control.pacing(&c.window, c.rtt.srtt))
	return p
}

// resend notes a retransmission.
func (c *Conn) resend(now simtime.Time, s span, k kind) {
	if c.rtxPending {
		c.rtxPending = false
		c.board.rescueRxt = s.end
	}
	if k != kindRescue {
		c.board.retransmitted(s.end)
	}
	c.stats.Retransmitted++
	for i := c.log.search(s.start); i < c.log.n; i++ {
		e := c.log.at(i)
		e.at, e.retransmitted = now, true
		if c.rate.on {
			octets := e.octets
			e.rateState = c.rate.stamp(now, false)
			e.octets = octets
		}
		if e.end >= s.end {
			break
		}
	}
}

// closeState is the transition that sending the FIN makes.
func (c *Conn) closeState() {
	switch c.state {
	case Established:
		c.become(FinWait1)
	case CloseWait:
		c.become(LastAck)
	default:
	}
}
