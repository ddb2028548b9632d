package tcp

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// syn makes a SYN, or a SYN and ACK.
func (c *Conn) syn(now simtime.Time) *packet.Packet {
	c.synPending = false
	c.synSentAt = now
	c.putSyn(&c.header)
	if c.rtoAt == simtime.Never {
		c.armRTO(now)
	}
	return c.emit(0, 0)
}

// bare makes a segment without data.
func (c *Conn) bare(now simtime.Time, f Flags) *packet.Packet {
	c.putHeader(now, c.board.nxt, f, false)
	return c.emit(0, 0)
}

// putHeader fills in the header of anything but a SYN. It carries the
// acknowledgment of all that has come.
func (c *Conn) putHeader(now simtime.Time, at seq, f Flags, fresh bool) {
	h, r := &c.header, &c.receiver
	*h = Header{
		Seq: wireSeq(c.config.ISS, at), Ack: wireSeq(r.initial, r.next),
		Flags: f | c.ecn.flags(fresh), WindowScale: -1,
	}
	h.Window = c.windowField()
	if c.timestamps {
		h.Timestamps, h.TSVal, h.TSEcr = true, timestamp(now), r.tsRecent
	}
	if c.sack {
		limit := 4 // of 40 octets of options
		if c.timestamps {
			limit = 3
		}
		r.sackBlocks(h, limit)
	}
	c.ackPending, c.delackAt = false, simtime.Never
	r.acked, r.waiting = r.next, 0
}

// emit makes a packet of the header and a body, which is content from a position, or zeros.
func (c *Conn) emit(body units.Bytes, at seq) *packet.Packet {
	p := c.pool.New()
	h := &c.header
	if c.content.on && body > 0 {
		p.SetSegment(h.Len()+int(body), 0)
		c.content.put(p, h.Len(), at, body)
	} else {
		p.SetSegment(h.Len(), body)
	}
	h.Put(p.Payload[:h.Len()], c.config.Local.Port, c.config.Remote.Port)
	p.Src, p.Dst, p.DSCP = c.config.Local, c.config.Remote, c.config.DSCP
	sum := Checksum(p)
	p.Payload[16], p.Payload[17] = byte(sum>>8), byte(sum)
	c.stats.SegmentsSent++
	return p
}
