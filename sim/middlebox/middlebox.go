// Package middlebox holds what stands in a packet's way besides queues: network
// address translators, firewalls, and routers that clear markings. Each is a
// [fabric.Middlebox] at a node and sees every packet that comes by it.
//
// Several at one node see a packet in the order in which they were inserted,
// whichever way it goes. A firewall and a NAT therefore need nodes of their own:
// at one node, the firewall would see inside addresses in one direction and
// external ones in the other.
package middlebox

import (
	"rtpfabric/sim/packet"
)

// Hosts is a set of addresses.
type Hosts map[packet.IPv4]struct{}

// NewHosts makes a set.
func NewHosts(addrs ...packet.IPv4) Hosts {
	h := make(Hosts, len(addrs))
	for _, a := range addrs {
		h[a] = struct{}{}
	}
	return h
}

// Add puts an address into the set.
func (h Hosts) Add(a packet.IPv4) { h[a] = struct{}{} }

// Has reports whether an address is in the set.
func (h Hosts) Has(a packet.IPv4) bool {
	_, ok := h[a]
	return ok
}
