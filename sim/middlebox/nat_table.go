package middlebox

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// maxOpenings bounds the remote addresses that the filter of one mapping lets
// in. A further one takes the place of the one that was used least recently.
const maxOpenings = 64

// natTable holds the mappings of one protocol. The list through older and newer
// is ordered by when they were last kept alive, so that the head is the next to
// expire.
type natTable struct {
	timeout    time.Duration
	byInternal map[natKey]*mapping
	byExternal map[packet.Addr]*mapping
	head, tail *mapping // oldest, newest
	active     int
	used       [][4]int // mappings by external address and class of port
	sequence   []uint16 // the last port given, by external address
}

// natKey is what mappings are found by from inside. Of the remote address it has
// what the mapping depends on.
type natKey struct{ internal, remote packet.Addr }

type mapping struct {
	natKey
	external     packet.Addr
	pool         int // index of the external address
	alive        simtime.Time
	openings     []opening
	older, newer *mapping
}

// opening is a remote address that the filter lets in.
type opening struct {
	remote packet.Addr
	alive  simtime.Time
}

func (t *natTable) init(externals int) {
	t.byInternal = map[natKey]*mapping{}
	t.byExternal = map[packet.Addr]*mapping{}
	t.used = make([][4]int, externals)
	t.sequence = make([]uint16, externals)
}

// mask keeps of a remote address what matters.
func (d Dependence) mask(a packet.Addr) packet.Addr {
	switch d {
	case EndpointIndependent:
		return packet.Addr{}
	case AddressDependent:
		a.Port = 0
	case AddressAndPortDependent:
	}
	return a
}

// expire forgets mappings that nothing has kept alive for their timeout.
func (n *NAT) expire(now simtime.Time) {
	for i := range n.tables {
		t := &n.tables[i]
		for t.head != nil && now.Sub(t.head.alive) >= t.timeout {
			t.remove(t.head)
			n.stats.Expired++
		}
	}
}

// outbound finds or makes the mapping for a packet from inside, keeps it alive
// and opens the filter for what the packet is sent to. It returns nil if there
// is no port left.
func (n *NAT) outbound(now simtime.Time, internal, remote packet.Addr, protocol packet.Protocol) *mapping {
	t := &n.tables[protocol]
	key := natKey{internal, n.Mapping.mask(remote)}
	m := t.byInternal[key]
	if m == nil {
		external, pool, ok := n.assign(internal, protocol)
		if !ok {
			return nil
		}
		m = &mapping{natKey: key, external: external, pool: pool}
		t.byInternal[key] = m
		t.byExternal[external] = m
		t.used[pool][class(external.Port)]++
		t.active++
		t.append(m)
		n.stats.Created++
	}
	t.keepAlive(now, m)
	if n.Filtering != EndpointIndependent && m.open(now, n.Filtering.mask(remote)) {
		n.stats.Evicted++
	}
	return m
}

// inbound finds the mapping for a packet from outside, or counts why it doesn't
// pass.
func (n *NAT) inbound(now simtime.Time, remote, external packet.Addr, protocol packet.Protocol) *mapping {
	t := &n.tables[protocol]
	m := t.byExternal[external]
	if m == nil {
		n.stats.Unmapped++
		return nil
	}
	if n.Filtering != EndpointIndependent {
		o := m.opening(n.Filtering.mask(remote))
		if o == nil || now.Sub(o.alive) >= t.timeout {
			n.stats.Filtered++
			return nil
		}
		if n.InboundRefresh {
			o.alive = now
		}
	}
	if n.InboundRefresh {
		t.keepAlive(now, m)
	}
	return m
}

// opening returns the one for a remote address; nil if there is none.
func (m *mapping) opening(remote packet.Addr) *opening {
	for i := range m.openings {
		if m.openings[i].remote == remote {
			return &m.openings[i]
		}
	}
	return nil
}

// open makes or renews an opening. It reports whether another one had to go.
func (m *mapping) open(now simtime.Time, remote packet.Addr) (evicted bool) {
	if o := m.opening(remote); o != nil {
		o.alive = now
		return false
	}
	if len(m.openings) < maxOpenings {
		m.openings = append(m.openings, opening{remote, now})
		return false
	}
	oldest := &m.openings[0]
	for i := range m.openings {
		if m.openings[i].alive < oldest.alive {
			oldest = &m.openings[i]
		}
	}
	*oldest = opening{remote, now}
	return true
}

// keepAlive moves a mapping to the end of the list.
func (t *natTable) keepAlive(now simtime.Time, m *mapping) {
	m.alive = now
	if t.tail != m {
		t.unlink(m)
		t.append(m)
	}
}

func (t *natTable) append(m *mapping) {
	m.older, m.newer = t.tail, nil
	if t.tail == nil {
		t.head = m
	} else {
		t.tail.newer = m
	}
	t.tail = m
}

func (t *natTable) unlink(m *mapping) {
	if m.older == nil {
		t.head = m.newer
	} else {
		m.older.newer = m.newer
	}
	if m.newer == nil {
		t.tail = m.older
	} else {
		m.newer.older = m.older
	}
}

func (t *natTable) remove(m *mapping) {
	t.unlink(m)
	delete(t.byInternal, m.natKey)
	delete(t.byExternal, m.external)
	t.used[m.pool][class(m.external.Port)]--
	t.active--
}
