package endpoints

import (
	"slices"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// agenda is when independent sessions have something to do. Of hundreds few have at any moment: it
// asks only those to which something has happened since it asked last, and looks at others by rows.
type agenda struct {
	sessions []*Session
	due      []simtime.Time // by session, as it said last
	why      []Reason
	rows     []row
	touched  []*Session       // since then, in the order of sessions
	news     []bool           // by session: it is among them
	byPort   map[uint16]int32 // sessions by the local port, plus 1
}

// row is some sessions that follow each other.
type row struct {
	due  simtime.Time // earliest of theirs
	news bool         // about any of them
}

// rowSize is about as many as there are rows of the largest conferences.
const rowSize = 16

// in returns the sessions that a row has, from one to another one, exclusively.
func (a *agenda) in(row int) (from, to int) {
	return row * rowSize, min((row+1)*rowSize, len(a.sessions))
}

// add takes a session, about which everything is news.
func (a *agenda) add(s *Session) {
	if a.byPort == nil {
		a.byPort = map[uint16]int32{}
	}
	s.index = len(a.sessions)
	a.sessions = append(a.sessions, s)
	a.due, a.why, a.news = append(a.due, 0), append(a.why, ReasonNone), append(a.news, false)
	if s.index%rowSize == 0 {
		a.rows = append(a.rows, row{})
	}
	a.byPort[s.config.Local.Port] = int32(s.index + 1)
	if !s.muxed() {
		a.byPort[s.config.RTCPLocal.Port] = int32(s.index + 1)
	}
	a.touch(s)
}

// touch notes that something happens to a session.
func (a *agenda) touch(s *Session) {
	if a.news[s.index] {
		return
	}
	a.news[s.index], a.rows[s.index/rowSize].news = true, true
	if n := len(a.touched); n == 0 || a.touched[n-1].index < s.index { // most come in that order
		a.touched = append(a.touched, s)
		return
	}
	at, _ := slices.BinarySearchFunc(a.touched, s.index, func(o *Session, index int) int { return o.index - index })
	a.touched = slices.Insert(a.touched, at, s)
}

// touch notes that something happens to the session.
func (s *Session) touch() {
	s.stir()
	s.visit()
}

// visit lets the session be asked anew, if it is an independent one.
func (s *Session) visit() {
	if s.endpoint.config.Independent {
		s.endpoint.agenda.touch(s)
	}
}

// handlePacket hands a packet to the session that it belongs to; false if there is none.
func (a *agenda) handlePacket(now simtime.Time, p *packet.Packet) bool {
	i := a.byPort[p.Dst.Port]
	if i == 0 || !a.sessions[i-1].owns(p) {
		return false
	}
	s := a.sessions[i-1]
	a.touch(s)
	s.handlePacket(now, p)
	return true
}

// handleTimeout does what is due, in the order of sessions. With the race detector all are
// asked, and the digest has to be the same: an early call does nothing.
func (a *agenda) handleTimeout(now simtime.Time) {
	for r := range a.rows {
		if a.rows[r].due > now && !a.rows[r].news && !distrust {
			continue
		}
		for i, to := a.in(r); i < to; i++ {
			if a.due[i] <= now || a.news[i] || distrust {
				a.touch(a.sessions[i])
				a.sessions[i].handleTimeout(now)
			}
		}
	}
}

// next returns the earliest deadline.
func (a *agenda) next() (simtime.Time, Reason) {
	for _, s := range a.touched {
		a.due[s.index], a.why[s.index] = s.nextTimeout()
		a.news[s.index] = false
	}
	a.touched = a.touched[:0]
	a.check()
	at, first := simtime.Never, 0
	for r := range a.rows {
		if a.rows[r].news {
			a.summarize(r)
		}
		if due := a.rows[r].due; due < at {
			at, first = due, r
		}
	}
	if at == simtime.Never {
		return at, ReasonNone
	}
	from, to := a.in(first)
	return at, a.why[from+slices.Index(a.due[from:to], at)]
}

// summarize notes when the first session of a row has something to do.
func (a *agenda) summarize(r int) {
	from, to := a.in(r)
	a.rows[r] = row{due: slices.Min(a.due[from:to])}
}
