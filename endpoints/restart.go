package endpoints

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// A process that dies takes with it all that it knew: SSRCs and numbers, keys' indices, who takes part, what has come, what
// waits. What its configuration says it knows again when it is started anew. To whoever watches it is the same endpoint
// all the time: connections, sessions and media sections keep their places, and what has been counted goes on.

// Die gives up all packets that the endpoint owns. Nothing may be asked of it until [Endpoint.Restart].
func (e *Endpoint) Die() {
	drop := func(p *packet.Packet) bool {
		e.config.Pool.Release(p)
		return true
	}
	for _, s := range e.sessions {
		s.pacer.Drop(drop)
		for _, queue := range []*packet.FIFO{&s.out, &s.apart} {
			for p := queue.Pop(); p != nil; p = queue.Pop() {
				drop(p)
			}
		}
	}
}

// Restart forgets everything but the configuration, of which chance is another one: SSRCs, sequence numbers and timestamps
// that are drawn again must not be those of before. With a key that stays the same another SSRC keeps SRTP from using a
// key stream twice (RFC 3711 §9.1). Connections are then made with [Endpoint.Connect] as in the beginning, in the same
// order; a session without addresses has those that it had. Streams that were signalled with an SSRC can't be restarted.
func (e *Endpoint) Restart(random *rng.Source) {
	c := e.config
	c.Random = random
	*e = Endpoint{config: c, clock: e.clock, events: e.events, unexpected: e.unexpected, former: e.connections}
}

// placeOf returns where a connection is made, and what sessions there were; new places if it is the first of that name.
func (e *Endpoint) placeOf(name string) (*Connection, formerSessions) {
	for _, c := range e.former {
		if c.name == name {
			return c, c.sessions
		}
	}
	return &Connection{}, nil
}

type formerSessions []*Session

// of returns the session at an index, nil if there was none.
func (f formerSessions) of(i int) *Session {
	if i >= len(f) {
		return nil
	}
	return f[i]
}

// before is what is kept of a session over a restart: what others count, and where they look for it.
type before struct {
	counts   Counts
	repairs  RepairCounts
	sections []*Section
	ssrcs    []uint32 // of these
}

// anew returns the place of a session, and what is kept of the one that was there.
func (s *Session) anew(sc *SessionConfig) (*Session, before) {
	if s == nil {
		return &Session{}, before{}
	}
	was := &s.config
	if sc.Local.Port == 0 {
		sc.Local, sc.Remote, sc.RTCPLocal, sc.RTCPRemote = was.Local, was.Remote, was.RTCPLocal, was.RTCPRemote
		sc.SourceOffset, sc.RemoteOffset, sc.PeerProfile, sc.RTCP.TrrInterval = was.SourceOffset, was.RemoteOffset, was.PeerProfile, was.RTCP.TrrInterval
	}
	b := before{counts: s.counts, repairs: s.repairs, sections: s.sections}
	for _, m := range s.sections {
		b.ssrcs = append(b.ssrcs, m.main.ssrc)
	}
	return s, b
}

// section returns the plot of a media section. After a restart that is where it was, alone: what was of its
// stream may still be looked at.
func (b *before) section(i int, c *SectionConfig) plot {
	if i < len(b.sections) {
		return plot{section: b.sections[i], stream: &Stream{}}
	}
	return newPlot(c)
}

// tell says which SSRCs streams of media have in place of those of before the restart. No packet says so: to the
// other end they are streams of somebody new.
func (b *before) tell(now simtime.Time, s *Session) {
	for i, ssrc := range b.ssrcs {
		if m := s.sections[i]; m.config.Send != nil {
			s.event(Event{Kind: SSRCChanged, At: now, Section: m, SSRC: m.main.ssrc, Previous: ssrc})
		}
	}
}
