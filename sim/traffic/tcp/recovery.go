package tcp

import "rtpfabric/sim/simtime"

// recovery is the sender's state of repairing losses.
type recovery struct {
	phase phase
	// recover is RFC 6582's recover and RFC 6675's RecoveryPoint, one more than
	// the highest position sent when loss was found; -1 before the first time.
	recover seq
	dupAcks int
	// limited is what limited transmit has sent since the first duplicate
	// acknowledgment; it isn't part of FlightSize (RFC 5681 §3.2).
	limited int64
	// rtxPending says that the first segment outstanding goes out whatever the
	// window.
	rtxPending bool
	// partial says that a partial acknowledgment has come (RFC 6582 §3.2).
	partial bool
	// lastAdvance is by how much the last cumulative acknowledgment moved una.
	lastAdvance int64
}

// handleDuplicate takes an acknowledgment that is a duplicate: by RFC 5681 §2
// without SACK, by RFC 6675 §2 with it.
func (c *Conn) handleDuplicate(now simtime.Time) {
	switch c.phase {
	case phaseOpen:
		c.dupAcks++
		if c.dupAcks >= dupThresh || c.sack && c.board.isLost(c.board.una) {
			c.enterRecovery(now)
		}
	case phaseRecovery:
		if !c.sack { // RFC 5681 §3.2 step 4
			c.window.cwnd += c.board.smss
		}
	case phaseLoss: // RFC 6582 §4, RFC 6675 §5.1: not before recover is covered
	}
}

// worthFastRetransmit is step 2 of RFC 6582 §3.2 with the heuristic of §4.1:
// duplicates that earlier repetitions cause don't count.
func (c *Conn) worthFastRetransmit() bool {
	return c.board.una > c.recover ||
		c.window.cwnd > c.board.smss && c.lastAdvance <= 4*c.board.smss
}

func (c *Conn) enterRecovery(now simtime.Time) {
	if !c.sack && !c.worthFastRetransmit() {
		return
	}
	c.stats.Recoveries++
	c.phase = phaseRecovery
	c.recover = c.board.nxt
	c.control.lost(&c.window, now, c.board.flight()-c.limited, c.board.una < c.ecn.reduced)
	c.ecn.cwr, c.ecn.reduced = c.ecn.mode == ClassicECN, c.board.nxt
	c.board.enter()
	c.rtxPending, c.partial = true, false
	if !c.sack { // RFC 5681 §3.2 step 3
		c.window.cwnd += dupThresh * c.board.smss
	}
}

// repair takes a cumulative acknowledgment of n octets while something is being
// repaired.
func (c *Conn) repair(now simtime.Time, n int64) {
	switch {
	case c.board.una >= c.recover:
		if c.phase == phaseRecovery && !c.sack { // RFC 6582 §3.2, full, option 1
			flight, smss := c.board.flight(), c.board.smss
			c.window.cwnd = min(c.window.ssthresh, max(flight, smss)+smss)
		}
		c.phase, c.dupAcks, c.rtxPending = phaseOpen, 0, false
	case c.phase == phaseRecovery && !c.sack: // RFC 6582 §3.2, partial
		c.rtxPending = true
		c.board.enter()
		c.window.cwnd = max(c.window.cwnd-n, 0)
		if n >= c.board.smss {
			c.window.cwnd += c.board.smss
		}
		if !c.partial {
			c.partial = true
			c.armRTO(now)
		}
	case c.phase == phaseLoss:
		c.dupAcks = 0
	case c.phase == phaseOpen, c.phase == phaseRecovery:
	}
}

// handleRTO is RFC 6298 §5.4 to §5.6 and RFC 5681 §3.1.
func (c *Conn) handleRTO(now simtime.Time) {
	if !c.state.synchronized() {
		c.synTimeout()
		return
	}
	again := c.rtt.backoffs > 0
	if c.rtt.backoffs >= maxBackoffs {
		c.fail(ErrTimeout)
		return
	}
	c.stats.Timeouts++
	if !again {
		c.stats.TimeoutSequences++
	}
	bound := unbounded
	if c.phase == phaseRecovery {
		// FlightSize still has what recovery has sent and what has arrived:
		// ssthresh doesn't grow by it (RFC 5681 §3.2, note at step 4).
		bound = c.window.ssthresh
	}
	c.control.timedOut(&c.window, now, c.board.flight()-c.limited, again)
	c.window.ssthresh = min(c.window.ssthresh, bound)
	c.phase, c.recover = phaseLoss, c.board.nxt
	c.ecn.cwr, c.ecn.reduced = c.ecn.mode == ClassicECN, c.board.nxt
	c.dupAcks, c.limited, c.lastAdvance = 0, 0, 0
	c.board.timeout()
	c.rtxPending = true
	c.pacer.reset(now)
	c.rtt.backOff()
	c.armRTO(now)
}
