package peer

import (
	"slices"

	"rtpfabric/endpoints/jsep"
)

// Config describes a connection.
type Config struct {
	Name string
	Pool *Pool
	// Transport may have connections already, all of the same pool.
	Transport *Transport
	// Strict makes what there are no resources for an error. Otherwise it is inactive, with an event.
	Strict bool
	// Session is the id of the session in descriptions (RFC 8866 §5.2).
	Session uint64
}

// Connection is a PeerConnection (RFC 8829 §4.1).
type Connection struct {
	name      string
	pool      *Pool
	transport *Transport
	strict    bool
	session   uint64
	streams   []*stream
	sections  []*stream // those that have one, in the order of descriptions
	settled   int       // how many sections the last concluded exchange has left
	state     jsep.State
	ice       ICEState // without regard to gathering
	created   *Description
	version   uint64
	pending   [2]*Description // local and remote
	current   [2]*Description
	events    []Event
}

const local, remote = 0, 1

// NewConnection returns a connection without streams. It fails if the pool has no port for a new transport.
func NewConnection(c Config) (*Connection, error) {
	n := &Connection{name: c.Name, pool: c.Pool, transport: c.Transport, strict: c.Strict, session: c.Session, ice: ICEWaiting}
	if err := n.transport.join(n); err != nil {
		return nil, err
	}
	return n, nil
}

// Name returns the connection's name.
func (c *Connection) Name() string { return c.name }

// Transport returns what the connection shares with its clones.
func (c *Connection) Transport() *Transport { return c.transport }

// Pool returns where its resources come from.
func (c *Connection) Pool() *Pool { return c.pool }

// JSEP returns the state of offers and answers.
func (c *Connection) JSEP() jsep.State { return c.state }

// State returns the state that follows from what is described.
func (c *Connection) State() State {
	switch l, r := c.Local() != nil, c.Remote() != nil; {
	case c.closed():
		return Closed
	case l && r:
		return Active
	case l || r:
		return Opening
	}
	return New
}

func (c *Connection) closed() bool { return c.state == jsep.Closed }

// ICE returns the state of ICE.
func (c *Connection) ICE() ICEState {
	if c.ice != ICEClosed && c.transport.gathering {
		return ICEGathering
	}
	return c.ice
}

// Local returns the local description, the pending one if there is one (RFC 8829 §4.1.13, §4.1.14), with the candidates
// that are known now; nil if none is set.
func (c *Connection) Local() *Description {
	d := c.description(local)
	if d != nil {
		d = d.clone()
		d.Candidates = c.transport.Candidates()
	}
	return d
}

// Remote returns the remote description, the pending one if there is one; nil if none is set.
func (c *Connection) Remote() *Description { return c.description(remote) }

func (c *Connection) description(side int) *Description {
	if c.pending[side] != nil {
		return c.pending[side]
	}
	return c.current[side]
}

// Streams returns the connection's streams, in the order in which they came.
func (c *Connection) Streams() []StreamState {
	states := make([]StreamState, len(c.streams))
	for i, s := range c.streams {
		states[i] = StreamState{Stream: s.Stream, Agreed: s.agreed, Current: s.current}
		states[i].Direction = s.wanted
	}
	return states
}

// named returns the stream with that id, of its own or of its section; nil if there is none.
func (c *Connection) named(id string) *stream {
	i := slices.IndexFunc(c.streams, func(s *stream) bool { return s.ID == id || s.mid == id })
	if i < 0 {
		return nil
	}
	return c.streams[i]
}

// AddStream adds a stream, which the next offer has a section for. It takes no resources yet.
func (c *Connection) AddStream(s Stream) error {
	switch {
	case c.closed():
		return ErrClosed
	case c.named(s.ID) != nil:
		return ErrStreamExists
	}
	c.streams = append(c.streams, &stream{source: &source{Stream: s, pool: c.pool}, wanted: s.Direction})
	return nil
}

// RemoveStream ends the sending of a stream for good. Its section stays, and goes on receiving (RFC 8829 §4.1.3); without
// one nothing is left of it.
func (c *Connection) RemoveStream(id string) error {
	s := c.named(id)
	switch {
	case c.closed():
		return ErrClosed
	case s == nil || s.removed:
		return ErrNoStream
	case s.mid == "":
		c.streams = slices.DeleteFunc(c.streams, func(o *stream) bool { return o == s })
		return nil
	}
	s.removed, s.wanted = true, s.wanted&RecvOnly
	s.settle(s.reserved&RecvOnly, s.current&RecvOnly)
	return nil
}

// SetDirection says what is wanted of a stream. As far as it is agreed on it takes effect at once, and takes or gives back
// what it needs; what goes beyond that has to be offered. What an open exchange has reserved stays so. An error changes nothing.
//
// Deviation (RFC 8829 §4.2.3): there only the next answer takes effect. Rules 12 and 13 of 000 manage directions with it.
func (c *Connection) SetDirection(id string, d Direction) error {
	s := c.named(id)
	switch {
	case c.closed():
		return ErrClosed
	case s == nil || s.removed && d.Sends():
		return ErrNoStream
	}
	fitted, err := c.afford(func(o *stream) Direction {
		if o != s {
			return Inactive
		}
		return s.agreed & d
	})
	if err != nil {
		return err
	}
	s.wanted = d
	s.settle(s.reserved, fitted[s])
	return nil
}

// SetICE says what became of the checks. They begin by themselves, when both sides are known and the candidates are there;
// that they begin again after they have failed is said here too.
func (c *Connection) SetICE(state ICEState) error {
	switch {
	case c.ice == ICEClosed:
		return ErrICEClosed
	case c.transport.gathering && state != ICEClosed:
		return ErrGathering
	}
	if err := state.follows(c.ice); err != nil {
		return err
	}
	c.setICE(state)
	return nil
}

func (c *Connection) setICE(state ICEState) {
	if c.ice != state {
		c.ice = state
		c.tell(Event{Kind: ICEChanged, ICE: c.ICE()})
	}
}

// check begins the checks if everything is there, and ends them when the other side is gone.
func (c *Connection) check() {
	switch complete := c.State() == Active; {
	case c.ice == ICEClosed || c.transport.gathering:
	case complete && c.ice == ICEWaiting:
		c.setICE(ICEChecking)
	case !complete:
		c.setICE(ICEWaiting)
	}
}

// Close gives everything back. The port stays open for others that use it.
func (c *Connection) Close() {
	if c.closed() {
		return
	}
	for _, s := range c.streams {
		s.settle(Inactive, Inactive)
	}
	c.setICE(ICEClosed)
	c.transport.leave(c)
	c.move(jsep.Closed)
}

// move goes to a state, and tells of it.
func (c *Connection) move(to jsep.State) {
	c.state = to
	c.tell(Event{Kind: StateChanged, State: c.State(), JSEP: to})
}

func (c *Connection) tell(e Event) { c.events = append(c.events, e) }

// PollEvent returns an event; false when drained.
func (c *Connection) PollEvent() (Event, bool) {
	if len(c.events) == 0 {
		return Event{}, false
	}
	e := c.events[0]
	if c.events = c.events[1:]; len(c.events) == 0 {
		c.events = nil
	}
	return e, true
}
