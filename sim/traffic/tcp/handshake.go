package tcp

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// maxSynRetries is how often a SYN is repeated before the attempt is given up:
// with the RTO doubling from 1 s, after more than 2 minutes; RFC 1122
// §4.2.3.5 wants 3.
const maxSynRetries = 7

// maxBackoffs is how many timeouts in a row end a connection (R2 of RFC 9293
// §3.8.3).
const maxBackoffs = 15

// putSyn fills in a SYN, or a SYN and ACK.
func (c *Conn) putSyn(h *Header) {
	*h = Header{Flags: SYN, WindowScale: int8(c.rScale), MSS: uint16(c.config.MSS)}
	h.Seq = c.config.ISS
	h.Window = uint16(min(c.receiver.size, 0xffff)) // never scaled (RFC 7323 §2.2)
	h.SACKPermitted, h.Timestamps = !c.config.NoSACK, !c.config.NoTimestamps
	if c.state == SynSent {
		h.Flags |= c.ecn.offer(c.config.ECN)
		return
	}
	h.Flags |= ACK | c.ecn.accept()
	h.Ack = wireSeq(c.receiver.initial, c.receiver.next)
	c.receiver.acked = c.receiver.next
	h.SACKPermitted, h.Timestamps = c.sack, c.timestamps
	if c.sendScale == 0 && c.rScale == 0 {
		h.WindowScale = -1
	}
}

// negotiate takes what the other end's SYN offers.
func (c *Conn) negotiate(now simtime.Time, h *Header) {
	r := &c.receiver
	r.initial, r.next = h.Seq, 1
	r.acked = 0
	r.edge = 1 + seq(min(r.size, 0xffff)) // as the SYN says
	c.sack = h.SACKPermitted && !c.config.NoSACK
	c.timestamps = h.Timestamps && !c.config.NoTimestamps
	r.tsRecent, r.tsAt = h.TSVal, now
	if h.WindowScale >= 0 {
		c.sendScale = uint8(h.WindowScale)
	} else {
		c.rScale = 0
	}
	smss := int64(536) // RFC 9293 §3.7.1
	if h.MSS != 0 {
		smss = min(int64(h.MSS), int64(c.config.MSS))
	}
	if c.timestamps {
		smss -= 12
	}
	c.peerWnd, c.synWindow = int64(h.Window), true
	w := &c.window
	w.smss, c.board.smss = smss, smss
	w.initial = int64(c.config.InitialWindow) * smss
	w.cwnd, w.ssthresh = w.initial, unbounded
}

func (c *Conn) handleListening(now simtime.Time, h *Header, src packet.Addr) {
	if h.Flags&(SYN|ACK|RST) != SYN {
		return
	}
	if c.config.Remote == (packet.Addr{}) {
		c.config.Remote = src
	}
	c.negotiate(now, h)
	c.ecn.acceptOffer(c.config.ECN, h.Flags)
	c.become(SynReceived)
	c.board.nxt = 1
	c.synPending, c.synSentAt = true, now
}

func (c *Conn) handleSynSent(now simtime.Time, h *Header, mark packet.ECN) {
	if h.Flags&ACK != 0 && h.Ack != wireSeq(c.config.ISS, 1) {
		return // of an older connection
	}
	switch {
	case h.Flags&RST != 0:
		if h.Flags&ACK != 0 {
			c.fail(ErrReset)
		}
	case h.Flags&(SYN|ACK) == SYN|ACK:
		c.negotiate(now, h)
		c.ecn.accepted(c.config.ECN, h.Flags, mark)
		c.establish(now)
		c.ackPending = true
	}
}

// establish ends the handshake, whose SYN has been acknowledged.
func (c *Conn) establish(now simtime.Time) {
	c.become(Established)
	c.synPending = false
	c.board.una = 1
	c.rtoAt = simtime.Never
	switch {
	case c.synRetries == 0:
		c.rtt.sample(max(now.Sub(c.synSentAt), time.Nanosecond), 1)
	case c.synRetries > 1: // RFC 6928 §2
		c.window.cwnd = c.window.smss
		fallthrough
	default: // RFC 6298 §5.7
		c.rtt.rto = max(rtoAfterSYN, c.config.MinRTO)
		c.rtt.backoffs = 0
	}
}

// synTimeout repeats the SYN, or the SYN and ACK.
func (c *Conn) synTimeout() {
	c.synRetries++
	if c.synRetries > maxSynRetries {
		c.fail(ErrTimeout)
		return
	}
	c.stats.Timeouts++
	c.rtt.backOff()
	c.rtoAt = simtime.Never
	c.synPending = true
}
