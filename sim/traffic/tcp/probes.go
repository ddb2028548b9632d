package tcp

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// probes are the segments that make the other end say that it is there, and how large its window is.
//
// Deviation (RFC 9293 §3.8.6.1): a probe has the number before SND.UNA and no data, as those of Linux have. It brings the same
// acknowledgment as an octet beyond the window would, and leaves nothing in flight.
type probes struct {
	// persistAt is when the other end's window is asked for next, simtime.Never if it isn't in the way; backoffs is how often
	// it has been since it was.
	persistAt simtime.Time
	backoffs  int
	// keepAt is when a connection that is idle is asked next whether the other end is there; period 0 is never.
	keepAt simtime.Time
	period time.Duration
	// silent counts probes since anything has come; due says that one is to go.
	silent int
	due    bool
}

const (
	// maxPersist bounds the time between two probes of a window (RFC 9293 §3.8.6.1: exponentially increasing).
	maxPersist = time.Minute
	// maxSilentProbes is how many probes without an answer end a connection, as Linux has it for keep-alives.
	maxSilentProbes = 9
)

// KeepAlive lets the connection be probed when nothing has come for a period, 9 times at most (RFC 9293 §3.8.4); 0 switches that
// off, which it is at first.
func (c *Conn) KeepAlive(now simtime.Time, period time.Duration) {
	c.probes.period, c.probes.keepAt = max(period, 0), simtime.Never
	if c.probes.period > 0 && c.state != Closed {
		c.probes.keepAt = now.Add(period)
	}
}

// Nagle lets a segment that isn't full wait while data are outstanding (RFC 9293 §3.7.4).
func (c *Conn) Nagle(on bool) { c.nagle = on }

// heard takes note that the other end is there.
func (t *probes) heard(now simtime.Time) {
	t.silent = 0
	if t.period > 0 {
		t.keepAt = now.Add(t.period)
	}
}

// shut reports whether the other end's window is all that keeps data back, with nothing outstanding that would bring an
// acknowledgment.
func (c *Conn) shut() bool {
	b := &c.board
	return b.una == b.nxt && c.state.maySend() && b.nxt < c.sequenceEnd() &&
		min(b.nxt+seq(b.smss), c.sequenceEnd()) > b.una+seq(c.peerWnd)
}

// persist begins to ask for the window if nothing can be sent as it is shut, and ends that otherwise.
func (c *Conn) persist(now simtime.Time, waits bool) {
	t := &c.probes
	switch {
	case !waits || !c.shut():
		t.persistAt, t.backoffs = simtime.Never, 0
	case t.persistAt == simtime.Never && !t.due:
		t.persistAt = now.Add(min(c.rtt.rto<<min(t.backoffs, 16), maxPersist))
	}
}

// handleProbes does what is due.
func (c *Conn) handleProbes(now simtime.Time) {
	t := &c.probes
	if t.persistAt <= now {
		t.persistAt = simtime.Never
		t.backoffs++
		t.due = true
		t.silent++
	}
	if t.keepAt <= now {
		t.keepAt = now.Add(t.period)
		if c.state.synchronized() && c.state != TimeWait && c.board.flight() == 0 && !t.due {
			t.due = true
			t.silent++
		}
	}
	if t.silent > maxSilentProbes {
		c.fail(ErrTimeout)
	}
}

// probe sends what there is room for in a window that is too small for a full segment (RFC 9293 §3.8.6.2.1, the override
// timeout), or nothing with an old number.
func (c *Conn) probe(now simtime.Time) *packet.Packet {
	b := &c.board
	c.probes.due = false
	if room := b.una + seq(c.peerWnd) - b.nxt; room > 0 && c.shut() {
		return c.transmit(now, span{b.nxt, b.nxt + room}, kindFresh)
	}
	c.stats.Probes++
	c.putHeader(now, b.una-1, ACK, false)
	return c.emit(0, 0)
}
