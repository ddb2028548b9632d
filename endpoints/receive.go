package endpoints

import (
	"encoding/binary"
	"strings"

	"github.com/pion/rtp"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// handlePacket demultiplexes by the first octets (RFC 7983 §7, RFC 5761 §4).
// The packet stays the caller's.
func (c *Connection) handlePacket(now simtime.Time, p *packet.Packet) {
	b := p.Payload
	if len(b) < 2 || b[0] < 128 || b[0] > 191 {
		c.config.Keying.HandlePacket(now, p)
		if !c.entered {
			_ = c.enter(now)
		}
		return
	}
	switch {
	case !c.entered:
		c.counts.Early++
	case b[1] >= 192 && b[1] <= 223:
		c.handleRTCP(now, p)
	default:
		c.handleRTP(now, p)
	}
	c.pump(now)
	c.runRTCP(now)
}

func (c *Connection) handleRTP(now simtime.Time, p *packet.Packet) {
	h := &c.header
	n, err := h.Unmarshal(p.Payload)
	if err != nil {
		c.counts.Malformed++
		return
	}
	b, err := c.protector.OpenRTP(h, p.Payload)
	if err != nil {
		c.countRejected(err)
		return
	}
	s := c.sectionOf(h.PayloadType)
	if s == nil || len(b) < n {
		c.counts.Malformed++
		return
	}
	m, ok := parseMedia(s.config.Kind, b[n:])
	if !ok {
		c.counts.Malformed++
		return
	}
	c.counts.RTPReceived++
	src := c.sourceOf(h.SSRC)
	if src == nil {
		src = newSource(c, s, h)
		c.sources = append(c.sources, src)
	}
	if !src.ended { // stragglers after a BYE don't bring the member back
		c.timing.HeardRTP(now, h.SSRC)
	}
	c.recordArrival(now, p, h)
	src.dscp = p.DSCP
	if ext, fresh := src.receive(now, h); fresh {
		src.insert(now, ext, h, m, len(b)-n-s.descriptor())
	}
}

// sectionOf associates a stream with a media section by its payload type,
// which is unique in the connection (RFC 9143 §9.2).
func (c *Connection) sectionOf(pt uint8) *Section {
	for _, s := range c.sections {
		if s.config.PayloadType == pt {
			return s
		}
	}
	return nil
}

func (c *Connection) sourceOf(ssrc uint32) *source {
	for _, s := range c.sources {
		if s.ssrc == ssrc {
			return s
		}
	}
	return nil
}

// recordArrival notes the packet for congestion control feedback.
func (c *Connection) recordArrival(now simtime.Time, p *packet.Packet, h *rtp.Header) {
	clock := c.endpoint.wallClock(now)
	switch c.config.Feedback {
	case FeedbackRFC8888:
		c.ccfb.Record(clock, h.SSRC, h.SequenceNumber, p.ECN)
	case FeedbackTWCC:
		ext := h.GetExtension(twccExtensionID)
		if len(ext) < 2 {
			return
		}
		c.twcc.Record(clock, h.SSRC, binary.BigEndian.Uint16(ext))
	case FeedbackNone:
		return
	}
	c.due.arrived(now)
}

// countRejected counts a packet that SRTP refused. The library has no exported
// error for replays, only its text.
func (c *Connection) countRejected(err error) {
	if strings.Contains(err.Error(), "duplicate") {
		c.counts.Replayed++
		return
	}
	c.counts.AuthFailed++
}
