package fabric

import "math"

// Route computes the routes: least cost over the links that are up, and among
// equals the one whose last node but one was reached first, which between paths of
// equal links is the one through the link that was added first. Call it after the
// last AddLink; schedules call it again when a cost changes or a link goes up or
// down.
func (f *Fabric) Route() {
	f.routings++
	for _, n := range f.nodes {
		n.route = make([]*Link, len(f.nodes))
		f.routeFrom(n)
	}
}

// Routings returns how often routes have been computed.
func (f *Fabric) Routings() int { return f.routings }

// routeFrom fills n's table by Dijkstra's algorithm: every node reached takes
// the first link of the shortest path to it. Of nodes at equal distance the one
// that was found first goes first.
func (f *Fabric) routeFrom(n *Node) {
	type label struct {
		distance, found int
		done            bool
	}
	labels := make([]label, len(f.nodes))
	for i := range labels {
		labels[i].distance = math.MaxInt
	}
	labels[n.index] = label{}
	found := 0
	for {
		var at *Node
		for _, m := range f.nodes {
			l := &labels[m.index]
			if l.done || l.distance == math.MaxInt {
				continue
			}
			if at == nil || l.distance < labels[at.index].distance ||
				l.distance == labels[at.index].distance && l.found < labels[at.index].found {
				at = m
			}
		}
		if at == nil {
			return
		}
		labels[at.index].done = true
		for _, l := range at.out {
			d := labels[at.index].distance + l.Cost
			if l.down || d >= labels[l.to.index].distance {
				continue
			}
			found++
			labels[l.to.index].distance, labels[l.to.index].found = d, found
			n.route[l.to.index] = n.route[at.index]
			if at == n {
				n.route[l.to.index] = l
			}
		}
	}
}

// Path returns the links that a packet from one port takes to another now; nil
// if there is no route.
func (f *Fabric) Path(from, to *Port) []*Link {
	var path []*Link
	for at := from.node; at != to.node; {
		l := at.route[to.node.index]
		if l == nil {
			return nil
		}
		path = append(path, l)
		at = l.to
	}
	return path
}
