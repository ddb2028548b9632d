package peer

import (
	"slices"

	"rtpfabric/endpoints/jsep"
)

// Clone returns a connection that waits for another answer to the local description. Its package's documentation says what it
// has of c; c doesn't change. A strict connection can't be cloned without the resources for its local description.
func (c *Connection) Clone(name string) (*Connection, error) {
	if err := c.transportable(); err != nil {
		return nil, err
	}
	d := c.description(local)
	if d == nil {
		return nil, ErrNoLocal
	}
	d = d.clone()
	d.Setup, d.Answers = jsep.ActPass, 0 // it may have been an answer
	n := &Connection{
		name: name, pool: c.pool, transport: c.transport, strict: c.strict, session: c.session, ice: ICEWaiting,
		state: jsep.HaveLocalOffer, created: d, version: c.version, pending: [2]*Description{local: d},
	}
	if err := n.transport.join(n); err != nil {
		return nil, err
	}
	n.inherit(c, d)
	fitted, err := n.afford(func(s *stream) Direction { return s.reserved &^ s.holds(s.reserved) })
	if err != nil {
		n.Close()
		return nil, err
	}
	for _, s := range n.streams {
		s.settle(s.holds(s.reserved)|fitted[s], Inactive)
	}
	return n, nil
}

// inherit copies the streams of a connection. What that one's open exchange holds is held together; what a final answer has
// freed is still to be had (000, rule 11).
func (c *Connection) inherit(parent *Connection, d *Description) {
	open := parent.state == jsep.HaveLocalOffer || parent.state == jsep.HaveRemotePranswer || parent.state == jsep.HaveLocalPranswer
	c.sections = make([]*stream, len(d.Sections))
	for _, s := range parent.streams {
		i := slices.Index(parent.sections, s)
		described := i >= 0 && i < len(d.Sections)
		if s.foreign && !described {
			continue
		}
		o := &stream{source: s.source, foreign: s.foreign, removed: s.removed, wanted: s.wanted}
		c.streams = append(c.streams, o)
		if !described {
			continue
		}
		c.sections[i] = o
		o.mid, o.reserved = s.mid, o.possible(d.Direction(i))
		o.wanted |= o.reserved
		for _, half := range halves {
			for _, r := range half.needs {
				if g := s.held[r]; open && g != nil && o.reserved&half.direction != 0 {
					o.share(r, g)
				}
			}
		}
	}
}

// holds returns the halves of a direction that the stream holds everything for.
func (s *stream) holds(d Direction) Direction {
	for _, half := range halves {
		if slices.ContainsFunc(half.needs, func(r Resource) bool { return s.held[r] == nil }) {
			d &^= half.direction
		}
	}
	return d
}

// CloneFor is Clone for another end that has answered an offer of c's. It fails if the local description isn't that offer
// any more (000: "as long as the local description has not changed"). The answer is still to be applied.
func (c *Connection) CloneFor(name string, answer *Description) (*Connection, error) {
	if d := c.description(local); d != nil && answer.Answers != 0 && answer.Answers != d.Version {
		return nil, ErrChanged
	}
	return c.Clone(name)
}

// CloneTransport returns a connection on the same transport with nothing else of c: its media are negotiated from the
// beginning, which takes another offer and answer, and are encoded once more. Nothing is gathered (000, thread: "what you need is
// a clone operation for the transport object"). NewConnection with a transport that is in use binds a connection to it in the same way.
func (c *Connection) CloneTransport(name string) (*Connection, error) {
	if err := c.transportable(); err != nil {
		return nil, err
	}
	return NewConnection(Config{Name: name, Pool: c.pool, Transport: c.transport, Strict: c.strict, Session: c.session})
}

// transportable returns why the transport can't be cloned (000, rule 4).
func (c *Connection) transportable() error {
	switch {
	case c.closed():
		return ErrClosed
	case c.ICE() == ICEClosed:
		return ErrICEClosed
	case c.ICE() == ICEGathering:
		return ErrGathering
	}
	return nil
}
