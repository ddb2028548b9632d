package middlebox

import "rtpfabric/sim/packet"

// wellKnown is where the well-known ports end (RFC 4787 §4.2.1).
const wellKnown = 1024

// class numbers a port's kind: well-known or not, even or odd.
func class(port uint16) int {
	c := int(port & 1)
	if port >= wellKnown {
		c += 2
	}
	return c
}

// assign picks a free external address and port for an internal one. pool is the
// address's index.
func (n *NAT) assign(internal packet.Addr, protocol packet.Protocol) (external packet.Addr, pool int, ok bool) {
	switch n.Pooling {
	case Paired:
		pool, ok = n.paired[internal.IP]
		if !ok {
			pool = n.turn
			n.turn = (n.turn + 1) % len(n.External)
			n.paired[internal.IP] = pool
		}
		port, ok := n.assignPort(pool, internal.Port, protocol)
		return packet.Addr{IP: n.External[pool], Port: port}, pool, ok
	case Arbitrary:
		for range n.External {
			pool = n.turn
			n.turn = (n.turn + 1) % len(n.External)
			if port, ok := n.assignPort(pool, internal.Port, protocol); ok {
				return packet.Addr{IP: n.External[pool], Port: port}, pool, true
			}
		}
	}
	return packet.Addr{}, 0, false
}

// portRange returns the external ports that an internal one may be mapped to:
// those of its own kind, or all if the bounds leave none of that kind.
func (n *NAT) portRange(internal uint16) (first, last int) {
	first, last = int(n.FirstPort), int(n.LastPort)
	switch {
	case internal < wellKnown && first < wellKnown:
		last = min(last, wellKnown-1)
	case internal >= wellKnown && last >= wellKnown:
		first = max(first, wellKnown)
	}
	return first, last
}

// assignPort picks a free port of one external address.
func (n *NAT) assignPort(pool int, internal uint16, protocol packet.Protocol) (uint16, bool) {
	first, last := n.portRange(internal)
	step := 1
	if n.KeepParity {
		step = 2
		if first&1 != int(internal&1) {
			first++
		}
	}
	t := &n.tables[protocol]
	size := (last-first)/step + 1
	if first > last || taken(t.used[pool], first, last, step) >= size {
		return 0, false
	}
	start := 0
	switch n.Ports {
	case PreservePort:
		if p := int(internal); p >= first && p <= last {
			start = (p - first) / step
		}
	case SequentialPort:
		if p := int(t.sequence[pool]); p >= first && p <= last {
			start = (p-first)/step + 1
		}
	case RandomPort:
		start = int(n.Random.Uint64() % uint64(size))
	}
	for i := range size {
		port := uint16(first + (start+i)%size*step)
		if t.byExternal[packet.Addr{IP: n.External[pool], Port: port}] == nil {
			t.sequence[pool] = port
			return port, true
		}
	}
	return 0, false
}

// taken counts the used ports in a range that begins and ends within the NAT's
// bounds, from the counts by class.
func taken(used [4]int, first, last, step int) int {
	sum := 0
	for c, count := range used {
		low, odd := c < 2, c&1
		if step == 2 && odd != first&1 || low && first >= wellKnown || !low && last < wellKnown {
			continue
		}
		sum += count
	}
	return sum
}
