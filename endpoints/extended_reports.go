package endpoints

import (
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints/playout"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/simtime"
)

// ExtendedReports says which blocks of RFC 3611 an end sends with its regular
// reports. It answers and ignores those of others in any case.
type ExtendedReports struct {
	// ReferenceTime lets an end that sends no media learn the round-trip time
	// (§4.4, §4.5).
	ReferenceTime bool
	// The others are about each source of which something came: LossRLE (§4.1),
	// DuplicateRLE (§4.2), ReceiptTimes (§4.3), Summary (§4.6), and of audio
	// VoIPMetrics (§4.7).
	LossRLE, DuplicateRLE, ReceiptTimes, Summary, VoIPMetrics bool
}

// traced reports whether arrivals have to be recorded.
func (e ExtendedReports) traced() bool {
	return e.LossRLE || e.DuplicateRLE || e.ReceiptTimes || e.Summary
}

// traceCapacity is how many packets of a source an extended report covers at most.
const traceCapacity = 1 << 12

// gmin is the recommended threshold between bursts and gaps (RFC 3611 §4.7.2).
const gmin = 16

// record notes a packet for extended reports.
func (r *source) record(now simtime.Time, m *Section, h *rtp.Header) {
	if r.trace != nil {
		r.trace.Record(xr.Arrival{Seq: h.SequenceNumber, Timestamp: h.Timestamp, Receipt: r.receiptTime(now), Untimed: m.dials(h.PayloadType)})
	}
}

// receiptTime is the time in units of the source's RTP clock.
func (r *source) receiptTime(now simtime.Time) uint32 {
	sec, ns := int64(now)/int64(time.Second), int64(now)%int64(time.Second)
	return uint32(sec*r.clock + ns*r.clock/int64(time.Second))
}

// fates are what has become of packets of audio, each of which is a frame of its own.
// Those that came last aren't judged yet: what is missing when it is due is lost,
// unless it comes after all and is too late.
type fates struct {
	bursts  *xr.Bursts
	judged  uint64 // next packet to add to bursts
	next    uint64 // after the newest that is known
	pending [64]xr.Fate
}

func newFates(first uint64) *fates {
	return &fates{bursts: xr.NewBursts(gmin, frameOfAudio), judged: first, next: first}
}

// note takes what the play-out buffer says of a packet.
func (f *fates) note(seq uint64, o playout.AudioOutcome) {
	if seq < f.judged {
		return
	}
	slot := func(seq uint64) *xr.Fate { return &f.pending[seq%uint64(len(f.pending))] }
	for ; f.next <= seq; f.next++ {
		if f.next-f.judged == uint64(len(f.pending)) {
			f.bursts.Add(*slot(f.judged))
			f.judged++
		}
		*slot(f.next) = xr.Lost
	}
	switch o {
	case playout.AudioPlayed, playout.AudioRecovered:
		*slot(seq) = xr.Played
	case playout.AudioLate, playout.AudioDiscarded:
		*slot(seq) = xr.Discarded
	case playout.AudioConcealed:
	}
}

// extend adds an extended report of the stream whose timer has expired.
func (w *compound) extend(now simtime.Time, st *Stream) {
	s := w.s
	want := s.config.ExtendedReports
	x := &s.extended
	x.SenderSSRC, x.Reports = st.ssrc, x.Reports[:0]
	clock := s.endpoint.wallClock(now)
	room := func() int { return mtu - len(w.b) - xr.Size(x) }
	add := func(b rtcp.ReportBlock) { x.Reports = append(x.Reports, b) }
	if b := w.summary(st, room()); b != nil {
		add(b)
	}
	if want.ReferenceTime && !s.sends() && room() >= 12 {
		if s.roundTrip == nil || s.roundTripOf != st.ssrc {
			s.roundTrip, s.roundTripOf = xr.NewRoundTrip(st.ssrc), st.ssrc
		}
		add(s.roundTrip.Block(clock))
	}
	if s.responder.Pending() {
		if b := s.responder.Block(clock, room()); b != nil {
			add(b)
		}
	}
	for _, src := range s.sources {
		if src.section == st.section && src.section.main == st {
			w.extendAbout(src, add, room)
		}
	}
	if len(x.Reports) > 0 {
		w.add(x)
	}
}

// extendAbout adds the blocks about one source, and begins its next interval.
func (w *compound) extendAbout(src *source, add func(rtcp.ReportBlock), room func() int) {
	want := w.s.config.ExtendedReports
	if src.trace != nil {
		if want.LossRLE {
			if b := src.trace.LossRLE(room()); b != nil {
				add(b)
			}
		}
		if want.DuplicateRLE {
			if b := src.trace.DuplicateRLE(room()); b != nil {
				add(b)
			}
		}
		if want.ReceiptTimes {
			for _, b := range src.trace.ReceiptTimes(room()) {
				add(b)
			}
		}
		if want.Summary && room() >= summarySize {
			if b := src.trace.Summary(xr.Fields{Loss: true, Duplicates: true, Jitter: true}); b != nil {
				add(b)
			}
		}
		src.trace.Advance()
	}
	if src.fates != nil && room() >= voipSize {
		add(xr.VoIPMetrics(src.ssrc, src.fates.bursts.Metrics(), src.callSoFar()))
	}
}

const summarySize, voipSize = 40, 36

// callSoFar is what VoIP metrics say besides losses. The buffer is a simple queue, of
// which nominal and maximum delay are the same (RFC 3611 §4.7.7).
func (r *source) callSoFar() xr.Call {
	call := xr.UnknownCall()
	call.RoundTrip = r.session.rtt
	call.Adaptivity = xr.Adaptive
	if r.session.config.FixedAudio {
		call.Adaptivity = xr.NonAdaptive
	}
	call.Nominal, call.Maximum = r.audio.Target(), r.audio.Target()
	call.AbsMaximum = min(max(r.session.config.PlayoutDelay, leastAudioDelay), longestAudioDelay)
	return call
}

// sends reports whether any stream of this end sends media, so that SRs tell the
// round-trip time.
func (s *Session) sends() bool {
	return slices.ContainsFunc(s.streams, func(st *Stream) bool { return st.local != nil && s.timing.IsSender(st.local) })
}

// handleXR answers reference times and takes answers (RFC 3611 §4.4, §4.5). Other
// blocks are for those who asked for them.
func (s *Session) handleXR(now simtime.Time, x *rtcp.ExtendedReport) {
	clock := s.endpoint.wallClock(now)
	for _, b := range x.Reports {
		switch b := b.(type) {
		case *rtcp.ReceiverReferenceTimeReportBlock:
			s.responder.OnReferenceTime(clock, x.SenderSSRC, b)
		case *rtcp.DLRRReportBlock:
			if s.roundTrip == nil {
				continue
			}
			if rtt, ok := s.roundTrip.OnDLRR(clock, b); ok {
				s.measured(now, x.SenderSSRC, rtt)
			}
		case *rtcp.UnknownReportBlock:
			if !s.heardSummary(x.SenderSSRC, b) {
				s.counts.UnknownRTCP++
			}
		}
	}
}
