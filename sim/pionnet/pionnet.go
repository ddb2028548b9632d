// Package pionnet sends packets through vnet, the virtual network of pion's
// transport, in virtual time: the same packets at the same times as through the
// fabric, so that one can be held against the other. Both of vnet's lines are here,
// v2 and v4.
//
// A vnet is a tree of routers. What shapes packets (a bucket, a delay) stands before
// a router or a host and sees what comes from the router above; on the way up there is
// nothing but the delay of a router, which holds for both directions. Every router below
// another translates addresses, at the least one to one.
package pionnet

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Version is a line of pion/transport.
type Version string

// The lines.
const (
	V2 Version = "v2"
	V4 Version = "v4"
)

// Router is one of the tree.
type Router struct {
	Name string
	// Delay of every packet that passes the router.
	Delay time.Duration
	// Above is what lies between the router above and this one; the root has none.
	Above Path
	// NAT translates the addresses below, unless it is nil.
	NAT     *NAT
	Hosts   []Host
	Routers []*Router
	// Loses are the packets that are lost here: their places in the list that is
	// played.
	Loses map[int]bool
}

// Host is where packets come from and go to.
type Host struct {
	Addr packet.IPv4 // that packets to be played name
	// Above is what lies between the router and the host.
	Above Path
}

// Path joins a router or a host and the router above.
type Path struct {
	// Delay in both directions.
	Delay time.Duration
	// Down is what packets meet on their way down, before that delay.
	Down Stage
}

// Stage shapes packets. Its zero value does nothing.
type Stage struct {
	// Rate of a token bucket that holds Burst; 0 for none.
	Rate  units.BitRate
	Burst units.Bytes
	// Queue is how much may wait for tokens.
	Queue units.Bytes
	// Changes of the rate, in order of time.
	Changes []Change
	// Delay of what has left the queue.
	Delay time.Duration
}

// Change sets the rate and the queue of a stage.
type Change struct {
	At    simtime.Time
	Rate  units.BitRate
	Queue units.Bytes
}

// Dependence says which part of a remote address matters to a NAT (RFC 4787 §4.1, §5).
type Dependence uint8

// The dependences, with vnet's numbers.
const (
	EndpointIndependent Dependence = iota
	AddressDependent
	AddressAndPortDependent
)

// NAT is how a router translates addresses. Mappings are made alive again from inside
// only; ports are given out one after the other; nothing is turned back that comes from inside.
type NAT struct {
	External           packet.IPv4 // that packets to be played name
	Mapping, Filtering Dependence
	Timeout            time.Duration
}

// Packet is one to be played.
type Packet struct {
	At       simtime.Time
	From, To packet.Addr
	Size     units.Bytes // with IP and UDP headers
	// Inner is the host's address that To stands for, if that is one of a NAT and somebody
	// knows; Seen what the host sees as From. They say which of vnet's addresses stand for
	// which of ours.
	Inner, Seen packet.Addr
}

// Fate is what became of a packet.
type Fate struct {
	Sent      simtime.Time
	Arrived   simtime.Time // simtime.Never if it didn't
	Addressed bool         // vnet had an address for it
}

// Delay is how long the packet was under way.
func (f *Fate) Delay() time.Duration { return f.Arrived.Sub(f.Sent) }

// Unable is why a vnet can't be as the tree says.
type Unable struct{ Reason string }

func (u *Unable) Error() string { return u.Reason }
