package tcp

// Unread returns how many octets have come in order that nobody has read.
func (c *Conn) Unread() int {
	if c.content.inAt == 0 {
		return 0
	}
	return int(c.receiver.octets() + 1 - int64(c.content.inAt))
}

// Unacknowledged returns how many octets of content have been written that the other end hasn't acknowledged.
func (c *Conn) Unacknowledged() int { return len(c.content.out) }

// Read takes octets that have come in order, as many as there are and fit, and returns how many. With [Config.Backpressure] that
// opens the window, which the other end is told when it is worth a segment.
func (c *Conn) Read(b []byte) int {
	t := &c.content
	n := min(c.Unread(), len(b))
	if n <= 0 {
		return 0
	}
	copy(b, t.in[:n])
	if t.in, t.inAt = t.in[n:], t.inAt+seq(n); len(t.in) == 0 {
		t.in = nil
	}
	if c.config.Backpressure && c.state.synchronized() && !c.PeerClosed() && c.worthTelling() {
		c.ackPending = true
	}
	return n
}

// ReceiveBuffer sets how many octets may wait to be read. What the other end has been told of stays: a window doesn't shrink
// (RFC 9293 §3.8.6). Nor does it get larger than the scale allows that was agreed on.
func (c *Conn) ReceiveBuffer(size int64) {
	c.receiver.size = min(max(size, 2*int64(c.config.MSS)), 0xffff<<c.rScale)
}

// room returns the right edge that the receiver's buffer allows.
func (c *Conn) room() seq {
	return c.receiver.next + seq(c.receiver.size-int64(c.Unread()))
}

// worthTelling reports whether the window has opened so far that it is told without need: by a quarter of the buffer, or by two
// segments if little was left.
func (c *Conn) worthTelling() bool {
	r := &c.receiver
	more, left := int64(c.room()-r.edge), int64(r.edge-r.next)
	return more >= r.size/4 || left < r.size/8 && more >= min(2*c.board.smss, r.size/2)
}

// windowField returns what tells the other end how much it may send. With backpressure its right edge never moves to the
// left, and to the right by a segment or half of the buffer at least (RFC 9293 §3.8.6.2.2).
func (c *Conn) windowField() uint16 {
	r := &c.receiver
	if !c.config.Backpressure {
		return uint16(min(r.size>>c.rScale, 0xffff))
	}
	if edge := c.room(); int64(edge-r.edge) >= min(r.size/2, c.board.smss) {
		r.edge = edge
	}
	unit := int64(1) << c.rScale
	return uint16(min((max(int64(r.edge-r.next), 0)+unit-1)/unit, 0xffff)) // rounded up, so that the edge doesn't move back
}

// limit returns where the receive window ends.
func (c *Conn) limit() seq {
	r := &c.receiver
	if !c.config.Backpressure {
		return r.next + seq(r.size)
	}
	return r.edge + 1<<c.rScale - 1
}
