package tcp

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// content is what a connection carries if anybody cares: octets that have been written and aren't acknowledged, and octets
// that have come and aren't read. Without any, bodies are zeros that nobody keeps.
type content struct {
	on   bool
	out  []byte // from the position outAt
	in   []byte // from the position inAt; there may be gaps behind the receiver's next
	body []byte // of the segment at hand
	// Positions are those of the sequence space: the first octet has 1.
	outAt, inAt seq
}

// WriteContent queues octets for sending, like [Conn.Write], which segments then carry. All that is written to a
// connection has content, or nothing has. The connection keeps a copy until it is acknowledged.
func (c *Conn) WriteContent(b []byte) {
	if c.finQueued {
		return
	}
	if !c.content.on {
		c.content.on, c.content.outAt = true, c.writeEnd
	}
	c.content.out = append(c.content.out, b...)
	c.Write(units.Bytes(len(b)))
}

// ReadContent returns the octets that have come in order since it was called last; nil if there are none. They are
// valid until the next call of HandlePacket.
func (c *Conn) ReadContent() []byte {
	t := &c.content
	n := min(c.receiver.octets()+1-int64(t.inAt), int64(len(t.in)))
	if n <= 0 {
		return nil
	}
	b := t.in[:n:n]
	t.in, t.inAt = t.in[n:], t.inAt+seq(n)
	return b
}

// put makes a segment's body of content.
func (t *content) put(p *packet.Packet, header int, at seq, body units.Bytes) {
	copy(p.Payload[header:], t.out[at-t.outAt:][:body])
}

// acknowledged forgets what the other end has.
func (t *content) acknowledged(una seq) {
	if n := min(int64(una-t.outAt), int64(len(t.out))); t.on && n > 0 {
		t.out, t.outAt = t.out[n:], t.outAt+seq(n)
	}
}

// take keeps the body of a segment that begins at a position.
func (t *content) take(at seq) {
	body := t.body
	if t.inAt == 0 {
		t.inAt = 1
	}
	if at < t.inAt { // what has been read already
		skip := min(int64(t.inAt-at), int64(len(body)))
		at, body = at+seq(skip), body[skip:]
	}
	end := int(at-t.inAt) + len(body)
	if len(body) == 0 {
		return
	}
	if end > len(t.in) {
		t.in = append(t.in, make([]byte, end-len(t.in))...)
	}
	copy(t.in[at-t.inAt:], body)
}
