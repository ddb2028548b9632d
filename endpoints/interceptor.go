package endpoints

import (
	"encoding/binary"
	"slices"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// An Interceptor stands between a session and its keys. It sees all plain packets of RTP and RTCP in both
// directions, may change them, keep them for a while or for good, and send others: a chain of pion's
// interceptors is one.
//
// It doesn't know of time. What it lets go, at once or later, the session polls; who gives it life calls
// [Session.HandleIntercepted] when there is something.
type Interceptor interface {
	// SendRTP and SendRTCP take what the session sends. It isn't changed afterwards.
	SendRTP(p Intercepted)
	SendRTCP(p Intercepted)
	// ReceiveRTP and ReceiveRTCP return what comes of a packet that the session has received; nil if nothing
	// does. The packet may be changed.
	ReceiveRTP(b []byte) []byte
	ReceiveRTCP(b []byte) []byte
	// Ended says that an SSRC, of this end or the peer's, has left the session. Packets of it that haven't gone out
	// are lost.
	Ended(ssrc uint32)
	// Poll returns the next packet, of RTP or RTCP, that goes out.
	Poll() (Intercepted, bool)
}

// Intercepted is a plain packet on its way out.
type Intercepted struct {
	Packet []byte
	// Own says that the interceptor has made it. Otherwise Flow, DSCP and ECN are as the session has them.
	Own  bool
	Flow int32
	DSCP uint8
	ECN  packet.ECN
}

// Without is what a session leaves to its interceptor.
type Without struct {
	// Requests of lost packets; those that come again are taken all the same. Retransmissions of what
	// others ask for; the stream for them is there all the same.
	Requests, Retransmissions bool
	// Feedback about packets for congestion control, and Reports: SR and RR, with what is in one packet
	// with them.
	Feedback, Reports bool
	// Pacing of what is sent.
	Pacing bool
}

// Interceptor returns what stands between the session and its keys; nil if nothing does.
func (s *Session) Interceptor() Interceptor { return s.config.Interceptor }

// WallClock returns what the clock of the session's endpoint shows.
func (s *Session) WallClock(now simtime.Time) simtime.Time { return s.endpoint.wallClock(now) }

// HandleIntercepted sends what the session's interceptor lets go.
func (s *Session) HandleIntercepted(now simtime.Time) {
	s.touch()
	s.takeIntercepted(now)
}

// takeIntercepted sends what the interceptor lets go. What it says before there are keys, or of a stream that has
// left, is lost.
func (s *Session) takeIntercepted(now simtime.Time) {
	i := s.config.Interceptor
	if i == nil {
		return
	}
	for p, ok := i.Poll(); ok; p, ok = i.Poll() {
		switch {
		case packet.IsRTCP(p.Packet):
			if !p.Own || !s.gone() {
				s.sendInterceptedRTCP(now, p)
			}
		case len(p.Packet) >= 12 && s.protector != nil && !s.gone() && !s.over(p.Packet):
			s.sendIntercepted(now, p)
		}
	}
}

// over reports whether a packet is of a stream that has said BYE.
func (s *Session) over(b []byte) bool {
	i := s.own.Find(binary.BigEndian.Uint32(b[8:]))
	return i >= 0 && s.streams[i].local == nil
}

// ended tells the interceptor of an SSRC that has left.
func (s *Session) ended(ssrc uint32) {
	if i := s.config.Interceptor; i != nil {
		i.Ended(ssrc)
	}
}

// sendInterceptedRTCP protects and sends a packet of RTCP.
func (s *Session) sendInterceptedRTCP(now simtime.Time, p Intercepted) {
	reporters, _, ok := survey(p.Packet)
	if !ok || s.control == nil {
		return
	}
	if p.Own {
		p.DSCP = s.usualDSCP()
		s.noteMessages(now, p.Packet)
	}
	s.transmitRTCP(now, p.Packet, reporters, p.DSCP, p.Own)
}

// sendIntercepted protects and sends a packet of RTP.
func (s *Session) sendIntercepted(now simtime.Time, i Intercepted) {
	p := s.endpoint.config.Pool.New()
	copy(p.SetPayload(len(i.Packet)), i.Packet)
	p.Size += s.protector.OverheadRTP()
	p.Src, p.Dst = s.config.Local, s.config.Remote
	p.Flow, p.DSCP, p.ECN = i.Flow, i.DSCP, i.ECN
	st := s.ours(binary.BigEndian.Uint32(p.Payload[8:]))
	if i.Own {
		s.counts.RTPSent++
		p.Drawn = true
		if st != nil {
			st.packets++
			st.octets += uint32(len(p.Payload) - headerSize(p.Payload))
			p.DSCP, p.ECN = st.section.dscp, s.codePoint(now, st, nack.Base)
			if st.section.resend != nil && st == st.section.resend.stream {
				s.repairs.Retransmitted++
				s.repairs.RetransmittedBytes += p.Size
			}
		}
	}
	s.depart(now, st, p)
}

// noteMessages counts what RTCP of an interceptor's own says.
func (s *Session) noteMessages(now simtime.Time, b []byte) {
	for ; len(b) > 0; b = b[packetLength(b):] {
		message := b[:packetLength(b)]
		var asked rtcp.TransportLayerNack
		var refresh rtcp.PictureLossIndication
		switch t, format := rtcp.PacketType(message[1]), message[0]&31; {
		case t == rtcp.TypeSenderReport || t == rtcp.TypeReceiverReport:
			s.noteReport(now, message)
		case t == rtcp.TypeTransportSpecificFeedback && format == rtcp.FormatTLN && asked.Unmarshal(message) == nil:
			s.repairs.NACKsSent++
			s.repairs.Requested += uint64(len(nack.Unpack(nil, asked.Nacks)))
		case t == rtcp.TypePayloadSpecificFeedback && format == rtcp.FormatPLI && refresh.Unmarshal(message) == nil:
			s.noteRefresh(now, refresh.MediaSSRC)
		}
	}
}

// noteReport says whose report an interceptor has sent: of streams of this end, or about streams of the peer.
func (s *Session) noteReport(now simtime.Time, b []byte) {
	var about []uint32
	if rtcp.PacketType(b[1]) == rtcp.TypeSenderReport {
		about = append(about, binary.BigEndian.Uint32(b[4:]))
	} else {
		var rr rtcp.ReceiverReport
		if rr.Unmarshal(b) != nil {
			return
		}
		for _, r := range rr.Reports {
			about = append(about, r.SSRC)
		}
	}
	for _, m := range s.sections {
		if slices.Contains(about, m.SSRC()) || slices.ContainsFunc(m.sources, func(r *source) bool { return slices.Contains(about, r.ssrc) }) {
			s.event(Event{Kind: ReportSent, At: now, Section: m, SSRC: m.SSRC()})
		}
	}
}

// noteRefresh counts a key frame that an interceptor has asked for.
func (s *Session) noteRefresh(now simtime.Time, ssrc uint32) {
	if src := s.sourceOf(ssrc); src != nil && src.section != nil {
		s.repairs.RefreshesSent++
		s.event(Event{Kind: RefreshRequested, At: now, Section: src.section, SSRC: ssrc})
	}
}

// RepairSSRC returns the SSRC by which packets of the section are sent again; 0 is by none.
func (m *Section) RepairSSRC() uint32 {
	if m.resend != nil {
		return m.resend.stream.ssrc
	}
	return m.carriersRepair()
}
