package endpoints

import (
	"encoding/binary"
	"slices"

	"github.com/pion/rtcp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/ssrctable"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// handleRTCP takes an RTCP packet off the wire.
func (s *Session) handleRTCP(now simtime.Time, p *packet.Packet) {
	if s.config.RTCP.Off {
		return
	}
	s.stirSenders()
	size := p.Size
	b, err := s.control.OpenRTCP(p.Payload)
	if err != nil {
		s.countRejected(err)
		return
	}
	if i := s.config.Interceptor; i != nil {
		if b = i.ReceiveRTCP(b); b == nil {
			return
		}
	}
	b, ok := stripPadding(b)
	if !ok {
		s.counts.Malformed++
		return
	}
	count, compound, ok := survey(b)
	if !ok || !compound && !s.config.RTCP.ReducedSize {
		// Not compound (RFC 3550 §6.1), and nobody agreed to RFC 5506.
		s.counts.Malformed++
		return
	}
	s.counts.RTCPReceived++
	s.timing.CountPacket(size, count)
	bad, whole := false, b
	s.scratch.inbox.refused = false
	s.marks.begin(s)
	for len(b) > 0 { // one that makes no sense doesn't spoil the others
		n := packetLength(b)
		bad = s.handleMessage(now, b[:n], p) != nil || bad
		b = b[n:]
	}
	if bad {
		s.counts.Malformed++
	}
	s.settleMarks(now)
	if !s.scratch.inbox.refused {
		s.judges.heard(now, whole)
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
	sdes    wire.Descriptions
	refused bool // a message of the packet wasn't processed
}

// handleMessage takes one RTCP packet. An error means that it is malformed.
func (s *Session) handleMessage(now simtime.Time, b []byte, p *packet.Packet) error {
	in := &s.scratch.inbox
	switch rtcp.PacketType(b[1]) {
	case rtcp.TypeSenderReport, rtcp.TypeReceiverReport:
		blocks := blocksOf(b)
		if blocks == nil {
			return wire.ErrCount
		}
		by := binary.BigEndian.Uint32(b[4:])
		if !s.heardControl(now, by, p) {
			return nil
		}
		if rtcp.PacketType(b[1]) == rtcp.TypeSenderReport {
			s.handleSR(now, by, binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:]))
		}
		s.handleReports(now, by, blocks)
	case rtcp.TypeSourceDescription:
		chunks, err := in.sdes.Read(b, s.table.CNAME)
		if err != nil {
			return err
		}
		for i := range chunks {
			s.handleChunk(now, &chunks[i], p)
		}
	default:
		return s.handleOther(now, b, p)
	}
	return nil
}

// handleSR takes the times of an SR.
func (s *Session) handleSR(now simtime.Time, by uint32, ntp uint64, timestamp uint32) {
	src := s.sourceOf(by)
	if src == nil {
		return
	}
	src.lastSR = simtime.NTP(ntp).Middle()
	src.lastSRAt = s.middle(now)
	if src.handsOn {
		src.heardSR(now, ntp, timestamp)
	}
	if src.sync != nil {
		src.sync.OnReport(now, src.syncName, simtime.NTP(ntp), timestamp)
	}
}

// handleOther takes the messages that aren't in every packet.
func (s *Session) handleOther(now simtime.Time, b []byte, p *packet.Packet) error {
	if x := s.ownMessage(b); x != nil {
		if !s.heardControl(now, binary.BigEndian.Uint32(b[4:]), p) {
			return nil
		}
		s.stir()
		return x.Handle(now, b)
	}
	message, err := wire.Unmarshal(b)
	if err != nil {
		return err
	}
	if _, reports := message.(*rtcp.CCFeedbackReport); !reports {
		s.stir()
	}
	switch m := message.(type) {
	case *rtcp.Goodbye:
		s.timing.CountBye(p.Size)
		for _, ssrc := range m.Sources {
			s.handleBye(now, ssrc)
		}
	case *rtcp.CCFeedbackReport:
		if from := s.receiver(m.SenderSSRC); s.heardControl(now, m.SenderSSRC, p) && from != nil {
			s.handleFeedback(now, m.SenderSSRC, from.OnCCFB(now, m))
		}
	case *rtcp.TransportLayerCC:
		if from := s.receiver(m.SenderSSRC); s.heardControl(now, m.SenderSSRC, p) && from != nil {
			s.handleFeedback(now, m.SenderSSRC, from.OnTWCC(now, m))
		}
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleREMB(now, m, b)
		}
	case *rtcp.TransportLayerNack:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleNACK(now, m)
		}
	case *rtcp.PictureLossIndication:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handlePLI(now, m.SenderSSRC, m.MediaSSRC)
		}
	case *rtcp.SliceLossIndication:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleSLI(now, m)
		}
	case *wire.RPSI:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleRPSI(now, m)
		}
	case *rtcp.FullIntraRequest:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleFIR(now, m)
		}
	case *wire.TMMBR:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleTMMBR(now, m)
		}
	case *wire.Pause:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handlePause(now, m)
		}
	case *wire.TSTR:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleTSTR(now, m)
		}
	case *wire.TSTN:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleTSTN(m)
		}
	case *wire.SRReq:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleSRRequest(now, m)
		}
	case *wire.TMMBN:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleTMMBN(now, m)
		}
	case *rtcp.ExtendedReport:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.handleXR(now, m)
		}
	case *wire.ECNFeedback:
		if s.heardControl(now, m.SenderSSRC, p) {
			s.heardECN(m)
		}
	case *wire.RGRS:
		s.heardControl(now, m.SenderSSRC, p)
	default:
		s.counts.UnknownRTCP++
	}
	return nil
}

// heardControl notes the sender of an RTCP packet and reports whether the packet
// may be processed.
func (s *Session) heardControl(now simtime.Time, ssrc uint32, p *packet.Packet) bool {
	if !s.admit(now, ssrctable.Control, ssrc, p.Src, "") {
		s.scratch.inbox.refused = true
		return false
	}
	s.timing.HeardRTCP(now, ssrc)
	s.takesPart(ssrc)
	return true
}

// takesPart notes that an SSRC sends RTP packets, SR, RR or feedback.
func (s *Session) takesPart(ssrc uint32) {
	if s.table.Activate(ssrc) {
		s.meet(s.table.CNAME(ssrc))
	}
}

// meet counts the CNAME of such an SSRC. More than one makes the session a group (RFC 8108
// §5.4.2); those of contributing sources, which a mixer tells, don't.
func (s *Session) meet(cname string) {
	if cname != "" && !slices.Contains(s.peers, cname) {
		s.peers = append(s.peers, cname)
		s.timing.SetMultiparty(s.multiparty())
	}
}

func (s *Session) handleFeedback(now simtime.Time, by uint32, r *ccontrol.Report) {
	s.noteArrivals(r)
	if s.config.Controller == nil {
		return
	}
	r.Backlog = s.pacer.Backlog()
	s.tell(now, by, r)
}

// handleReports takes the round-trip time from the blocks about our SSRCs
// (RFC 3550 §6.4.1).
func (s *Session) handleReports(now simtime.Time, by uint32, blocks []byte) {
	s.lastReport = now
	if !s.marks.hears {
		s.reception = s.reception[:0]
	}
	clock := s.middle(now)
	var r rtcp.ReceptionReport
	b, of := &r, binary.BigEndian
	for ; len(blocks) >= blockSize; blocks = blocks[blockSize:] {
		st := s.ours(of.Uint32(blocks))
		if st == nil {
			continue
		}
		r = rtcp.ReceptionReport{
			SSRC: st.ssrc, FractionLost: blocks[4], TotalLost: of.Uint32(blocks[4:]) & 0xffffff,
			LastSequenceNumber: of.Uint32(blocks[8:]), Jitter: of.Uint32(blocks[12:]),
			LastSenderReport: of.Uint32(blocks[16:]), Delay: of.Uint32(blocks[20:]),
		}
		st.known, st.section.reached = true, true // or there would be no block about it
		news, fresh := st.compare(now, by, b)
		if rtt, ok := roundTripBy(clock, b.LastSenderReport, b.Delay); ok {
			s.measured(now, by, rtt)
			news.RTT = rtt
		}
		st.note(now, by, b, news.RTT)
		if fresh {
			s.reception = append(s.reception, news)
		}
		s.marks.reported(by, st, b.LastSequenceNumber)
		if m := st.section; m.policy != nil && st == m.main {
			m.reported(now, by, b)
		}
	}
	if !s.marks.hears { // otherwise once all of the packet has been read
		s.report(now)
	}
	if s.marked {
		s.testMarkings(now)
	}
}

// testMarkings gives up markings of streams of which a report says nothing.
func (s *Session) testMarkings(now simtime.Time) {
	for _, m := range s.sections {
		s.testMarking(now, m, true)
	}
}

// ours returns this end's stream with an SSRC, or nil.
func (s *Session) ours(ssrc uint32) *Stream {
	if i := s.own.Find(ssrc); i >= 0 && s.streams[i].next == nil {
		return s.streams[i]
	}
	return nil
}

// handleChunk learns CNAMEs.
func (s *Session) handleChunk(now simtime.Time, chunk *rtcp.SourceDescriptionChunk, p *packet.Packet) {
	cname := ""
	for _, item := range chunk.Items {
		if item.Type == rtcp.SDESCNAME {
			cname = item.Text
		}
	}
	if !s.admit(now, ssrctable.Control, chunk.Source, p.Src, cname) {
		return
	}
	s.timing.HeardRTCP(now, chunk.Source)
	s.associateDescribed(chunk)
	if src := s.sourceOf(chunk.Source); cname != "" && src != nil && src.sync != nil {
		src.sync.OnCNAME(now, src.syncName, cname)
	}
	if s.table.Active(chunk.Source) {
		s.meet(cname)
	}
}

func (s *Session) handleBye(now simtime.Time, ssrc uint32) {
	if st := s.ours(ssrc); st != nil && st.local != nil {
		return // somebody else who had the SSRC too
	}
	s.timing.HeardBye(now, ssrc)
	s.farewell = true
	s.restorer.OnGone(ssrc)
	s.responder.OnGone(ssrc)
	s.ended(ssrc)
	s.forgetLimits(now, ssrc)
	s.strike(now, ssrc)
	e := Event{Kind: ByeReceived, At: now, SSRC: ssrc}
	if src := s.sourceOf(ssrc); src != nil {
		src.ended = true
		src.leaveSelection()
		if src.sync != nil {
			src.sync.Remove(src.syncName)
		}
		e.Section = src.section
	}
	s.event(e)
	if d := s.endpoint.config.Departed; d != nil {
		d(now, s, ssrc)
	}
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
