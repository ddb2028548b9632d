package endpoints

import "rtpfabric/endpoints/wire"

// reporter returns the stream whose reports stand for those of all streams of this
// end: the reporting source of its group (RFC 8861 §3.1). When it leaves, the next
// one takes over. It is nil if there is no group: one SSRC alone makes none.
func (s *Session) reporter() *Stream {
	if !s.config.RTCP.Groups {
		return nil
	}
	first := s.firstReporter()
	for _, st := range s.streams {
		if st != first && st.stays() {
			return first
		}
	}
	return nil
}

// firstReporter returns the first stream of this end that is a member and stays one; nil if
// there is none.
func (s *Session) firstReporter() *Stream {
	for _, st := range s.streams {
		if st.stays() {
			return st
		}
	}
	return nil
}

// stays reports whether the stream is a member that hasn't begun to leave.
func (st *Stream) stays() bool { return st.local != nil && !st.local.Quitting() }

// reportsOn reports whether a stream's reports have blocks about the peer's
// streams, and about the others of this end.
func (st *Stream) reportsOn() (peer, own bool) {
	r := st.section.session.reporter()
	return r == nil || r == st, r == nil
}

// refer adds what tells who reports for a stream that doesn't itself (§3.2.2).
func (w *compound) refer(st *Stream) {
	if r := w.s.reporter(); r != nil && r != st {
		w.add(&wire.RGRS{SenderSSRC: st.ssrc, ReportingSources: []uint32{r.ssrc}})
	}
}

// groupName returns what the reporting source calls the group (§3.2.1), empty for
// other streams. It is drawn like a CNAME and stays.
func (st *Stream) groupName() string {
	s := st.section.session
	if s.reporter() != st {
		return ""
	}
	return s.group
}
