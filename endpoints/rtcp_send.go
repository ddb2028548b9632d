package endpoints

import (
	"encoding/binary"
	"slices"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// mtu bounds what is put into one RTCP packet before protection, so that the
// packet fits a path of 1280 octets.
const mtu = 1200

// runRTCP sends the RTCP that is due.
func (c *Connection) runRTCP(now simtime.Time) {
	if c.due.elapsed(now) {
		c.timing.WantFeedback(now)
	}
	if c.timing.NextTimeout() > now {
		return
	}
	for {
		d := c.timing.Due(now, c.feedbackPending())
		for _, ssrc := range d.Gone {
			c.event(Event{Kind: ParticipantTimedOut, At: now, SSRC: ssrc})
		}
		switch d.Kind {
		case rtcptiming.Regular:
			c.sendRegular(now, d.Local)
		case rtcptiming.Early:
			c.sendFeedback(now, d.Local)
			c.timing.SentEarly(now, d.Local)
		case rtcptiming.Minimal:
			c.sendFeedback(now, d.Local)
			c.timing.SentMinimal(now, d.Local)
		case rtcptiming.None:
			if d.Gone == nil {
				return
			}
		}
	}
}

// feedbackPending reports whether a feedback message is wanted by now.
func (c *Connection) feedbackPending() bool { return c.due.wanted && c.hasFeedback() }

func (c *Connection) hasFeedback() bool {
	switch c.config.Feedback {
	case FeedbackRFC8888:
		return c.ccfb.Pending()
	case FeedbackTWCC:
		return c.twcc.Pending()
	case FeedbackNone:
	}
	return false
}

// sendRegular sends a compound packet: reports of the given SSRC and, as far
// as they fit, of the endpoint's others, then their CNAMEs, then feedback.
func (c *Connection) sendRegular(now simtime.Time, first *rtcptiming.Local) {
	w := c.newCompound()
	w.report(now, c.sectionFor(first))
	if c.config.RTCP.Aggregate {
		for _, l := range c.timing.Candidates(first) {
			if s := c.sectionFor(l); w.fits(s) {
				w.report(now, s)
			}
		}
	}
	w.describe()
	if c.hasFeedback() && c.due.near(now) {
		w.feedback(now, c.sectionFor(first))
	}
	c.sendRTCP(now, w)
	w.locals = w.locals[:0]
	for _, s := range w.reporters {
		w.locals = append(w.locals, s.local)
	}
	c.timing.SentRegular(now, w.locals)
}

// sendFeedback sends feedback by itself if both ends agreed to reduced-size
// packets (RFC 5506), otherwise in a compound packet.
func (c *Connection) sendFeedback(now simtime.Time, l *rtcptiming.Local) {
	s := c.sectionFor(l)
	w := c.newCompound()
	if !c.config.RTCP.ReducedSize {
		w.report(now, s)
		w.describe()
	}
	w.feedback(now, s)
	c.sendRTCP(now, w)
}

// sendBye leaves the session with one SSRC. One that never sent anything
// leaves silently (RFC 3550 §6.3.7).
func (c *Connection) sendBye(now simtime.Time, s *Section) {
	if l := s.local; l.HasSent() || s.packets > 0 {
		w := c.newCompound()
		w.report(now, s)
		w.describe()
		w.add(&rtcp.Goodbye{Sources: []uint32{s.SSRC}})
		c.sendRTCP(now, w)
		c.event(Event{Kind: ByeSent, At: now, Section: s})
	}
	c.timing.Leave(now, s.local)
	s.local = nil
}

func (c *Connection) sectionFor(l *rtcptiming.Local) *Section {
	for _, s := range c.sections {
		if s.local == l {
			return s
		}
	}
	panic("endpoints: RTCP timing knows an SSRC that no section has")
}

// sendRTCP protects and sends a packet.
func (c *Connection) sendRTCP(now simtime.Time, w *compound) {
	if len(w.b) == 0 {
		return
	}
	w.pad(c.config.RTCP.PadTo)
	b, err := c.protector.RTCP(w.b)
	if err != nil {
		panic("endpoints: protecting RTCP of our own failed: " + err.Error())
	}
	p := c.endpoint.config.Pool.New()
	copy(p.SetPayload(len(b)), b)
	p.Src, p.Dst = c.config.Local, c.config.Remote
	p.DSCP = c.rtcpDSCP(w)
	c.counts.RTCPSent++
	c.timing.CountPacket(p.Size, len(w.reporters))
	c.event(Event{Kind: RTCPSent, At: now, Size: p.Size})
	for _, s := range w.reporters {
		c.event(Event{Kind: ReportSent, At: now, Section: s})
	}
	c.out.Push(p)
}

// compound is an RTCP packet in the making. There is one in each connection,
// which reuses its memory.
type compound struct {
	c         *Connection
	b         []byte
	last      int // where the last RTCP packet begins
	reporters []*Section
	order     []*Section // the reporters by index
	locals    []*rtcptiming.Local
	blocks    []rtcp.ReceptionReport
	sr        rtcp.SenderReport
	rr        rtcp.ReceiverReport
	// described holds the SDES packets that were made, by who is in them.
	described []description
}

type description struct {
	sections []*Section
	b        []byte
}

func (c *Connection) newCompound() *compound {
	w := &c.compound
	w.c, w.b, w.last = c, w.b[:0], 0
	w.reporters = w.reporters[:0]
	return w
}

func (w *compound) add(p rtcp.Packet) {
	b, err := p.Marshal()
	if err != nil {
		panic("endpoints: RTCP of our own can't be marshalled: " + err.Error())
	}
	w.addBytes(b)
}

func (w *compound) addBytes(b []byte) {
	w.last = len(w.b)
	w.b = append(w.b, b...)
}

// Sizes that decide whether another report fits.
const (
	srSize, rrSize, blockSize = 28, 8, 24
	sdesChunk                 = 24 // SSRC, CNAME item of 16 octets, end
)

func (w *compound) fits(s *Section) bool {
	n := rrSize
	if w.c.timing.IsSender(s.local) {
		n = srSize
	}
	n += blockSize*s.blockCount() + (len(w.reporters)+1)*sdesChunk + 4
	return len(w.b)+n <= mtu
}

// report adds the SR or RR of a section's SSRC.
func (w *compound) report(now simtime.Time, s *Section) {
	w.reporters = append(w.reporters, s)
	w.blocks = s.appendBlocks(w.blocks[:0], now)
	if !w.c.timing.IsSender(s.local) {
		w.rr = rtcp.ReceiverReport{SSRC: s.SSRC, Reports: w.blocks}
		w.add(&w.rr)
		return
	}
	clock := w.c.endpoint.wallClock(now)
	w.sr = rtcp.SenderReport{
		SSRC: s.SSRC, NTPTime: uint64(simtime.ToNTP(clock)), RTPTime: s.rtpTime(now),
		PacketCount: s.packets, OctetCount: s.octets, Reports: w.blocks,
	}
	w.add(&w.sr)
}

// describe adds SDES with the CNAME of every reporter, in the order of the media
// sections, so that the same reporters always make the same packet.
func (w *compound) describe() {
	w.order = w.order[:0]
	for _, s := range w.c.sections {
		if slices.Contains(w.reporters, s) {
			w.order = append(w.order, s)
		}
	}
	for _, d := range w.described {
		if slices.Equal(d.sections, w.order) {
			w.addBytes(d.b)
			return
		}
	}
	d := &rtcp.SourceDescription{}
	for _, s := range w.order {
		d.Chunks = append(d.Chunks, rtcp.SourceDescriptionChunk{
			Source: s.SSRC,
			Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: w.c.cname}},
		})
	}
	w.add(d)
	if len(w.described) < maxDescriptions {
		w.described = append(w.described, description{slices.Clone(w.order), slices.Clone(w.b[w.last:])})
	}
}

// maxDescriptions bounds the memory for SDES packets; with many SSRCs nearly
// every packet has another set of reporters.
const maxDescriptions = 16

// feedback adds congestion control feedback, and asks for the next.
func (w *compound) feedback(now simtime.Time, s *Section) {
	c := w.c
	switch c.config.Feedback {
	case FeedbackRFC8888:
		if m := c.ccfb.Build(c.endpoint.wallClock(now), s.SSRC, mtu-len(w.b)); m != nil {
			w.add(m)
		}
	case FeedbackTWCC:
		for _, m := range c.twcc.Build() {
			w.add(m)
		}
	case FeedbackNone:
	}
	c.due.sent(now)
	if c.hasFeedback() { // what didn't fit
		c.due.arrived(now)
	}
}

// maxPadding is the largest multiple of four that an octet holds.
const maxPadding = 252

// pad fills the packet up with padding (RFC 3550 §6.4.1). Padding stands in
// the last RTCP packet; its length is a multiple of four that fits an octet.
func (w *compound) pad(to units.Bytes) {
	n := min(int(to)-len(w.b), maxPadding) &^ 3
	if n < 4 {
		return
	}
	length := binary.BigEndian.Uint16(w.b[w.last+2:])
	binary.BigEndian.PutUint16(w.b[w.last+2:], length+uint16(n/4))
	w.b[w.last] |= 0x20
	w.b = append(w.b, make([]byte, n-1)...)
	w.b = append(w.b, byte(n))
}
