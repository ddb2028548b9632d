package endpoints

import (
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/sim/simtime"
)

// refresher asks for a decoder refresh point until one comes.
type refresher struct {
	kind   Refresh
	wanted bool
	due    bool         // the next RTCP packet asks
	asked  bool         // since the last key frame
	next   simtime.Time // when to ask again
	seq    uint8        // of the last FIR
}

// patience is how long a request may take at least before it is repeated: a frame
// and its way.
const refreshPatience = 200 * time.Millisecond

// want says whether a refresh point is necessary.
func (r *refresher) want(now simtime.Time, wanted bool) {
	if wanted && !r.wanted && r.kind != RefreshNone {
		r.seq++ // a new request (RFC 5104 §4.3.1.1)
		r.next = now
	}
	r.wanted = wanted
	r.due = wanted && r.kind != RefreshNone && r.next <= now
}

func (r *refresher) nextTimeout() simtime.Time {
	if r.kind == RefreshNone || !r.wanted || r.due {
		return simtime.Never
	}
	return r.next
}

// appendRefreshes adds the requests of a section's streams.
func (w *compound) appendRefreshes(now simtime.Time, m *Section) {
	s := w.s
	for _, src := range s.sources {
		if src.section != m || src.ended || !src.refresh.due || len(w.b)+20 > mtu {
			continue
		}
		r := &src.refresh
		r.due, r.asked, r.next = false, true, now.Add(max(refreshPatience, 2*s.rttTo(src.ssrc)))
		if r.kind == RefreshFIR {
			w.add(&rtcp.FullIntraRequest{
				SenderSSRC: m.SSRC(), MediaSSRC: 0, FIR: []rtcp.FIREntry{{SSRC: src.ssrc, SequenceNumber: r.seq}},
			})
		} else {
			w.add(&rtcp.PictureLossIndication{SenderSSRC: m.SSRC(), MediaSSRC: src.ssrc})
		}
		s.repairs.RefreshesSent++
		s.repairs.expectant++
		s.event(Event{Kind: RefreshRequested, At: now, Section: m, SSRC: src.ssrc})
	}
}

// handlePLI makes the next frame a key frame, unless one is so young that the peer
// can't have seen it yet.
func (s *Session) handlePLI(now simtime.Time, media uint32) {
	s.repairs.RefreshesHeard++
	if st := s.ours(media); st != nil && st == st.section.main && !st.section.justRefreshed(now) {
		st.section.refresh(now)
	}
}

// handleFIR makes the next frame a key frame. A sequence number that was seen already
// repeats a request (RFC 5104 §4.3.1.1), which may have been obeyed; any other must be
// (§4.3.1.2), as soon as key frames don't follow each other too closely (§5).
func (s *Session) handleFIR(now simtime.Time, f *rtcp.FullIntraRequest) {
	s.repairs.RefreshesHeard++
	for _, entry := range f.FIR {
		st := s.ours(entry.SSRC)
		if st == nil || st != st.section.main {
			continue
		}
		m := st.section
		switch fresh, just := m.newRequest(f.SenderSSRC, entry.SequenceNumber), m.justRefreshed(now); {
		case !fresh && (now.Sub(m.refreshed) < 2*s.rtt || just):
			// §3.5.1.1: repeats within two round trips after the refresh point
		case m.Passage() != nil && m.everRefreshed && now.Sub(m.refreshed) < s.rtt:
			// §3.5.1.1: a middlebox sees to it that one is delivered, and one is on its way
		case just:
			m.refreshDue = true
		default:
			m.refresh(now)
		}
	}
}

// request is the last FIR of a peer's SSRC.
type request struct {
	ssrc uint32
	seq  uint8
}

// newRequest notes a request and reports whether it is none that was seen before.
func (m *Section) newRequest(ssrc uint32, seq uint8) bool {
	for i := range m.requests {
		if r := &m.requests[i]; r.ssrc == ssrc {
			fresh := r.seq != seq
			r.seq = seq
			return fresh
		}
	}
	if len(m.requests) < maxRequesters {
		m.requests = append(m.requests, request{ssrc, seq})
	}
	return true
}

// maxRequesters bounds what peers can make a section remember.
const maxRequesters = 256

// refresh lets the encoder make a key frame next.
func (m *Section) refresh(now simtime.Time) {
	if m.config.Send == nil || m.stopped {
		return
	}
	if p := m.Passage(); p != nil {
		if !p.off && !m.suspended { // it is asked for when there is use for it
			p.From.RequestRefresh(now)
		}
		return
	}
	m.config.Send.Encoder.Refresh()
	m.session.repairs.RefreshesObeyed++
}

// refreshIfDue makes up for a request that came too early.
func (m *Section) refreshIfDue(now simtime.Time) {
	if m.refreshDue && !m.justRefreshed(now) {
		m.refreshDue = false
		m.refresh(now)
	}
}

// justRefreshed reports whether a key frame is so young that a request can't be meant
// for after it.
func (m *Section) justRefreshed(now simtime.Time) bool {
	return m.everRefreshed && now.Sub(m.refreshed) < max(m.session.rtt, leastRefresh)
}

// leastRefresh is the least time between two key frames that peers can ask for by PLI.
const leastRefresh = 100 * time.Millisecond
