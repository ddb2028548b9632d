package fabric

// Route computes the static routes: fewest links, and among equals the one
// through the link that was added first. Call it after the last AddLink.
func (f *Fabric) Route() {
	for _, n := range f.nodes {
		n.route = make([]*Link, len(f.nodes))
		f.routeFrom(n)
	}
}

// routeFrom fills n's table by breadth-first search: every node reached takes
// the first link of the path that reached it.
func (f *Fabric) routeFrom(n *Node) {
	queue := []*Node{n}
	seen := make([]bool, len(f.nodes))
	seen[n.index] = true
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, l := range at.out {
			if seen[l.to.index] {
				continue
			}
			seen[l.to.index] = true
			first := n.route[at.index]
			if at == n {
				first = l
			}
			n.route[l.to.index] = first
			queue = append(queue, l.to)
		}
	}
}

// Path returns the links that a packet from one port takes to another; nil if
// there is no route.
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
