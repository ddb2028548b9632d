package fabric

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Middlebox stands at a node and handles every packet that comes by, whether
// it goes on or stays: a NAT, a firewall, a router that clears markings.
type Middlebox interface {
	// Handle may rewrite addresses and markings. It returns false if the
	// packet mustn't pass; the fabric then drops it. from is the link that
	// brought it, nil if a port of this node sent it.
	Handle(now simtime.Time, p *packet.Packet, from *Link) bool
}

// Insert puts a middlebox at a node, behind those that are there already.
func (n *Node) Insert(m Middlebox) { n.boxes = append(n.boxes, m) }

// pass sends p through the node's middleboxes. It reports false if one has
// blocked it, in which case p is gone.
func (f *Fabric) pass(now simtime.Time, n *Node, p *packet.Packet, from *Link) bool {
	for _, m := range n.boxes {
		dst := p.Dst.IP
		if !m.Handle(now, p, from) {
			f.blocked++
			f.drop(now, nil, p, Blocked)
			return false
		}
		if p.Dst.IP != dst && !f.resolve(now, p) {
			return false
		}
	}
	return true
}
