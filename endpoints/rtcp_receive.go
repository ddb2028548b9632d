package endpoints

import (
	"bytes"
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
	count, compound, ok := survey(b)
	if !ok || !compound && !c.config.RTCP.ReducedSize {
		// Not compound (RFC 3550 §6.1), and nobody agreed to RFC 5506.
		c.counts.Malformed++
		return
	}
	c.counts.RTCPReceived++
	c.timing.CountPacket(size, count)
	for len(b) > 0 {
		n := packetLength(b)
		if err := c.handleMessage(now, b[:n]); err != nil {
			c.counts.Malformed++
			return
		}
		b = b[n:]
	}
}

// packetLength returns how long the first RTCP packet of a compound one says
// it is.
func packetLength(b []byte) int { return 4 + 4*int(binary.BigEndian.Uint16(b[2:])) }

// survey checks that the packets of a compound one fit into it, counts the
// different SSRCs whose SR or RR it holds, and reports whether it starts with
// one of these.
func survey(b []byte) (reporters int, compound, ok bool) {
	var buf [8]uint32
	seen := buf[:0]
	for first := true; len(b) > 0; first = false {
		if len(b) < 4 || b[0]>>6 != 2 || packetLength(b) > len(b) {
			return 0, false, false
		}
		n := packetLength(b)
		if t := rtcp.PacketType(b[1]); t == rtcp.TypeSenderReport || t == rtcp.TypeReceiverReport {
			if n < 8 {
				return 0, false, false
			}
			compound = compound || first
			if ssrc := binary.BigEndian.Uint32(b[4:]); !slices.Contains(seen, ssrc) {
				seen = append(seen, ssrc)
			}
		}
		b = b[n:]
		ok = true
	}
	return len(seen), compound, ok
}

// inbox holds the messages that come all the time, so that reading them reuses
// their memory.
type inbox struct {
	sr   rtcp.SenderReport
	rr   rtcp.ReceiverReport
	sdes rtcp.SourceDescription
	// sdesBytes is what sdes was read from: descriptions hardly ever change.
	sdesBytes []byte
}

// handleMessage takes one RTCP packet. An error means that it is malformed.
func (c *Connection) handleMessage(now simtime.Time, b []byte) error {
	in := &c.inbox
	switch rtcp.PacketType(b[1]) {
	case rtcp.TypeSenderReport:
		in.sr = rtcp.SenderReport{Reports: in.sr.Reports[:0]}
		if err := in.sr.Unmarshal(b); err != nil {
			return err
		}
		c.timing.HeardRTCP(now, in.sr.SSRC)
		if src := c.sourceOf(in.sr.SSRC); src != nil {
			src.lastSR = simtime.NTP(in.sr.NTPTime).Middle()
			src.lastSRAt = c.endpoint.wallClock(now)
		}
		c.handleReports(now, in.sr.Reports)
	case rtcp.TypeReceiverReport:
		in.rr = rtcp.ReceiverReport{Reports: in.rr.Reports[:0]}
		if err := in.rr.Unmarshal(b); err != nil {
			return err
		}
		c.timing.HeardRTCP(now, in.rr.SSRC)
		c.handleReports(now, in.rr.Reports)
	case rtcp.TypeSourceDescription:
		if !bytes.Equal(b, in.sdesBytes) {
			in.sdes, in.sdesBytes = rtcp.SourceDescription{}, append(in.sdesBytes[:0], b...)
			if err := in.sdes.Unmarshal(b); err != nil {
				in.sdesBytes = in.sdesBytes[:0]
				return err
			}
		}
		for i := range in.sdes.Chunks {
			c.handleChunk(now, &in.sdes.Chunks[i])
		}
	default:
		return c.handleOther(now, b)
	}
	return nil
}

// handleOther takes the messages that aren't in every packet.
func (c *Connection) handleOther(now simtime.Time, b []byte) error {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return err
	}
	switch m := packets[0].(type) {
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
	return nil
}

func (c *Connection) handleFeedback(now simtime.Time, r *ccontrol.Report) {
	c.noteArrivals(r)
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
	c.lastReport = now
	defer c.testMarkings(now)
	clock := simtime.ToNTP(c.endpoint.wallClock(now)).Middle()
	for i := range blocks {
		b := &blocks[i]
		s := c.ours(b.SSRC)
		if s == nil {
			continue
		}
		s.reached = true // or there would be no block about it
		if b.LastSenderReport == 0 {
			continue
		}
		rtt := simtime.MiddleToTime(int32(clock - b.Delay - b.LastSenderReport)).Duration()
		c.rtt = max(rtt, time.Microsecond)
		c.event(Event{Kind: RTTMeasured, At: now, Delay: c.rtt})
	}
}

// testMarkings gives up markings of streams of which a report says nothing.
func (c *Connection) testMarkings(now simtime.Time) {
	for _, s := range c.sections {
		c.testMarking(now, s, true)
	}
}

// ours returns the section of this end with an SSRC, or nil.
func (c *Connection) ours(ssrc uint32) *Section {
	for _, s := range c.sections {
		if s.SSRC == ssrc {
			return s
		}
	}
	return nil
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
// (RFC 3550 §6.4.1); false if the packet's lengths don't fit together, or one
// that isn't the last has padding (§A.2).
//
// Transport-wide CC has the same bit for one to three octets that fill up its
// own last word, in whichever place it stands. Those are left to its parser.
func stripPadding(b []byte) ([]byte, bool) {
	last := 0
	for at := 0; at < len(b); {
		if len(b)-at < 4 || packetLength(b[at:]) > len(b)-at {
			return nil, false
		}
		end := at + packetLength(b[at:])
		if end < len(b) && b[at]&0x20 != 0 && !isTransportWide(b[at:]) {
			return nil, false
		}
		last, at = at, end
	}
	if len(b) == 0 || b[last]&0x20 == 0 {
		return b, true
	}
	n := int(b[len(b)-1])
	switch {
	case n > 0 && n < 4 && isTransportWide(b[last:]):
		return b, true
	case n == 0 || n%4 != 0 || n > len(b)-last-4:
		return nil, false
	}
	b[last] &^= 0x20
	binary.BigEndian.PutUint16(b[last+2:], uint16((len(b)-last-n)/4-1))
	return b[:len(b)-n], true
}

// isTransportWide reports whether an RTCP packet is transport-wide CC's.
func isTransportWide(b []byte) bool {
	return rtcp.PacketType(b[1]) == rtcp.TypeTransportSpecificFeedback && b[0]&0x1f == rtcp.FormatTCC
}
