package endpoints

import (
	"errors"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/ssrctable"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// owns reports whether a packet came by the session's flows.
func (s *Session) owns(p *packet.Packet) bool {
	c, from := &s.config, p.Src
	if s.router != nil {
		return s.router.Concerns(p)
	}
	from.Port -= c.RemoteOffset
	if c.Local == p.Dst && c.Remote == from || !s.muxed() && c.RTCPLocal == p.Dst && c.RTCPRemote == from {
		return true
	}
	for _, other := range c.Others {
		if c.Local == p.Dst && other == from || !s.muxed() && c.RTCPLocal == p.Dst && beside(other) == from {
			return true
		}
	}
	return false
}

// beside returns the address of RTCP on a port of its own (RFC 3550 §11).
func beside(rtp packet.Addr) packet.Addr { return packet.Addr{IP: rtp.IP, Port: rtp.Port + 1} }

// repeat sends a packet to all others of a joint session, too.
func (s *Session) repeat(p *packet.Packet) {
	if p.Copied {
		return
	}
	for _, other := range s.config.Others {
		c := s.endpoint.config.Pool.Copy(p)
		c.Dst, c.Copied, c.Flow = other, true, 0 // observers measure the first one
		if p.Dst != s.config.Remote {
			c.Dst = beside(other)
		}
		s.out.Push(c)
	}
}

// rtcpFlow returns where RTCP is sent from and to.
func (s *Session) rtcpFlow() (src, dst packet.Addr) {
	if s.muxed() {
		return s.config.Local, s.config.Remote
	}
	return s.config.RTCPLocal, s.config.RTCPRemote
}

// muxed reports whether RTP and RTCP share a flow.
func (s *Session) muxed() bool { return s.config.RTCPLocal.Port == 0 }

// handlePacket demultiplexes by the first octets (RFC 7983 §7, RFC 5761 §4).
// The packet stays the caller's.
func (s *Session) handlePacket(now simtime.Time, p *packet.Packet) {
	switch {
	case s.refused:
		s.counts.Refused++
		return
	case s.gone(), s.router != nil && !s.take(now, p):
		return
	}
	switch b := p.Payload; {
	case len(b) >= 2 && b[0] >= 20 && b[0] <= 63:
		s.stir()
		s.keyingOf(p).HandlePacket(now, p)
		s.advanceKeying(now)
		return
	case len(b) >= 2 && b[0] <= 3:
		if c, ok := s.keyingOf(p).(keying.Checker); ok {
			s.stir()
			c.HandleCheck(now, p)
			s.pollKeying(now)
		}
		return
	case len(b) < 2 || b[0] < 128 || b[0] > 191:
		return // nothing that is known
	}
	isRTCP := packet.IsRTCP(p.Payload)
	if s.heardFrom == 0 {
		s.heardFrom, s.heardAt = now, now
	}
	s.silence, s.heardAt = now.Sub(s.heardAt), now
	switch {
	case !s.entered || s.moved || isRTCP && s.control == nil:
		s.counts.Early++
	case isRTCP:
		s.handleRTCP(now, p)
	default:
		s.handleRTP(now, p)
		s.carrierRestores = false
	}
	if !s.usual {
		s.takeIntercepted(now)
		s.wantOwn(now)
	}
	s.pump(now)
	s.runRTCP(now)
}

func (s *Session) handleRTP(now simtime.Time, p *packet.Packet) {
	h := &s.scratch.came
	n, err := h.Unmarshal(p.Payload)
	if err != nil {
		s.counts.Malformed++
		return
	}
	b, err := s.protector.OpenRTP(h, p.Payload)
	if err != nil {
		s.countRejected(err)
		return
	}
	if !s.usual && s.config.Interceptor != nil {
		if b = s.config.Interceptor.ReceiveRTP(b); b == nil {
			return
		}
		if n, err = h.Unmarshal(b); err != nil {
			s.counts.Malformed++
			return
		}
	}
	if len(b) < n {
		s.counts.Malformed++
		return
	}
	src := s.sourceOf(h.SSRC)
	if src == nil && !s.admit(now, ssrctable.Data, h.SSRC, p.Src, "") {
		return
	}
	s.counts.RTPReceived++
	s.extensions.Read(b[:n], &s.scratch.elements)
	if !s.usual {
		s.readOwn(now, b)
	}
	for _, csrc := range s.contributors(h) {
		if s.admit(now, ssrctable.Data, csrc, p.Src, "") {
			s.timing.HeardCSRC(now, csrc)
		}
	}
	whole := b
	if h.Padding { // RFC 3550 §5.1
		pad := int(b[len(b)-1])
		if pad == 0 || pad > len(b)-n {
			s.counts.Malformed++
			return
		}
		b = b[:len(b)-pad]
	}
	m := s.associate(h, src, src == nil || src.newer(h.SequenceNumber))
	if src == nil {
		src = newSource(s, m, h)
		s.heard.Add(h.SSRC)
		s.sources = append(s.sources, src)
		s.stir()
		s.takesPart(h.SSRC)
	}
	if !src.ended { // stragglers after a BYE don't bring the member back
		s.timing.HeardRTP(now, h.SSRC, &src.member)
	}
	s.recordArrival(now, p, h, src)
	src.dscp = p.DSCP
	src.record(now, m, h)
	ext, fresh := src.receive(now, m, h)
	s.noteRestored(now, src, m, fresh)
	if !s.usual {
		s.countMark(now, src, p.ECN, fresh)
	}
	kind := m.useOf(h.PayloadType)
	src.note(m, kind)
	if src.stir(); kind != original {
		s.stir()
	}
	m.noteContributors(now, h)
	switch {
	case m == nil:
		s.counts.Unassociated++
	case !fresh && kind != redundant:
	case h.Padding && len(b) == n: // nothing but padding, as of probes
		src.passed(now, m, ext, false)
	case kind == retransmission:
		s.handleRetransmission(now, src, m, b)
	case kind == forwardRepair:
		s.handleRepair(now, src, m, whole)
	case kind == original || kind == redundant:
		m.observe(now, p.Size, len(b)-n)
		switch {
		case !s.decodes(now, src, m):
			s.counts.Undecoded++
		case kind == redundant:
			s.handleRedundant(now, src, m, h, ext, b, fresh)
		default:
			s.handlePayload(now, src, m, h, ext, b[n:], false)
			s.heardSource(now, m, whole)
		}
	}
}

// idle is for how long nothing comes of a stream until another one of its kind may have its
// decoder, if these are few. What stands for silence comes every 400 ms (RFC 6716 §2.1.9).
func idle(k Kind) time.Duration {
	if k == Audio {
		return time.Second
	}
	return 300 * time.Millisecond
}

// decodes reports whether a source of media is within the limit on them: that it is
// decoded already, or that there is room, or a decoder that has nothing to do. What comes with
// its packets otherwise counts for reports and feedback only.
func (s *Session) decodes(now simtime.Time, src *source, m *Section) bool {
	if m.deaf {
		return false
	}
	if s.selection != nil && m.config.Kind == Audio && !s.selects(now, src) {
		return false
	}
	if s.config.MaxSSRC == 0 {
		return true
	}
	defer func() { src.mediaAt = now }()
	if src.plays() {
		return true
	}
	n, patience := 0, idle(m.config.Kind)
	var idlest *source
	for _, o := range s.sources {
		if !o.plays() || o.ended {
			continue
		}
		n++
		if o.section.config.Kind == m.config.Kind && now.Sub(o.mediaAt) >= patience && (idlest == nil || o.mediaAt < idlest.mediaAt) {
			idlest = o
		}
	}
	// When nothing has come of anybody nobody has stopped: others would be heard again by now.
	waits := src.excess && now.Sub(src.mediaAt) < patience
	switch {
	case n < s.config.MaxSSRC:
	case idlest == nil || !waits || now.Sub(src.exceedsSince) < patience/2:
		s.exceed(now, src, m, waits)
		return false
	default:
		s.event(Event{Kind: DecoderSwitched, At: now, Section: m, SSRC: src.ssrc, Previous: idlest.ssrc, Delay: now.Sub(src.exceedsSince)})
		idlest.leaveSelection()
		idlest.part()
	}
	src.excess = false
	return true
}

// exceed notes that a source isn't decoded, since now if it hasn't waited before, and says so when
// it is news.
func (s *Session) exceed(now simtime.Time, src *source, m *Section, waits bool) {
	if !waits {
		src.exceedsSince = now
	}
	if !src.excess {
		src.excess = true
		s.event(Event{Kind: StreamNotDecoded, At: now, Section: m, SSRC: src.ssrc})
	}
}

// contributors returns the CSRCs of a packet. Those of a repair packet are the
// streams that it protects (RFC 8627 §4.2.1), which contribute nothing.
func (s *Session) contributors(h *rtp.Header) []uint32 {
	if len(h.CSRC) == 0 {
		return nil
	}
	for _, m := range s.sections {
		if f, u := m.format(h.PayloadType); f != nil && u == forwardRepair {
			return nil
		}
	}
	return h.CSRC
}

// handlePayload takes the payload of a packet that belongs to a section.
func (s *Session) handlePayload(now simtime.Time, src *source, m *Section, h *rtp.Header, ext uint64, b []byte, repaired bool) {
	f, _ := m.format(h.PayloadType)
	if f.Codec == CodecEvents && m.config.Transit == nil {
		s.handleDigit(now, src, m, f, h, ext, b)
		return
	}
	content, ok := parseMedia(f, b)
	if !ok {
		s.counts.Malformed++
		return
	}
	if m.marksPictures() && !content.readMarks(b, content.marksAt()) {
		s.counts.Malformed++
		return
	}
	src.join(now, m)
	if src.missing != nil {
		s.restorer.OnMedia(src.ssrc, m.outer(h.PayloadType))
	}
	src.insert(now, f, ext, h, content, b, repaired)
	if m.wish != nil {
		m.updateWish(now)
	}
}

func (s *Session) sourceOf(ssrc uint32) *source {
	if i := s.heard.Find(ssrc); i >= 0 {
		return s.sources[i]
	}
	return nil
}

// records is what a session notes of packets that come, for feedback.
type records uint8

const (
	recordsNothing records = iota
	recordsCCFB
	recordsTWCC
)

func recordsOf(c *SessionConfig) records {
	switch {
	case c.Without.Feedback:
		return recordsNothing
	case c.Feedback == FeedbackRFC8888:
		return recordsCCFB
	case c.Feedback == FeedbackTWCC:
		return recordsTWCC
	}
	return recordsNothing
}

// recordArrival notes the packet for congestion control feedback.
func (s *Session) recordArrival(now simtime.Time, p *packet.Packet, h *rtp.Header, src *source) {
	if !s.usual {
		s.recordForEstimate(now, p, h)
	}
	switch s.records {
	case recordsNothing:
		return
	case recordsCCFB:
		s.ccfb.Record(s.endpoint.wallClock(now), h.SSRC, h.SequenceNumber, p.ECN, &src.noted)
	case recordsTWCC:
		seq, ok := headerext.ReadTransportSeq(s.scratch.elements.Data(headerext.TransportSeq))
		if !ok {
			return
		}
		s.twcc.Record(s.endpoint.wallClock(now), h.SSRC, seq)
	}
	rtt := time.Duration(0)
	if s.due.pace == PaceRTT {
		rtt = s.rttTo(h.SSRC)
	}
	s.due.arrived(now, h.Marker, rtt)
}

// countRejected counts a packet that SRTP refused.
func (s *Session) countRejected(err error) {
	if errors.Is(err, protect.ErrReplayed) {
		s.counts.Replayed++
		return
	}
	s.counts.AuthFailed++
}
