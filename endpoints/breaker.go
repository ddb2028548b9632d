package endpoints

import (
	"encoding/binary"
	"time"

	"rtpfabric/ccontrol/breaker"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// BreakerMode says what comes of a circuit breaker's trips.
type BreakerMode uint8

// The modes.
const (
	NoBreaker      BreakerMode = iota
	ObserveBreaker             // events only
	EnforceBreaker             // what it stops isn't sent any more
)

// BreakerConfig is the circuit breaker of a unicast session (RFC 8083), which endpoints
// must have (RFC 8834 §7.1).
type BreakerConfig struct {
	Mode     BreakerMode
	Settings breaker.Settings
	// Watchers are further ones, which only observe.
	Watchers []BreakerWatcher
	// Restart is how long after the breaker has stopped streams they go on, but not
	// before the trouble would have lasted twice (§4.5); 0 is never.
	Restart time.Duration
	// Leave is what makes media that the end receives useless: it leaves the session if all
	// of them have been for so long (§4.4).
	Leave breaker.Usability
}

// BreakerWatcher is a circuit breaker whose trips are events.
type BreakerWatcher struct {
	Name     string
	Settings breaker.Settings
}

// judges are the circuit breakers of a session: the one that acts, if any, and others.
// They watch the media; what repairs it stops with it.
type judges struct {
	several bool            // the list has more than one
	first   breaker.Breaker // of the list; what every packet needs stands first
	list    []judge
	one     [1]judge // that the list has if it has one
	session *Session
	tmin    time.Duration // least interval of the peer's reports
	reduced []reduction
}

type judge struct {
	breaker *breaker.Breaker
	name    string // of a watcher
	acts    bool
}

// judged is what breakers have to do with a section.
type judged struct {
	ssrc   uint32          // that breakers know its media by
	marks  uint16          // number after that of the last packet whose marks were counted
	marked bool            // there was one
	ceased bool            // the breaker has stopped it
	cut    bool            // it has no part in what a reduction leaves
	news   int32           // marks in the RTCP packet that is heard
	by     *breaker.Memory // of the first one; nil if there is none
	told   []toldCE

	cap     float64      // bit/s on the wire that a reduction leaves; 0 is no limit
	restart simtime.Time // when it goes on if it has ceased
}

// begin makes the breakers of a session that sends media, where they stay.
func (j *judges) begin(s *Session) {
	j.session, j.list = s, j.one[:0]
	c := &s.config.Breakers
	if c.Mode == NoBreaker || s.config.RTCP.Off { // without RTCP there is nothing to judge by (RFC 8083 §4)
		return
	}
	var trr time.Duration
	trr, j.tmin = s.config.peerTiming()
	add := func(name string, settings breaker.Settings, acts bool) {
		settings.TrrInterval = trr
		b := &j.first
		if len(j.list) > 0 {
			b = &breaker.Breaker{}
		}
		b.Begin(settings)
		for _, m := range s.sections {
			if m.config.Send == nil {
				continue
			}
			m.judged.ssrc = m.main.ssrc
			if b != &j.first {
				b.Add(m.main.ssrc, m.judgement())
				continue
			}
			if m.judged.by = m.watched; m.judged.by == nil {
				m.judged.by = &breaker.Memory{}
			}
			b.AddIn(m.judged.by, m.main.ssrc, m.judgement())
		}
		j.list = append(j.list, judge{b, name, acts})
	}
	add("", c.Settings, c.Mode == EnforceBreaker)
	for _, w := range c.Watchers {
		add(w.Name, w.Settings, false)
	}
	j.several = len(j.list) > 1
}

// judgement is what breakers are told of a section's media.
func (m *Section) judgement() breaker.Stream {
	send := m.config.Send
	out := breaker.Stream{Group: send.BreakerGroup, DSCP: m.dscp, G: send.FrameGroup}
	switch send.Encoder.(type) {
	case *Speaker, *Passage: // it varies, with silence and with who is seen, and is measured
	default:
		if send.Model.FrameRate > 0 {
			out.Tf = time.Duration(float64(time.Second) / send.Model.FrameRate)
		}
	}
	return out
}

// sent takes a packet that leaves, protected.
func (j *judges) sent(now simtime.Time, st *Stream, b []byte) {
	m := st.section
	if m.judged.by == nil || st != m.main {
		return
	}
	if old := m.judged.ssrc; old != st.ssrc {
		m.judged.ssrc, m.judged.marked, m.judged.told = st.ssrc, false, m.judged.told[:0]
		for i := range j.list {
			j.list[i].breaker.Rename(old, st.ssrc)
		}
	}
	size, timestamp := units.Bytes(len(b)), binary.BigEndian.Uint32(b[4:])
	if m.judged.by.OnSent(now, size, timestamp) {
		j.session.tripped = true
	}
	if !j.several {
		return
	}
	for i := range j.list[1:] {
		by := j.list[1+i].breaker
		by.OnSent(now, st.ssrc, size, timestamp)
		j.session.tripped = j.session.tripped || by.Tripped()
	}
}

// act does what breakers have decided.
func (j *judges) act(now simtime.Time) {
	j.session.tripped = false
	for i := range j.list {
		b := j.list[i].breaker
		for t, ok := b.PollTrip(); ok; t, ok = b.PollTrip() {
			j.tripped(now, &j.list[i], t)
		}
	}
}

// tripped carries out a trip.
func (j *judges) tripped(now simtime.Time, by *judge, t breaker.Trip) {
	j.session.stir()
	sections := j.sectionsOf(t.Streams)
	kind := BreakerWatched
	if by.acts && t.Action != breaker.Alarm {
		kind = BreakerTripped
		j.forget(sections)
		if t.Action == breaker.Reduce && !j.reduce(now, sections, t.Limit) {
			by.breaker.CannotReduce(&t)
		}
		if t.Action == breaker.Cease {
			j.cease(now, by, sections)
		}
	}
	for _, m := range sections {
		j.session.event(Event{Kind: kind, At: now, Section: m, SSRC: t.SSRC, Trip: &t, Watcher: by.name})
	}
	if kind == BreakerTripped {
		j.session.requestRates(now, nil)
	}
}

// sectionsOf returns the sections of streams that breakers know.
func (j *judges) sectionsOf(ssrcs []uint32) []*Section {
	var list []*Section
	for _, m := range j.session.sections {
		for _, ssrc := range ssrcs {
			if m.config.Send != nil && m.judged.ssrc == ssrc {
				list = append(list, m)
			}
		}
	}
	return list
}
