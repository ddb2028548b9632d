package middlebox

import (
	"errors"
	"fmt"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// NAT translates addresses and ports of UDP and TCP between hosts on its inside
// and everything else (RFC 4787). Its behaviours never change (REQ-11).
//
// A packet from an inside host to somewhere else leaves with an external
// address; one for an external address that has a mapping and passes the filter
// goes to the inside host. Every other packet for an external or an inside
// address that comes from outside is dropped. The rest passes untouched.
//
// TCP is translated like UDP, without regard to its states. ICMP (REQ-12),
// fragments (REQ-13, REQ-14) and ALGs (REQ-10) don't exist in the fabric.
type NAT struct {
	NATConfig
	inside   Hosts
	external Hosts
	tables   [2]natTable // by protocol
	paired   map[packet.IPv4]int
	turn     int // next external address
	stats    NATStats
}

// Dependence says which part of a remote address matters.
type Dependence uint8

// The dependences, of mapping (RFC 4787 §4.1) and of filtering (§5).
const (
	EndpointIndependent Dependence = iota
	AddressDependent
	AddressAndPortDependent
)

// Pooling says which of several external addresses a mapping gets (§4.1).
type Pooling uint8

// The poolings.
const (
	Paired    Pooling = iota // always the same for one inside host
	Arbitrary                // the next one, in turn
)

// PortAssignment says which external port a mapping gets (§4.2.1). None
// overloads a port: it is free, or another is taken (REQ-3).
type PortAssignment uint8

// The port assignments.
const (
	PreservePort   PortAssignment = iota // the inside port if it is free, else the next free one
	SequentialPort                       // one after the other
	RandomPort                           // any free one
)

// Hairpinning says what happens to packets from inside to an external address
// of the NAT (§6).
type Hairpinning uint8

// The hairpinnings.
const (
	HairpinExternal Hairpinning = iota // they come from the sender's external address (REQ-9a)
	HairpinInternal                    // they come from its internal one
	NoHairpin                          // they are dropped
)

// NATConfig describes a NAT. With its zero values and one external address it
// meets RFC 4787, but for the recommended REQ-4, which is KeepParity.
type NATConfig struct {
	// External addresses, one or more, that nobody else in the fabric has.
	External []packet.IPv4
	Pooling  Pooling

	Mapping, Filtering Dependence
	Hairpinning        Hairpinning

	Ports PortAssignment
	// KeepParity maps even ports to even ones, odd to odd (REQ-4).
	KeepParity bool
	// FirstPort and LastPort bound the external ports; 0 means 1 and 65535.
	// Inside the bounds, ports below 1024 are mapped to such, and others to
	// others (REQ-3a).
	FirstPort, LastPort uint16
	// Random is for RandomPort.
	Random *rng.Stream

	// Timeout is how long a UDP mapping and a filter's opening live without a
	// packet; 0 means 5 minutes (REQ-5c). Less than 2 minutes violate REQ-5.
	Timeout time.Duration
	// TimeoutTCP is the same for TCP; 0 means 2 h 4 min (RFC 5382 REQ-5).
	TimeoutTCP time.Duration
	// InboundRefresh says that packets from outside keep a mapping alive too
	// (REQ-6a). Those from inside always do.
	InboundRefresh bool
}

// FullCone returns the behaviours once known by that name (RFC 3489 §5): nothing
// depends on the remote address.
func FullCone(external ...packet.IPv4) NATConfig {
	return NATConfig{External: external, KeepParity: true}
}

// RestrictedCone filters by address.
func RestrictedCone(external ...packet.IPv4) NATConfig {
	return NATConfig{External: external, KeepParity: true, Filtering: AddressDependent}
}

// PortRestrictedCone filters by address and port.
func PortRestrictedCone(external ...packet.IPv4) NATConfig {
	return NATConfig{External: external, KeepParity: true, Filtering: AddressAndPortDependent}
}

// Symmetric maps and filters by address and port.
func Symmetric(external ...packet.IPv4) NATConfig {
	return NATConfig{
		External: external, KeepParity: true,
		Mapping: AddressAndPortDependent, Filtering: AddressAndPortDependent,
	}
}

// NATStats counts what a NAT did.
type NATStats struct {
	Created, Expired uint64 // mappings
	Active           int    // mappings now
	Translated       uint64 // packets
	Hairpinned       uint64 // packets from inside to inside, of the translated ones
	Filtered         uint64 // packets from outside that the filter dropped
	Unmapped         uint64 // packets from outside without a mapping
	Exhausted        uint64 // packets from inside for which there was no port
	Evicted          uint64 // openings of filters that made room for others
}

// NewNAT puts a NAT at a node of the fabric, attaches its external addresses
// there, and gives it hosts on its inside.
func NewNAT(f *fabric.Fabric, node *fabric.Node, c NATConfig, inside ...packet.IPv4) (*NAT, error) {
	if c.FirstPort == 0 {
		c.FirstPort = 1
	}
	if c.LastPort == 0 {
		c.LastPort = 65535
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Minute
	}
	if c.TimeoutTCP == 0 {
		c.TimeoutTCP = 2*time.Hour + 4*time.Minute
	}
	n := &NAT{NATConfig: c, inside: NewHosts(inside...), external: NewHosts(c.External...), paired: map[packet.IPv4]int{}}
	if err := n.check(); err != nil {
		return nil, err
	}
	for protocol := range n.tables {
		n.tables[protocol].init(len(c.External))
	}
	n.tables[packet.UDP].timeout = c.Timeout
	n.tables[packet.TCP].timeout = c.TimeoutTCP
	for _, a := range c.External {
		f.Attach(node, a, sink{f.Pool()})
	}
	node.Insert(n)
	return n, nil
}

func (n *NAT) check() error {
	switch {
	case len(n.External) == 0:
		return errors.New("nat: external: there is no address: write one or more")
	case len(n.external) < len(n.External):
		return errors.New("nat: external: an address comes twice: write different ones")
	case n.FirstPort > n.LastPort:
		return fmt.Errorf("nat: ports: %d to %d is empty: write the lower one first", n.FirstPort, n.LastPort)
	case n.Ports == RandomPort && n.Random == nil:
		return errors.New("nat: random: it is missing: write a stream for random ports")
	case n.Timeout < 0 || n.TimeoutTCP < 0:
		return fmt.Errorf("nat: timeout: %v or %v is negative: write a time above 0", n.Timeout, n.TimeoutTCP)
	}
	for _, a := range n.External {
		if n.inside.Has(a) {
			return fmt.Errorf("nat: external: %v is inside as well: write one that isn't", a)
		}
	}
	return nil
}

// sink stands at the external addresses, to which nothing gets through.
type sink struct{ pool *packet.Pool }

func (s sink) Receive(_ simtime.Time, p *packet.Packet) { s.pool.Release(p) }

// AddInside puts a host on the inside.
func (n *NAT) AddInside(a packet.IPv4) { n.inside.Add(a) }

// Inside reports whether a host is on the inside.
func (n *NAT) Inside(a packet.IPv4) bool { return n.inside.Has(a) }

// Stats returns the counts so far; Active is as of the given time.
func (n *NAT) Stats(now simtime.Time) NATStats {
	n.expire(now)
	s := n.stats
	s.Active = n.tables[packet.UDP].active + n.tables[packet.TCP].active
	return s
}

// Map does with the tables what a packet from internal to remote would do, and
// returns the packet's external address: what a STUN server at remote would have
// seen before the call. It returns false if there is no free port, or if internal
// isn't inside.
func (n *NAT) Map(now simtime.Time, internal, remote packet.Addr, protocol packet.Protocol) (packet.Addr, bool) {
	if !n.inside.Has(internal.IP) {
		return packet.Addr{}, false
	}
	n.expire(now)
	m := n.outbound(now, internal, remote, protocol)
	if m == nil {
		return packet.Addr{}, false
	}
	return m.external, true
}

// Handle translates p, or returns false if it mustn't pass.
func (n *NAT) Handle(now simtime.Time, p *packet.Packet, _ *fabric.Link) bool {
	fromInside, toExternal := n.inside.Has(p.Src.IP), n.external.Has(p.Dst.IP)
	if !toExternal {
		toInside := n.inside.Has(p.Dst.IP)
		switch {
		case fromInside == toInside:
			return true
		case toInside:
			n.stats.Unmapped++
			return false
		}
	}
	n.expire(now)
	src, cameFrom, wentTo := p.Src, p.Src, p.Dst
	if fromInside {
		if toExternal && n.Hairpinning == NoHairpin {
			n.stats.Unmapped++
			return false
		}
		m := n.outbound(now, p.Src, p.Dst, p.Protocol)
		if m == nil {
			n.stats.Exhausted++
			return false
		}
		src = m.external
	}
	if toExternal {
		m := n.inbound(now, src, p.Dst, p.Protocol)
		if m == nil {
			return false
		}
		p.Dst = m.internal
		if fromInside {
			n.stats.Hairpinned++
		}
	}
	if !fromInside || !toExternal || n.Hairpinning == HairpinExternal {
		p.Src = src
	}
	rewriteSegment(p, cameFrom, wentTo)
	n.stats.Translated++
	return true
}
