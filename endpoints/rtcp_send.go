package endpoints

import (
	"slices"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// mtu bounds what is put into one RTCP packet before protection, so that the
// packet fits a path of 1280 octets.
const mtu = 1200

// runRTCP sends the RTCP that is due, once there are keys for it.
func (s *Session) runRTCP(now simtime.Time) {
	if s.control == nil {
		return
	}
	wanted := s.due.elapsed(now)
	if !s.usual && s.estimate.due.elapsed(now) {
		wanted = true
	}
	if wanted {
		s.timing.WantFeedback(now)
	}
	if s.timing.NextTimeout() > now {
		return
	}
	s.stirSenders()
	for {
		s.raiseLimits(now)
		d := s.timing.DueIf(now, (*awaiting)(s))
		for _, ssrc := range d.Gone {
			s.stir()
			s.strike(now, ssrc)
			s.forget(ssrc)
			s.restorer.OnGone(ssrc)
			s.forgetLimits(now, ssrc)
			s.ended(ssrc)
			s.event(Event{Kind: ParticipantTimedOut, At: now, SSRC: ssrc})
		}
		switch d.Kind {
		case rtcptiming.Regular:
			s.sendRegular(now, d.Local)
			s.leaveUseless(now)
		case rtcptiming.Early:
			s.sendFeedback(now, d.Local)
			s.timing.SentEarly(now, d.Local)
		case rtcptiming.Minimal:
			s.sendFeedback(now, d.Local)
			s.timing.SentMinimal(now, d.Local)
		case rtcptiming.Bye:
			s.sendBye(now, s.streamFor(d.Local))
		case rtcptiming.None:
			if d.Gone == nil {
				return
			}
		}
	}
}

// awaiting is a session to RTCP's timing rules.
type awaiting Session

// FeedbackPending implements [rtcptiming.Feedback].
func (s *awaiting) FeedbackPending() bool { return (*Session)(s).feedbackPending() }

// feedbackPending reports whether a feedback message is wanted by now.
func (s *Session) feedbackPending() bool {
	if s.due.wanted && s.hasFeedback() || s.estimate.wanted() {
		return true
	}
	for _, m := range s.sections {
		if s.hasMessages(m) {
			return true
		}
	}
	return s.ownPending()
}

func (s *Session) hasFeedback() bool {
	if s.config.Without.Feedback {
		return false
	}
	switch s.config.Feedback {
	case FeedbackRFC8888:
		return s.ccfb.Pending()
	case FeedbackTWCC:
		return s.twcc.Pending()
	case FeedbackECN:
		return s.hasUrgentMarks()
	case FeedbackREMB, FeedbackNone:
	}
	return false
}

// sendRegular sends a compound packet: reports of the given SSRC and, as far
// as they fit, of the endpoint's others, then their CNAMEs, then feedback.
func (s *Session) sendRegular(now simtime.Time, first *rtcptiming.Local) {
	if s.config.Without.Reports {
		s.sendFeedback(now, first)
		s.timing.SentRegular(now, []*rtcptiming.Local{first})
		return
	}
	w := s.newCompound()
	w.report(now, s.streamFor(first))
	if s.config.RTCP.Aggregate {
		for _, l := range s.timing.Candidates(first) {
			if st := s.streamFor(l); w.fits(st) {
				w.report(now, st)
			}
		}
	}
	w.describe(now)
	requests := s.repairs.expectant
	extends := s.extends()
	for _, st := range w.reporters {
		if extends {
			w.extend(now, st)
		}
		w.messages(now, st, true)
	}
	if s.repairs.expectant > requests {
		s.reduced.compound = now
	}
	if s.hasFeedback() && s.due.near(now) {
		w.feedback(now, s.streamFor(first))
	}
	if e := &s.estimate; e.pending() && e.due.near(now) {
		w.estimate(now, s.streamFor(first))
	}
	s.sendRTCP(now, w)
	w.locals = w.locals[:0]
	for _, st := range w.reporters {
		w.locals = append(w.locals, st.local)
	}
	s.timing.SentRegular(now, w.locals)
}

// extends reports whether there may be something for extended reports.
func (s *Session) extends() bool {
	return s.marks.tells || s.config.ExtendedReports != ExtendedReports{} || s.responder.Pending()
}

// sendFeedback sends feedback by itself if both ends agreed to reduced-size
// packets (RFC 5506), otherwise in a compound packet.
func (s *Session) sendFeedback(now simtime.Time, l *rtcptiming.Local) {
	st := s.streamFor(l)
	w := s.newCompound()
	compound := (!s.reduces() || st.section.reportWanted) && !s.config.Without.Reports
	if compound {
		w.report(now, st)
		w.describe(now)
		if !s.due.wanted || !s.hasFeedback() {
			w.summarize()
		}
	}
	requests := s.repairs.expectant
	w.messages(now, st, false)
	switch asked := s.repairs.expectant > requests; {
	case asked && compound:
		s.reduced.compound = now
	case asked:
		was := s.reduced.broken
		if s.reduced.asked(now, s.rtt); s.reduced.broken && !was {
			s.event(Event{Kind: ReducedSizeGivenUp, At: now})
		}
	}
	if s.due.wanted && s.hasFeedback() {
		w.feedback(now, st)
	}
	if s.estimate.wanted() {
		w.estimate(now, st)
	}
	s.sendRTCP(now, w)
}

// leave ends the membership of one SSRC. In a large group its BYE has to wait
// (RFC 3550 §6.3.7).
func (s *Session) leave(now simtime.Time, st *Stream) {
	if !s.timing.Quit(now, st.local, byeSize+s.protector.OverheadRTCP()) {
		s.sendBye(now, st)
	}
}

// byeSize is that of a BYE's compound packet on the wire before protection, with a
// report without blocks.
const byeSize units.Bytes = srSize + 4 + sdesChunk + 8 + packet.HeaderIPv4UDP

// sendBye leaves the session with one SSRC. One that never sent anything
// leaves silently (RFC 3550 §6.3.7).
func (s *Session) sendBye(now simtime.Time, st *Stream) {
	if s.control != nil && (st.local.HasSent() || st.packets > 0) { // without keys it goes silently
		w := s.newCompound()
		switch { // so that the new one is known at once: its clock (RFC 7160 §4.1), and that nobody has left
		case st.retired:
			w.report(now, st.section.main)
		case st.next != nil && st.next.local != nil:
			w.report(now, st.next)
		}
		w.report(now, st)
		w.describe(now)
		w.summarize()
		w.add(&rtcp.Goodbye{Sources: []uint32{st.ssrc}})
		s.sendRTCP(now, w)
		s.event(Event{Kind: ByeSent, At: now, Section: st.section, SSRC: st.ssrc})
	}
	s.timing.Leave(now, st.local)
	if st.next == nil { // otherwise it is somebody else's now
		s.table.Remove(st.ssrc)
	}
	st.local = nil
	s.ended(st.ssrc)
	s.stir()
	s.present--
}

func (s *Session) streamFor(l *rtcptiming.Local) *Stream {
	if st := s.streams[l.Index]; st.local == l {
		return st
	}
	panic("endpoints: RTCP timing knows an SSRC that no stream has")
}

// sendRTCP sends a packet.
func (s *Session) sendRTCP(now simtime.Time, w *compound) {
	if w.s != s {
		panic("endpoints: another session has begun an RTCP packet before this one's was sent")
	}
	if len(w.b) == 0 || s.config.RTCP.Off {
		return
	}
	s.followGroup(now)
	w.pad(s.config.RTCP.PadTo)
	if i := s.config.Interceptor; i != nil {
		i.SendRTCP(Intercepted{Packet: slices.Clone(w.b), DSCP: s.rtcpDSCP(w)})
		s.takeIntercepted(now)
	} else {
		s.transmitRTCP(now, w.b, len(w.reporters), s.rtcpDSCP(w), false)
	}
	for _, st := range w.reporters {
		s.event(Event{Kind: ReportSent, At: now, Section: st.section, SSRC: st.ssrc})
	}
}

// transmitRTCP protects and sends the octets of a packet in which so many reporters report. drawn
// says that chance has a part in it.
func (s *Session) transmitRTCP(now simtime.Time, plain []byte, reporters int, dscp uint8, drawn bool) {
	s.census.Count(plain) // now, as it may be encrypted where it lies
	b, err := s.control.RTCP(plain)
	if err != nil {
		panic("endpoints: protecting RTCP of our own failed: " + err.Error())
	}
	p := s.endpoint.config.Pool.New()
	copy(p.SetPayload(len(b)), b)
	p.Src, p.Dst = s.rtcpFlow()
	p.DSCP, p.Drawn = dscp, drawn
	s.counts.RTCPSent++
	s.timing.CountPacket(p.Size, reporters)
	s.event(Event{Kind: RTCPSent, At: now, Size: p.Size})
	s.out.Push(p)
}
