package topologies

import (
	"errors"
	"slices"

	"rtpfabric/endpoints/signalling/carrier"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/traffic/tcp"
)

// signallingPlace is where a node of signalling stands.
type signallingPlace struct{ name, at string }

// signallingPlaces returns those of all nodes of signalling, in the order of their addresses, which begin with firstSignalling.
func (c *Config) signallingPlaces() []signallingPlace {
	g := c.Signalling
	if g == nil || len(c.Calls) == 0 {
		return nil
	}
	end := func(name string) signallingPlace {
		i := slices.IndexFunc(c.Endpoints, func(e Endpoint) bool { return e.Name == name })
		return signallingPlace{name, c.Endpoints[i].At}
	}
	between := signallingPlace{"server", g.At}
	if g.Gateway != nil {
		between.name = "gateway"
	}
	if c.Type != Fork {
		return []signallingPlace{end(c.Calls[0].A), end(c.Calls[0].B), between}
	}
	list := []signallingPlace{end(c.Calls[0].A), between}
	for _, call := range c.Calls {
		list = append(list, end(call.B))
	}
	return list
}

// signallingAddrs returns the addresses of the nodes of signalling at a node of the network.
func (c *Config) signallingAddrs(node string) []packet.IPv4 {
	var list []packet.IPv4
	for i, p := range c.signallingPlaces() {
		if p.at == node {
			list = append(list, firstSignalling+packet.IPv4(i))
		}
	}
	return list
}

// signallingCaller is a connection that somebody has opened, who hasn't said yet who it is.
type signallingCaller struct {
	conn *tcp.Conn
	said []byte
}

// receive gives connections whose callers are known to their legs, and resets those that are nobody's.
func (h *signallingHost) receive(now simtime.Time) {
	h.callers = slices.DeleteFunc(h.callers, func(c *signallingCaller) bool {
		if c.conn.State() == tcp.Closed {
			return true
		}
		c.said = append(c.said, c.conn.ReadContent()...)
		l, stream, err := h.called(c)
		switch {
		case errors.Is(err, carrier.ErrIncomplete):
			return false
		case err != nil || l == nil || stream >= len(l.conns) || l.conns[stream] != nil:
			c.conn.Abort()
		default:
			h.adopt(now, l, stream, c)
		}
		return true
	})
}

// called returns the leg and the stream of it that a caller wants; no leg if there is none. A user agent of SIP knows one
// peer.
func (h *signallingHost) called(c *signallingCaller) (*signallingLeg, int, error) {
	if c.conn.Local().Port == portSIP {
		return h.legs[0], 0, nil
	}
	name, stream, err := carrier.Caller(c.said)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range h.legs {
		if l.protocol == "ROAP" && l.peer.name == name {
			return l, stream, nil
		}
	}
	return nil, 0, nil
}

// adopt gives a leg its connection, with what has come on it.
func (h *signallingHost) adopt(now simtime.Time, l *signallingLeg, stream int, c *signallingCaller) {
	l.conns[stream] = c.conn
	if len(c.said) == 0 { // it may have to be established yet
		return
	}
	l.opened[stream] = true
	l.end.Open(now, stream)
	if err := l.end.Feed(now, stream, c.said); err != nil {
		h.lose(now, l, err)
	}
}
