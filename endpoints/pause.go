package endpoints

import (
	"time"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
)

// Who receives a stream that nobody needs has its sender pause it, and resume it (RFC 7728). Between two ends the sender
// does so at once. It stays a member of the session, and RTCP goes on.

// pauser asks for one stream of the peer to be paused, or to go on, until it is.
type pauser struct {
	wish   bool // it is to be paused
	open   bool // that hasn't been heeded yet
	due    bool // the next RTCP packet asks
	asked  bool // a pause has been asked for, with id
	paused bool // the peer has said so
	id     uint16
	last   uint32 // number of the last packet before the pause
	next   simtime.Time
}

// want says whether the stream is to be paused. Each new request to pause has another PauseID (RFC 7728 §7).
func (p *pauser) want(now simtime.Time, wish bool) {
	if p.wish == wish {
		return
	}
	p.wish = wish
	if wish {
		p.ask(now)
		return
	}
	p.open, p.due = true, true
}

func (p *pauser) ask(now simtime.Time) {
	if p.asked {
		p.id++
	}
	p.asked, p.paused, p.open, p.due, p.next = true, false, true, true, now
}

// heard takes what the peer says of a pause: of one that isn't wanted, too, as somebody else may have asked for it.
func (p *pauser) heard(e *wire.PauseEntry) {
	if p.asked && int16(e.ID-p.id) < 0 {
		return
	}
	p.asked, p.paused, p.id, p.last = true, true, e.ID, e.LastSeq
	if p.wish {
		p.open, p.due = false, false
	} else if !p.open {
		p.open, p.due = true, true
	}
}

// came takes a packet of the stream. Both ends count its numbers' cycles by themselves.
func (p *pauser) came(now simtime.Time, ext uint64) {
	switch late := p.paused && int16(uint16(ext)-uint16(p.last)) <= 0; {
	case late:
	case !p.wish:
		p.open, p.due, p.paused = false, false, false
	case p.paused: // it goes on, and nobody here has asked for that
		p.ask(now)
	}
}

func (p *pauser) nextTimeout() simtime.Time {
	if !p.open || p.due {
		return simtime.Never
	}
	return p.next
}

func (p *pauser) handleTimeout(now simtime.Time) {
	if p.nextTimeout() <= now {
		p.due = true
	}
}

// Pause asks the peer to pause the stream of the section, until it does; Resume asks it to go on. What has been asked for
// already isn't asked for again.
func (m *Section) Pause(now simtime.Time) { m.wantPause(now, true) }

// Resume is the opposite of Pause.
func (m *Section) Resume(now simtime.Time) { m.wantPause(now, false) }

func (m *Section) wantPause(now simtime.Time, wish bool) {
	src := m.session.mediaOf(m)
	if src == nil {
		m.absent.needed = !wish
		return
	}
	if src.pausing.wish == wish {
		return
	}
	m.session.touch()
	src.pausing.want(now, wish)
	m.session.wantMessages(now, m)
	m.session.SendDue(now)
}

// absent is a stream of the peer's that is paused, and of which this end has never had a packet: it had another one pause it, or
// this end was started anew.
type absent struct {
	ssrc   uint32
	id     uint16
	needed bool
	due    bool // the next RTCP packet asks for it
	next   simtime.Time
}

// heard takes what the peer says of it, and asks for it if it is needed.
func (a *absent) heard(now simtime.Time, e *wire.PauseEntry) {
	a.ssrc, a.id = e.Target, e.ID
	a.due = a.due || a.needed && now >= a.next
}

// sectionOf returns the media section that an SSRC of the peer's belongs to, as far as that is known without a packet; nil if
// it isn't.
func (s *Session) sectionOf(ssrc uint32) *Section {
	for i := range s.routes {
		if s.routes[i].ssrc == ssrc {
			return s.routes[i].section
		}
	}
	return nil
}

// handlePaused takes what the peer says of a stream of its own.
func (s *Session) handlePaused(now simtime.Time, e *wire.PauseEntry) {
	src := s.sourceOf(e.Target)
	if src == nil {
		if m := s.sectionOf(e.Target); m != nil {
			m.absent.heard(now, e)
			s.wantMessages(now, m)
		}
		return
	}
	if src.section != nil {
		src.pausing.heard(e)
		src.stir()
		s.wantMessages(now, src.section)
	}
}

// paused is what the sender of a stream knows of its pauses.
type paused struct {
	on   bool
	ever bool
	id   uint16 // of the last request
	by   uint32
	due  bool // the peer is to be told
}

// handlePause takes requests about this end's streams, and what the peer says of its own.
func (s *Session) handlePause(now simtime.Time, msg *wire.Pause) {
	for i := range msg.Entries {
		e := &msg.Entries[i]
		if e.Type == wire.Paused {
			s.handlePaused(now, e)
			continue
		}
		st := s.ours(e.Target)
		if st == nil || st != st.section.main || !st.section.config.pauses() {
			continue
		}
		switch m := st.section; e.Type {
		case wire.PauseRequest:
			m.askedToPause(now, msg.SenderSSRC, e.ID)
		case wire.ResumeRequest:
			if p := &m.paused; p.on && p.id == e.ID {
				m.setPaused(now, false)
			}
		case wire.Paused, wire.PauseRefused:
		}
	}
}

// pauses reports whether the section sends media that can be paused: a middlebox has no part in that.
func (c *SectionConfig) pauses() bool {
	if c.Send == nil {
		return false
	}
	_, passes := c.Send.Encoder.(*Passage)
	return !passes
}

// askedToPause takes a PAUSE. One with an earlier PauseID than that of the last comes late, unless it is somebody else's.
func (m *Section) askedToPause(now simtime.Time, by uint32, id uint16) {
	p := &m.paused
	switch {
	case p.on && p.id == id:
	case p.ever && p.by == by && int16(id-p.id) <= 0:
		return
	default:
		if p.ever, p.id, p.by = true, id, by; !p.on {
			m.setPaused(now, true)
		}
	}
	p.due = true
	m.session.wantMessages(now, m)
}

// setPaused lets the encoder stop, or go on with a key frame. What waits to be sent still goes.
func (m *Section) setPaused(now simtime.Time, on bool) {
	if m.stopped {
		return
	}
	m.paused.on, m.paused.due = on, false
	kind := StreamPaused
	if !on {
		kind = StreamUnpaused
		if m.nextFrame() < now {
			m.resume(now)
		}
		if m.config.Kind == Video {
			m.config.Send.Encoder.Refresh()
		}
	}
	m.session.touch()
	m.session.event(Event{Kind: kind, At: now, Section: m})
	if m.session.entered {
		m.session.applyTarget(now)
	}
}

// appendPauses adds requests about the peer's streams and, at once and then in every regular packet, that this end's is
// paused.
func (w *compound) appendPauses(now simtime.Time, m *Section, regular bool) {
	var list []wire.PauseEntry
	for _, src := range m.sources {
		p := &src.pausing
		if !p.due || src.ended {
			continue
		}
		e := wire.PauseEntry{Target: src.ssrc, Type: wire.ResumeRequest, ID: p.id}
		if p.wish {
			e.Type = wire.PauseRequest
		}
		p.due, p.next = false, now.Add(max(pausePatience, 2*w.s.rttTo(src.ssrc)))
		list = append(list, e)
	}
	if a := &m.absent; a.due {
		a.due, a.next = false, now.Add(max(pausePatience, 2*w.s.rtt))
		list = append(list, wire.PauseEntry{Target: a.ssrc, Type: wire.ResumeRequest, ID: a.id})
	}
	if p := &m.paused; p.due || p.on && regular {
		p.due = false
		list = append(list, wire.PauseEntry{Target: m.main.ssrc, Type: wire.Paused, ID: p.id, LastSeq: m.main.lastSeq()})
	}
	if len(list) > 0 && len(w.b)+12+12*len(list) <= mtu {
		w.add(&wire.Pause{SenderSSRC: m.SSRC(), Entries: list})
	}
}

// pausePatience is how long it may take at least until a request is heeded.
const pausePatience = 200 * time.Millisecond

// lastSeq returns the extended number of the last packet that was made; before the first one that of none (RFC 7728,
// erratum 5540).
func (st *Stream) lastSeq() uint32 {
	if st.packets == 0 {
		return uint32(st.seq) - 1
	}
	return extend(st.extSeq, st.seq-1, false)
}
