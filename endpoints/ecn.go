package endpoints

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// marks is ECN in a session (RFC 6679): this end's packets are ECN-capable as far as the
// path is known to carry that, and receivers tell how they came.
type marks struct {
	// hears says that the peer tells how this end's packets come, tells that this end does
	// so of the peer's.
	hears, tells bool

	path *ecn.Path // nil of an end that marks nothing

	summary []xr.ECNSource // scratch
	// Of the RTCP packet that is read now: what it says of ECN, and its report
	// blocks.
	counted []counted
	blocks  []reportedStream
	news    []ccontrol.Reception // scratch
	any     bool                 // it says something of ECN, be it that there is nothing to report
}

// counted are the counters of an ECN feedback packet or a summary.
type counted struct {
	by       uint32
	stream   *Stream
	highest  uint32
	counters ecn.Counters
	early    bool // by an ECN feedback packet
	known    bool // the highest sequence number
}

// reportedStream is a report block.
type reportedStream struct {
	by      uint32
	stream  *Stream
	highest uint32
}

// markings is what a sender knows of the ECN field of a stream's packets.
type markings struct {
	sent ecn.History
	told []toldMarks
	turn int // who comes first in its summaries when not all fit
}

// toldMarks is what a reporter last said of a stream.
type toldMarks struct {
	by             uint32
	at             simtime.Time
	highest        uint32
	counters       ecn.Counters
	capable, plain uint64 // sent up to highest
	marked         uint64 // CE marks so far
}

func newMarks(c *SessionConfig) marks {
	m := marks{hears: c.hears() == FeedbackECN && !c.RTCP.Off, tells: c.Feedback == FeedbackECN && !c.RTCP.Off}
	if m.hears && c.ECN != packet.NotECT {
		m.path = ecn.NewPath(c.ECN)
	}
	return m
}

// codePoint returns the ECN field of a packet of media that leaves now.
func (s *Session) codePoint(now simtime.Time, st *Stream, importance nack.Importance) packet.ECN {
	if s.config.hears() != FeedbackECN {
		return s.config.ECN
	}
	mark := packet.NotECT
	if p := s.marks.path; p != nil {
		mark = p.Mark(now, importance == nack.Key, s.reportPatience())
		s.pollECN(now)
	}
	st.ecn.sent.Note(st.extSeq, mark != packet.NotECT)
	return mark
}

// reportPatience is three reporting intervals of the peer.
func (s *Session) reportPatience() time.Duration {
	trr, tmin := s.config.peerTiming()
	return 3 * max(s.timing.SenderInterval(tmin), trr)
}

// pollECN tells what is believed of the path.
func (s *Session) pollECN(now simtime.Time) {
	for c, ok := s.marks.path.PollChange(); ok; c, ok = s.marks.path.PollChange() {
		s.event(Event{Kind: ECNChanged, At: now, ECN: c})
	}
}

// ECN returns what is believed of the path to the peer; false if this end marks nothing,
// or without asking.
func (s *Session) ECN() (ecn.State, bool) {
	if s.marks.path == nil {
		return ecn.Disabled, false
	}
	return s.marks.path.State(), true
}

// HearsMarks reports whether the section sends media of which ECN feedback tells.
func (m *Section) HearsMarks() bool { return m.config.Send != nil && m.session.marks.hears }

// Marked returns how many packets of the stream were marked CE, as the peers' ECN
// feedback and summaries say; of several reporters the largest count.
func (st *Stream) Marked() uint64 {
	most := uint64(0)
	for i := range st.ecn.told {
		most = max(most, st.ecn.told[i].marked)
	}
	return most
}
