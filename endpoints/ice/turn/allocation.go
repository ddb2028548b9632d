package turn

import (
	"slices"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// allocation is a relayed address that a client has (RFC 8656 §6). Its permissions and channels end with it.
type allocation struct {
	client      client // with the server's address it is the 5-tuple
	relayed     packet.Addr
	user        string
	expires     simtime.Time
	id          transactionID // of the request that made it
	answer      []byte        // to that
	permissions []permit
	channels    []channel
}

// permit is a permission: data of an address may come, and go to it (§9). Ports don't matter.
type permit struct {
	peer    packet.IPv4
	expires simtime.Time
}

// channel is a number that stands for a peer (§12).
type channel struct {
	number  uint16
	peer    packet.Addr
	expires simtime.Time
}

// maxPermissions bounds what a client can make a server remember.
const maxPermissions = 4096

// permits reports whether a permission for an address holds.
func (a *allocation) permits(now simtime.Time, peer packet.IPv4) bool {
	for i := range a.permissions {
		if p := &a.permissions[i]; p.peer == peer {
			return now < p.expires
		}
	}
	return false
}

// room reports whether permissions for so many more addresses can be remembered.
func (a *allocation) room(now simtime.Time, more int) bool {
	a.permissions = slices.DeleteFunc(a.permissions, func(p permit) bool { return p.expires <= now })
	return len(a.permissions)+more <= maxPermissions
}

// permit makes a permission, or lets one hold longer.
func (a *allocation) permit(now simtime.Time, peer packet.IPv4) {
	until := now.Add(PermissionLifetime)
	for i := range a.permissions {
		if p := &a.permissions[i]; p.peer == peer {
			p.expires = until
			return
		}
	}
	a.permissions = append(a.permissions, permit{peer, until})
}

// byNumber returns the peer that a channel is bound to.
func (a *allocation) byNumber(now simtime.Time, number uint16) (peer packet.Addr, ok bool) {
	for i := range a.channels {
		if c := &a.channels[i]; c.number == number && now < c.expires {
			return c.peer, true
		}
	}
	return packet.Addr{}, false
}

// byPeer returns the channel that is bound to a peer.
func (a *allocation) byPeer(now simtime.Time, peer packet.Addr) (number uint16, ok bool) {
	for i := range a.channels {
		if c := &a.channels[i]; c.peer == peer && now < c.expires {
			return c.number, true
		}
	}
	return 0, false
}

// bind binds a channel, or lets it be bound for longer. It reports false if the number stands for another peer, or the peer
// has another number (§12.2).
func (a *allocation) bind(now simtime.Time, number uint16, peer packet.Addr) bool {
	a.channels = slices.DeleteFunc(a.channels, func(c channel) bool { return c.expires <= now })
	until := now.Add(ChannelLifetime)
	for i := range a.channels {
		c := &a.channels[i]
		if c.number != number && c.peer != peer {
			continue
		}
		if c.number != number || c.peer != peer {
			return false
		}
		c.expires = until
		return true
	}
	a.channels = append(a.channels, channel{number, peer, until})
	return true
}

// memory is how long a request may be on its way: so long a server has to remember it (RFC 8489 §6.3.1).
const memory = 40 * time.Second

// grave is what is left of an allocation: a copy of the request that made it, which was late, isn't to make another one.
type grave struct {
	client client
	id     transactionID
	until  simtime.Time
}

// buried reports whether a request has made an allocation that has ended since.
func (s *Server) buried(client client, id transactionID) bool {
	return slices.ContainsFunc(s.gone, func(g grave) bool { return g.client == client && g.id == id })
}

// add makes an allocation known.
func (s *Server) add(a *allocation) {
	s.byClient[a.client], s.byPort[a.relayed.Port] = a, a
	s.byUser[a.user]++
	s.ordered = append(s.ordered, a)
	s.counts.Allocations++
}

// remove ends an allocation.
func (s *Server) remove(now simtime.Time, a *allocation) {
	delete(s.byClient, a.client)
	delete(s.byPort, a.relayed.Port)
	if s.byUser[a.user]--; s.byUser[a.user] == 0 {
		delete(s.byUser, a.user)
	}
	i := slices.Index(s.ordered, a)
	s.ordered = slices.Delete(s.ordered, i, i+1)
	s.gone = append(s.gone, grave{a.client, a.id, now.Add(memory)})
}

// schedule finds out when there is something to do next, and forgets what is long over.
func (s *Server) schedule(now simtime.Time) {
	s.gone = slices.DeleteFunc(s.gone, func(g grave) bool { return g.until <= now })
	s.next = simtime.Never
	for _, a := range s.ordered {
		s.next = min(s.next, a.expires)
	}
	for _, g := range s.gone {
		s.next = min(s.next, g.until)
	}
}

// port draws a port that no allocation has; false if there is none. Where the one that was drawn is taken, it is the next
// one that is free.
func (s *Server) port(even bool) (port uint16, ok bool) {
	first, n := int(s.config.FirstPort), int(s.config.LastPort)-int(s.config.FirstPort)+1
	if n <= 0 {
		return 0, false
	}
	start := int(s.config.Random.Uint64() % uint64(n))
	for i := range n {
		port := uint16(first + (start+i)%n)
		if even && port%2 != 0 || port == s.config.Addr.Port || s.byPort[port] != nil {
			continue
		}
		return port, true
	}
	return 0, false
}
