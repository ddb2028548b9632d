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

// DemandRefreshes asks for key frames of all video that comes, by a new FIR for each stream, at once
// and each time that it is called. RTCP's timing rules forbid that: it is what a peer does that is
// broken, or hostile (RFC 5104 §5).
func (e *Endpoint) DemandRefreshes(now simtime.Time) {
	for _, s := range e.sessions {
		s.demandRefreshes(now)
	}
}

func (s *Session) demandRefreshes(now simtime.Time) {
	s.touch()
	if s.control == nil || s.gone() {
		return
	}
	for _, m := range s.sections {
		if m.config.Kind != Video || m.main.local == nil {
			continue
		}
		w, asks := s.newCompound(), false
		w.report(now, m.main)
		w.describe(now)
		for _, src := range s.sources {
			if src.section == m && !src.ended && len(w.b)+20 <= mtu {
				src.refresh.seq++
				w.add(&rtcp.FullIntraRequest{SenderSSRC: m.SSRC(), FIR: []rtcp.FIREntry{{SSRC: src.ssrc, SequenceNumber: src.refresh.seq}}})
				s.repairs.RefreshesSent++
				asks = true
			}
		}
		if asks {
			s.sendRTCP(now, w)
		}
	}
}

// handlePLI makes the next frame a key frame, unless one is so young that the peer
// can't have seen it yet.
func (s *Session) handlePLI(now simtime.Time, from, media uint32) {
	s.repairs.RefreshesHeard++
	if st := s.ours(media); st != nil && st == st.section.main && !st.section.justRefreshed(now) {
		st.section.obey(now, st.section.requesterOf(from))
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
		r := m.requesterOf(f.SenderSSRC)
		switch fresh := r.fresh(entry.SequenceNumber); {
		case !fresh && (now.Sub(m.refreshed) < 2*s.rtt || m.justRefreshed(now)):
			// §3.5.1.1: repeats within two round trips after the refresh point
		case m.Passage() != nil && m.everRefreshed && now.Sub(m.refreshed) < s.rtt:
			// §3.5.1.1: a middlebox sees to it that one is delivered, and one is on its way
		default:
			m.obey(now, r)
		}
	}
}

// requester is a peer's SSRC that asks for key frames.
type requester struct {
	ssrc  uint32
	fired bool // has sent a FIR, with seq
	seq   uint8
	spent simtime.Time // when what it has asked for is no more than it may on average
}

// Somebody who asks again and again, as a peer does that is broken or hostile, gets a key frame
// at most every so often, beyond a few: they cost everybody who sees the stream.
const (
	refreshEvery = 500 * time.Millisecond
	refreshBurst = 5
)

// may returns when a request may be obeyed, and lets that count if it is to be.
func (r *requester) may(now simtime.Time) simtime.Time {
	return max(now, r.spent.Add(-(refreshBurst-1)*refreshEvery))
}

func (r *requester) count(now simtime.Time) { r.spent = max(r.spent, now).Add(refreshEvery) }

// fresh notes the number of a FIR, and reports whether it isn't that of the one before.
func (r *requester) fresh(seq uint8) bool {
	fresh := !r.fired || r.seq != seq
	r.fired, r.seq = true, seq
	return fresh
}

// requesterOf returns what is known of a peer's SSRC. Those who come when too many are known
// have what they may ask for together.
func (m *Section) requesterOf(ssrc uint32) *requester {
	for i := range m.requesters {
		if r := &m.requesters[i]; r.ssrc == ssrc {
			return r
		}
	}
	if len(m.requesters) == maxRequesters {
		r := &m.requesters[maxRequesters-1]
		r.ssrc, r.fired = ssrc, false
		return r
	}
	m.requesters = append(m.requesters, requester{ssrc: ssrc})
	return &m.requesters[len(m.requesters)-1]
}

// maxRequesters bounds what peers can make a section remember.
const maxRequesters = 256

// obey makes the next frame a key frame, or a later one if it is too early for that.
func (m *Section) obey(now simtime.Time, r *requester) {
	from := r.may(now)
	switch {
	case m.refreshDue && from >= m.refreshFrom:
		return // one will be made anyway
	case from > now || m.justRefreshed(now):
		m.refreshDue, m.refreshFrom = true, from
	default:
		m.refresh(now)
	}
	r.count(now)
}

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
	if m.refreshDue && now >= m.refreshFrom && !m.justRefreshed(now) {
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
