package endpoints

import (
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/simtime"
)

// Marking says whether an end uses code points.
type Marking uint8

// The ways. TestMarking uses them until packets of a stream vanish: then that
// stream goes without (RFC 8835 §4.2).
const (
	TestMarking Marking = iota
	AlwaysMark
	NeverMark
)

// A stream's marking fails if testPackets and testTime after its first packet the
// peer reports, and has nothing to report of the stream; or if it has been silent
// for silentTime, as reports may go with a marking too.
const (
	testPackets = 10
	testTime    = 3 * time.Second
	silentTime  = 2 * testTime
)

// testMarking is called for every packet before it leaves, and for every report
// that has come; heard says which.
func (s *Session) testMarking(now simtime.Time, m *Section, heard bool) {
	if m.dscp == 0 || m.reached || s.config.Marking != TestMarking {
		return
	}
	if !heard {
		if m.marked++; m.marked == 1 {
			m.firstMarked = now
		}
	}
	passed := now.Sub(m.firstMarked)
	silent := s.lastReport < m.firstMarked && passed > silentTime
	if m.marked > testPackets && (heard && passed > testTime || silent) {
		m.dscp = 0
		s.event(Event{Kind: MarkingDropped, At: now, Section: m})
	}
}

// noteArrivals learns from feedback which streams get through.
func (s *Session) noteArrivals(r *ccontrol.Report) {
	if s.config.Marking != TestMarking {
		return
	}
	waiting := false
	for _, m := range s.sections {
		waiting = waiting || m.marked > 0 && !m.reached
	}
	if !waiting {
		return
	}
	for i := range r.Packets {
		if ssrc, ok := s.history.StreamOf(r.Packets[i].Seq); ok && r.Packets[i].Received {
			if st := s.ours(ssrc); st != nil {
				st.known, st.section.reached = true, true
			}
		}
	}
}

// rtcpDSCP returns the marking of an RTCP packet. With a sender report it goes
// like that sender's stream, so that the round-trip time it measures is that of
// the media; with receiver reports alone, like most of the streams that come in,
// as they come in (RFC 8834 §12.1.3). Of several senders the most valued marking
// wins.
func (s *Session) rtcpDSCP(w *compound) uint8 {
	if d := s.config.RTCP.DSCP; d != nil {
		return *d
	}
	var best uint8
	found := false
	for _, st := range w.reporters {
		if m := st.section; m.Sends() && (!found || rank(m.dscp) > rank(best)) {
			best, found = m.dscp, true
		}
	}
	if found {
		return best
	}
	return s.usualDSCP()
}

// usualDSCP returns the marking of most streams that come in, the first one's
// among equals.
func (s *Session) usualDSCP() uint8 {
	var usual uint8
	most := 0
	for _, src := range s.sources {
		n := 0
		for _, other := range s.sources {
			if other.dscp == src.dscp {
				n++
			}
		}
		if n > most {
			usual, most = src.dscp, n
		}
	}
	return usual
}

// rank orders code points: EF before AF4x, AF3x and so on, then the default
// and lower effort (RFC 8837 §5).
func rank(dscp uint8) int {
	const ef, le = 46, 1
	switch dscp {
	case ef:
		return 64
	case le:
		return -1
	}
	return int(dscp &^ 7) // the class; of AF, drop precedence doesn't count
}
