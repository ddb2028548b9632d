package dtls

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// handleRecord takes a record that came. What can't be right is dropped without
// a word (RFC 6347 §4.1.2.7).
func (c *Conn) handleRecord(now simtime.Time, r record, from packet.Addr) {
	switch {
	case c.state == Failed || c.state == Closed:
	case r.epoch == 0 && c.recent.seen(r.seq):
		c.stats.Duplicates++
	case r.epoch == 0:
		c.handleContent(now, r, r.body, from)
	case r.epoch > 1:
		c.stats.BadRecords++
	case !c.readable():
		if !c.early.hold(r) {
			c.stats.BadRecords++
		}
	default:
		c.handleProtected(now, r, from)
	}
	for c.readable() && len(c.early) > 0 {
		held := c.early
		c.early = nil
		for _, r := range held {
			c.handleRecord(now, r, from)
		}
	}
}

// readable reports whether records of epoch 1 can be read: the keys are there,
// and so is the ChangeCipherSpec.
func (c *Conn) readable() bool { return c.shake.receive != nil && c.shake.changed }

func (c *Conn) handleProtected(now simtime.Time, r record, from packet.Addr) {
	if !c.window.fresh(r.seq) {
		c.stats.Duplicates++
		return
	}
	body, ok := c.shake.receive.open(&r)
	if !ok {
		c.stats.BadRecords++
		return
	}
	c.window.saw(r.seq)
	c.handleContent(now, r, body, from)
}

// handleContent takes what a record has, in the clear.
func (c *Conn) handleContent(now simtime.Time, r record, body []byte, from packet.Addr) {
	switch {
	case r.typ == handshakeRecord:
		c.handleHandshake(now, r, body, from)
	case r.typ == alertRecord:
		c.handleAlert(r.epoch, body)
	case r.typ == ackRecord && r.epoch > 0:
		c.handleACK(now, body)
	case r.typ == changeCipherSpec && r.epoch == 0 && len(body) == 1 && body[0] == 1:
		c.stats.Records++
		c.shake.changed = true
	default:
		c.stats.BadRecords++
	}
}

// handleHandshake takes a record of handshake messages, mostly one.
func (c *Conn) handleHandshake(now simtime.Time, r record, body []byte, from packet.Addr) {
	repeated := false
	for len(body) > 0 {
		f, rest, ok := parseFragment(body)
		// Only Finished and what comes after it is protected, and it always is.
		if !ok || (f.typ == finished || f.typ == ektKey) != (r.epoch > 0) {
			c.stats.BadRecords++
			return
		}
		body = rest
		switch c.messages.add(f) {
		case taken:
			c.stats.FragmentsTaken++
		case known:
			c.stats.Duplicates++
		case bad:
			c.stats.BadRecords++
			return
		case stale:
			c.stats.Duplicates++
			if f.typ == ektKey { // the acknowledgment was lost
				c.acknowledge(r)
			}
			// The end of the flight that ours answers. A HelloVerifyRequest answers
			// our hello rather than a timer (RFC 6347 §4.2.1), so that its cookie may
			// have been spoilt on the way: once, or else both would go on for ever.
			again := f.typ != helloVerifyRequest || c.send.again == 0
			repeated = repeated || f.ends() && f.seq+1 == c.send.answers && again
		}
	}
	c.stats.Records++
	if repeated {
		c.helloNumber(r)
		c.repeated(now)
	}
	for c.state == Waiting {
		m, ok := c.messages.take()
		if !ok {
			return
		}
		c.handleMessage(now, m, r, from)
	}
	for c.state == Finished && c.shake.ekt {
		m, ok := c.messages.take()
		if !ok {
			return
		}
		c.takeKey(m, r)
	}
}

// handleMessage takes a whole message, each in its turn.
func (c *Conn) handleMessage(now simtime.Time, m message, r record, from packet.Addr) {
	step, ok := c.shake.expects(m.typ)
	if !ok {
		c.fail(UnexpectedMessage, unexpected{m.typ})
		return
	}
	step(c, now, m, r, from)
}
