package endpoints

import (
	"encoding/binary"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// pump lets go what the pacer releases, and sends the BYE of streams that have
// stopped and drained.
func (c *Connection) pump(now simtime.Time) {
	for p := c.pacer.Pop(now); p != nil; p = c.pacer.Pop(now) {
		c.release(now, p)
	}
	for _, s := range c.sections {
		if s.stopped && s.queued == 0 && s.local != nil && c.mayLeave(s) {
			c.sendBye(now, s)
		}
	}
}

// mayLeave reports whether a section's SSRC isn't needed any more. The last one
// of an end stays for as long as there is somebody to report on
// (RFC 8108 §6.2).
func (c *Connection) mayLeave(s *Section) bool {
	for _, o := range c.sections {
		if o != s && o.local != nil {
			return true
		}
	}
	for _, src := range c.sources {
		if !src.ended {
			return false
		}
	}
	return true
}

// release stamps, protects and sends a media packet.
func (c *Connection) release(now simtime.Time, p *packet.Packet) {
	s := c.sections[p.Hop]
	s.queued--
	seq := binary.BigEndian.Uint16(p.Payload[2:])
	tseq := c.history.Sent(now, s.SSRC, seq, p.Size)
	if c.config.Feedback == FeedbackTWCC {
		binary.BigEndian.PutUint16(p.Payload[rtpHeader+5:], uint16(tseq))
	}
	head := rtpHeader + c.extension()
	s.packets++
	s.octets += uint32(len(p.Payload) - head)
	s.extSeq = extend(s.extSeq, seq, s.packets == 1)
	for i := range s.reported {
		s.reported[i] = true
	}
	b, err := c.protector.RTP(&c.header, p.Payload)
	if err != nil {
		panic("endpoints: protecting a packet of our own failed: " + err.Error())
	}
	p.Payload = b
	c.testMarking(now, s, false)
	p.DSCP, p.ECN = s.dscp, c.config.ECN
	c.counts.RTPSent++
	c.timing.SentRTP(now, s.local)
	c.out.Push(p)
	if cc := c.config.Controller; cc != nil {
		cc.OnSent(now, ccontrol.Sent{Seq: tseq, Size: p.Size, Backlog: c.pacer.Backlog()})
	}
}

// extend returns the extended sequence number of a packet that follows last
// (RFC 3550 §A.1).
func extend(last uint32, seq uint16, first bool) uint32 {
	if first {
		return uint32(seq)
	}
	return last + uint32(int32(int16(seq-uint16(last))))
}
