package endpoints

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// handleRTCP takes an RTCP packet off the wire.
func (c *Connection) handleRTCP(now simtime.Time, p *packet.Packet) {
	size := p.Size
	b, err := c.protector.OpenRTCP(p.Payload)
	if err != nil {
		c.countRejected(err)
		return
	}
	b, ok := stripPadding(b)
	if !ok {
		c.counts.Malformed++
		return
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil || len(packets) == 0 {
		c.counts.Malformed++
		return
	}
	if !startsWithReport(packets) && !c.config.RTCP.ReducedSize {
		c.counts.Malformed++ // not compound (RFC 3550 §6.1), and nobody agreed to RFC 5506
		return
	}
	c.counts.RTCPReceived++
	c.timing.CountPacket(size, reporters(packets))
	for _, m := range packets {
		c.handleMessage(now, m)
	}
}

func startsWithReport(packets []rtcp.Packet) bool {
	switch packets[0].(type) {
	case *rtcp.SenderReport, *rtcp.ReceiverReport:
		return true
	}
	return false
}

// reporters counts the different SSRCs whose SR or RR the packet holds.
func reporters(packets []rtcp.Packet) int {
	var buf [8]uint32
	seen := buf[:0]
	for _, m := range packets {
		var ssrc uint32
		switch m := m.(type) {
		case *rtcp.SenderReport:
			ssrc = m.SSRC
		case *rtcp.ReceiverReport:
			ssrc = m.SSRC
		default:
			continue
		}
		if !slices.Contains(seen, ssrc) {
			seen = append(seen, ssrc)
		}
	}
	return len(seen)
}

func (c *Connection) handleMessage(now simtime.Time, m rtcp.Packet) {
	switch m := m.(type) {
	case *rtcp.SenderReport:
		c.timing.HeardRTCP(now, m.SSRC)
		if src := c.sourceOf(m.SSRC); src != nil {
			src.lastSR = simtime.NTP(m.NTPTime).Middle()
			src.lastSRAt = c.endpoint.wallClock(now)
		}
		c.handleReports(now, m.Reports)
	case *rtcp.ReceiverReport:
		c.timing.HeardRTCP(now, m.SSRC)
		c.handleReports(now, m.Reports)
	case *rtcp.SourceDescription:
		for i := range m.Chunks {
			c.handleChunk(now, &m.Chunks[i])
		}
	case *rtcp.Goodbye:
		for _, ssrc := range m.Sources {
			c.handleBye(now, ssrc)
		}
	case *rtcp.CCFeedbackReport:
		c.timing.HeardRTCP(now, m.SenderSSRC)
		c.handleFeedback(now, c.history.OnCCFB(now, m))
	case *rtcp.TransportLayerCC:
		c.timing.HeardRTCP(now, m.SenderSSRC)
		c.handleFeedback(now, c.history.OnTWCC(now, m))
	default:
		c.counts.UnknownRTCP++
	}
}

func (c *Connection) handleFeedback(now simtime.Time, r *ccontrol.Report) {
	cc := c.config.Controller
	if cc == nil {
		return
	}
	r.Backlog = c.pacer.Backlog()
	cc.OnFeedback(now, r)
	c.applyTarget(now)
}

// handleReports takes the round-trip time from the blocks about our SSRCs
// (RFC 3550 §6.4.1).
func (c *Connection) handleReports(now simtime.Time, blocks []rtcp.ReceptionReport) {
	clock := simtime.ToNTP(c.endpoint.wallClock(now)).Middle()
	for i := range blocks {
		b := &blocks[i]
		if b.LastSenderReport == 0 || !c.isOurs(b.SSRC) {
			continue
		}
		rtt := simtime.MiddleToTime(int32(clock - b.Delay - b.LastSenderReport)).Duration()
		c.rtt = max(rtt, time.Microsecond)
		c.event(Event{Kind: RTTMeasured, At: now, Delay: c.rtt})
	}
}

func (c *Connection) isOurs(ssrc uint32) bool {
	for _, s := range c.sections {
		if s.SSRC == ssrc {
			return true
		}
	}
	return false
}

// handleChunk learns CNAMEs. More than one makes the session a group
// (RFC 8108 §5.4.2).
func (c *Connection) handleChunk(now simtime.Time, chunk *rtcp.SourceDescriptionChunk) {
	c.timing.HeardRTCP(now, chunk.Source)
	for _, item := range chunk.Items {
		if item.Type == rtcp.SDESCNAME && !slices.Contains(c.peers, item.Text) {
			c.peers = append(c.peers, item.Text)
			c.timing.SetMultiparty(len(c.peers) > 1)
		}
	}
}

func (c *Connection) handleBye(now simtime.Time, ssrc uint32) {
	c.timing.HeardBye(now, ssrc)
	e := Event{Kind: ByeReceived, At: now, SSRC: ssrc}
	if src := c.sourceOf(ssrc); src != nil {
		src.ended = true
		e.Section = src.section
	}
	c.event(e)
}

// stripPadding removes the padding of the last packet of a compound one
// (RFC 3550 §6.4.1); false if the packet's lengths don't fit together.
func stripPadding(b []byte) ([]byte, bool) {
	for at := 0; at+4 <= len(b); {
		end := at + 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
		if end > len(b) {
			return nil, false
		}
		if b[at]&0x20 == 0 {
			at = end
			continue
		}
		n := int(b[end-1])
		if end != len(b) || n == 0 || n%4 != 0 || n > end-at-4 {
			return nil, false
		}
		b[at] &^= 0x20
		binary.BigEndian.PutUint16(b[at+2:], uint16((end-at-n)/4-1))
		return b[:end-n], true
	}
	return b, true
}
