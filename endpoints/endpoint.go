// Package endpoints are RTP endpoints. An endpoint is passive: it never blocks,
// schedules or reads a clock. It is handed packets and the time, and is asked
// for packets, events and its next deadline; its host is whoever does that.
//
// The structure is the standard's (RFC 8825, RFC 7656): an [Endpoint] has peer
// [Connection]s, each with one or more RTP [Session]s (one SSRC space each) of
// media [Section]s, in which every SSRC is a [Stream].
package endpoints

import (
	"fmt"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Config describes an endpoint.
type Config struct {
	Name string
	Addr packet.IPv4
	// ClockOffset is how far its wall clock is ahead of true time.
	ClockOffset time.Duration
	// ClockDrift is by how much it is fast, in parts in a million; the offset is that
	// at time 0.
	ClockDrift float64
	Pool       *packet.Pool
	// Scratch may be that of other endpoints, too; nil is one's own.
	Scratch *Scratch
	Random  *rng.Source
	// Independent says that what happens in one session gives others nothing to do, but for
	// coupled controllers: it then looks only at those that something has happened to. So are the
	// legs of a middlebox, and the calls of a mesh.
	Independent bool
	// Stubborn endpoints don't give up an SSRC that somebody else uses, against RFC 3550 §8.2: who
	// tries to pass for somebody else.
	Stubborn bool
	// Departed, if not nil, hears of every SSRC that has said BYE.
	Departed func(now simtime.Time, s *Session, ssrc uint32)
}

// Endpoint is one party. After any of its Handle methods, or after Connect,
// the host drains PollPacket, then PollEvent, then re-reads NextTimeout, which
// then lies in the future.
type Endpoint struct {
	keys       *keyConnection // nil if sessions get their keys themselves; what every packet needs stands first
	sessions   []*Session     // of all connections
	polled     int            // session that had the last packet, among those that are asked
	coupled    bool           // some controllers are [ccontrol.Coupled]
	events     events
	clock      simtime.Clock // the wall clock, without its offset
	config     Config
	unexpected uint64
	agenda     agenda

	connections []*Connection
	// former are the connections of before it was restarted: new ones take their places.
	former []*Connection
}

// New returns an endpoint without connections.
func New(c Config) *Endpoint {
	if c.Scratch == nil {
		c.Scratch = &Scratch{}
	}
	return &Endpoint{config: c, clock: simtime.NewClock(simtime.Time(0), c.ClockDrift)}
}

// Name returns the endpoint's name.
func (e *Endpoint) Name() string { return e.config.Name }

// Addr returns the endpoint's address.
func (e *Endpoint) Addr() packet.IPv4 { return e.config.Addr }

// Connections returns the endpoint's connections.
func (e *Endpoint) Connections() []*Connection { return e.connections }

// Connect opens a peer connection. Both ends are connected with configurations
// that agree with each other, as signalling would make them.
func (e *Endpoint) Connect(now simtime.Time, c ConnectionConfig) (*Connection, error) {
	conn, err := newConnection(now, e, c)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s, connection to %s: %w", e.config.Name, c.Peer, err)
	}
	e.connections = append(e.connections, conn)
	for _, s := range conn.sessions {
		e.agenda.add(s)
	}
	e.sessions = append(e.sessions, conn.sessions...)
	for _, s := range conn.sessions {
		if _, ok := s.config.Controller.(ccontrol.Coupled); ok {
			e.coupled = true
		}
	}
	return conn, nil
}

// HandlePacket takes a packet and its ownership.
func (e *Endpoint) HandlePacket(now simtime.Time, p *packet.Packet) {
	if !e.keys.handlePacket(now, e, p) && !e.handleMedia(now, p) {
		e.unexpected++
	}
	e.config.Pool.Release(p)
	e.followOthers(now)
}

// handleMedia hands a packet to the session that it belongs to; false if there is none.
func (e *Endpoint) handleMedia(now simtime.Time, p *packet.Packet) bool {
	if e.config.Independent {
		return e.agenda.handlePacket(now, p)
	}
	for _, s := range e.sessions {
		if s.owns(p) {
			s.handlePacket(now, p)
			return true
		}
	}
	return false
}

// HandleTimeout does everything that is due. An early call does nothing.
func (e *Endpoint) HandleTimeout(now simtime.Time) {
	e.keys.handleTimeout(now, e)
	if e.config.Independent {
		e.agenda.handleTimeout(now)
	} else {
		for _, s := range e.sessions {
			s.handleTimeout(now)
		}
	}
	e.followOthers(now)
}

// PollPacket returns a packet to send, whose ownership passes to the caller;
// nil when there is none.
func (e *Endpoint) PollPacket(simtime.Time) *packet.Packet {
	if e.keys != nil {
		if p := e.keys.out.Pop(); p != nil {
			return p
		}
	}
	sessions := e.sessions
	if e.config.Independent {
		sessions = e.agenda.touched
	}
	// Those before the one that had the last packet have none, unless something has happened
	// since.
	for again := e.polled > 0; ; again = false {
		for ; e.polled < len(sessions); e.polled++ {
			s := sessions[e.polled]
			if p := s.pop(); p != nil {
				return p
			}
		}
		if e.polled = 0; !again {
			return nil
		}
	}
}

// PollEvent returns the next event.
func (e *Endpoint) PollEvent() (Event, bool) {
	if next := e.events.next(); next != nil {
		return *next, true
	}
	return Event{}, false
}

// NextEvent is PollEvent for a host to which little happens: what it returns is there until the endpoint is
// called again, and nil if there is none.
func (e *Endpoint) NextEvent() *Event { return e.events.next() }

// NextTimeout returns the next deadline and what it is for; simtime.Never if
// there is none.
func (e *Endpoint) NextTimeout() (simtime.Time, Reason) {
	at, why := e.keys.nextTimeout(), ReasonKeying
	if e.config.Independent {
		if t, r := e.agenda.next(); t < at {
			at, why = t, r
		}
		return at, why
	}
	for _, s := range e.sessions {
		if t, r := s.nextTimeout(); t < at {
			at, why = t, r
		}
	}
	return at, why
}

// Held returns how many packets the endpoint owns.
func (e *Endpoint) Held() int {
	n := 0
	if e.keys != nil {
		n += e.keys.out.Len()
	}
	for _, s := range e.sessions {
		n += s.pacer.Len() + s.out.Len() + s.apart.Len()
	}
	return n
}

// Unexpected returns how many packets came that belong to no connection.
func (e *Endpoint) Unexpected() uint64 { return e.unexpected }

// wallClock returns what the endpoint's own clock shows.
func (e *Endpoint) wallClock(now simtime.Time) simtime.Time {
	return e.clock.At(now).Add(e.config.ClockOffset)
}
