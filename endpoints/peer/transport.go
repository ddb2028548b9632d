package peer

import (
	"slices"

	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/packet"
)

// TransportConfig describes a transport.
type TransportConfig struct {
	Addr        packet.Addr
	ICE         ice.Credentials
	Fingerprint dtls.Fingerprint
}

// Transport is a local port with its candidates, credentials and certificate. A connection and its clones share it, and it
// stays open until the last of them is closed (000, rules 3 and 5). Gathering is a matter of the port, and common to all;
// whatever else ICE does isn't (rule 8).
type Transport struct {
	config     TransportConfig
	candidates []ice.Candidate
	gathering  bool
	gatherings int
	members    []*Connection
	closed     bool
}

// NewTransport returns a transport that gathers its candidates. The first connection on it takes a port of its pool.
func NewTransport(c TransportConfig) *Transport {
	return &Transport{config: c, gathering: true, gatherings: 1}
}

// Config returns what the transport was made of.
func (t *Transport) Config() TransportConfig { return t.config }

// Candidates returns what has been gathered.
func (t *Transport) Candidates() []ice.Candidate { return slices.Clone(t.candidates) }

// Gatherings returns how often candidates have been, or are, gathered.
func (t *Transport) Gatherings() int { return t.gatherings }

// Open reports whether a connection is on it, or one may be the first.
func (t *Transport) Open() bool { return !t.closed }

// Gather begins to gather again, as in a new network.
func (t *Transport) Gather() {
	if !t.gathering && !t.closed {
		t.gathering = true
		t.gatherings++
		t.tell()
	}
}

// Gathered ends the gathering. ICE goes on where it was, or begins where only the candidates were missing.
func (t *Transport) Gathered(candidates ...ice.Candidate) {
	if !t.gathering || t.closed {
		return
	}
	t.candidates, t.gathering = slices.Clone(candidates), false
	t.tell()
	for _, c := range t.members {
		c.check()
	}
}

// tell tells of the state of ICE at all connections whose it is.
func (t *Transport) tell() {
	for _, c := range t.members {
		if c.ice != ICEClosed {
			c.tell(Event{Kind: ICEChanged, ICE: c.ICE()})
		}
	}
}

// Connection returns the one whose other end has that user fragment: requests of several on one port are told apart by it
// (RFC 8445 §7.2.2, 000, rule 8). It returns nil if there is none.
func (t *Transport) Connection(remoteFragment string) *Connection {
	for _, c := range t.members {
		if r := c.Remote(); r != nil && c.ice != ICEClosed && r.ICE.Fragment == remoteFragment {
			return c
		}
	}
	return nil
}

// join puts a connection on the transport.
func (t *Transport) join(c *Connection) error {
	switch {
	case t.closed:
		return ErrTransportClosed
	case len(t.members) > 0 && t.members[0].pool != c.pool:
		return ErrOtherPool
	case len(t.members) == 0 && !c.pool.has(Port, 1):
		c.pool.refused[Port]++
		return LackError{{c.name, Port}}
	case len(t.members) == 0:
		c.pool.take(Port, 1)
	}
	t.members = append(t.members, c)
	return nil
}

// leave takes it away, and closes the port behind the last one.
func (t *Transport) leave(c *Connection) {
	t.members = slices.DeleteFunc(t.members, func(o *Connection) bool { return o == c })
	if len(t.members) == 0 {
		t.closed = true
		c.pool.giveBack(Port, 1)
	}
}
