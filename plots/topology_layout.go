package plots

import (
	"math"
	"slices"

	"rtpfabric/sim/record"
)

// Sizes of the drawing in px.
const (
	drawingWidth = 1080.0
	boxWidth     = 128.0
	boxHeight    = 54.0
	boxPitch     = 74.0 // between two boxes in a column
	lanePitch    = 8.0  // between two flows on a link
	edgeMargin   = 4.0
)

type point struct{ x, y float64 }

// layout says where everything of a topology stands.
type layout struct {
	top    record.Topology
	height float64
	row    bool     // nodes stand in a row; otherwise in a circle
	order  []string // nodes from left to right, or clockwise
	node   map[string]point
	box    map[string]point // middle of an endpoint's box
	radius float64          // of a node
	routes [][]string       // nodes that each flow passes, nil if there is no way
	lane   []float64        // offset of each flow from the middle of a link
}

func newLayout(top record.Topology) *layout {
	l := &layout{top: top, node: map[string]point{}, box: map[string]point{}}
	l.order, l.row = chain(top)
	if len(l.order) > 5 {
		l.row = false
	}
	l.route()
	l.radius = 24
	for _, k := range top.Links {
		l.radius = max(l.radius, l.linkThickness(k)/2+4)
	}
	if l.row {
		l.placeRow()
	} else {
		l.placeCircle()
	}
	return l
}

// chain returns the nodes in the order in which links join them, if that is
// one chain without branches, and otherwise as they come.
func chain(top record.Topology) (order []string, isChain bool) {
	next := map[string][]string{}
	for _, k := range top.Links {
		next[k.From] = append(next[k.From], k.To)
		next[k.To] = append(next[k.To], k.From)
	}
	for _, n := range top.Nodes {
		if len(next[n]) > 2 {
			return top.Nodes, false
		}
	}
	// The end that comes first in the file stands on the left.
	for _, n := range top.Nodes {
		if len(next[n]) <= 1 {
			order = append(order, n)
			break
		}
	}
	for len(order) > 0 {
		i := slices.IndexFunc(next[order[len(order)-1]], func(n string) bool { return !slices.Contains(order, n) })
		if i < 0 {
			break
		}
		order = append(order, next[order[len(order)-1]][i])
	}
	if len(order) != len(top.Nodes) || len(top.Links) != len(top.Nodes)-1 {
		return top.Nodes, false
	}
	return order, true
}

// at returns the node of an endpoint.
func (l *layout) at(endpoint string) string {
	for _, e := range l.top.Endpoints {
		if e.Name == endpoint {
			return e.At
		}
	}
	return ""
}

// route finds the shortest way of each flow over the links.
func (l *layout) route() {
	l.routes = make([][]string, len(l.top.Flows))
	l.lane = make([]float64, len(l.top.Flows))
	for i, f := range l.top.Flows {
		l.routes[i] = shortest(l.top.Links, l.at(f.From), l.at(f.To))
		l.lane[i] = (float64(i) - float64(len(l.top.Flows)-1)/2) * lanePitch
	}
}

func shortest(links []record.Link, from, to string) []string {
	if from == "" || to == "" {
		return nil
	}
	ways := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		last := way[len(way)-1]
		if last == to {
			return way
		}
		for _, k := range links {
			for _, hop := range [][2]string{{k.From, k.To}, {k.To, k.From}} {
				if hop[0] == last && !seen[hop[1]] {
					seen[hop[1]] = true
					ways = append(ways, append(slices.Clone(way), hop[1]))
				}
			}
		}
	}
	return nil
}

// placeRow puts the nodes on a line, the endpoints of the outer nodes in
// columns beside them and those of inner nodes in rows below.
func (l *layout) placeRow() {
	left, right, below := l.sides()
	rows := max(len(left), len(right), 1)
	middle := max(float64(rows)*boxPitch/2+8, l.radius+76) // room for a name and three lines of a label
	l.height = 2 * middle
	column := func(names []string, x float64) {
		for i, name := range names {
			l.box[name] = point{x, middle + (float64(i)-float64(len(names)-1)/2)*boxPitch}
		}
	}
	column(left, edgeMargin+boxWidth/2)
	column(right, drawingWidth-edgeMargin-boxWidth/2)
	inset := edgeMargin + boxWidth + 96 + l.radius
	for i, n := range l.order {
		x := drawingWidth / 2
		if len(l.order) > 1 {
			x = inset + (drawingWidth-2*inset)*float64(i)/float64(len(l.order)-1)
		}
		l.node[n] = point{x, middle}
	}
	for _, n := range l.order {
		names := below[n]
		for i, name := range names {
			y := middle + l.radius + 78 + boxHeight/2
			l.box[name] = point{l.node[n].x + (float64(i)-float64(len(names)-1)/2)*(boxWidth+14), y}
			l.height = max(l.height, y+boxHeight/2+8)
		}
	}
}

// sides sorts the endpoints of a row. If all stand at one node, those that
// only receive stand on the right.
func (l *layout) sides() (left, right []string, below map[string][]string) {
	below = map[string][]string{}
	for _, e := range l.top.Endpoints {
		sends := slices.ContainsFunc(l.top.Flows, func(f record.Flow) bool { return f.From == e.Name })
		switch {
		case len(l.order) == 1 && !sends:
			right = append(right, e.Name)
		case e.At == l.order[0]:
			left = append(left, e.Name)
		case e.At == l.order[len(l.order)-1]:
			right = append(right, e.Name)
		default:
			below[e.At] = append(below[e.At], e.Name)
		}
	}
	return left, right, below
}

// placeCircle puts the nodes on an ellipse, or one that joins all others in
// its middle, and each node's endpoints outside of it.
func (l *layout) placeCircle() {
	const rx, ry = 300.0, 170.0
	hub := l.hub()
	ring := slices.DeleteFunc(slices.Clone(l.order), func(n string) bool { return n == hub })
	for i, n := range ring {
		angle := 2*math.Pi*float64(i)/float64(len(ring)) - math.Pi
		l.node[n] = point{drawingWidth/2 + rx*math.Cos(angle), ry * math.Sin(angle)}
		l.placeOutside(n, point{math.Cos(angle), math.Sin(angle)})
	}
	if hub != "" {
		l.node[hub] = point{drawingWidth / 2, 0}
		between := math.Pi/float64(len(ring)) - math.Pi // the first two of the ring
		l.placeOutside(hub, point{math.Cos(between) / 2, -1})
	}
	l.fitHeight()
}

// hub returns the node that joins all others, "" if there is none.
func (l *layout) hub() string {
	for _, n := range l.order {
		degree := 0
		for _, k := range l.top.Links {
			if k.From == n || k.To == n {
				degree++
			}
		}
		if degree > 2 && degree == len(l.order)-1 {
			return n
		}
	}
	return ""
}

// placeOutside stacks a node's endpoints on the side of the given direction.
func (l *layout) placeOutside(node string, direction point) {
	var names []string
	for _, e := range l.top.Endpoints {
		if e.At == node {
			names = append(names, e.Name)
		}
	}
	at := l.node[node]
	for i, name := range names {
		spread := float64(i) - float64(len(names)-1)/2
		if math.Abs(direction.x) > 0.3 && math.Abs(direction.y) < 0.98 {
			const room = boxWidth/2 + 1
			x := at.x + math.Copysign(l.radius+136, direction.x)
			l.box[name] = point{min(max(x, room), drawingWidth-room), at.y + spread*boxPitch}
			continue
		}
		l.box[name] = point{at.x + 100*direction.x + spread*(boxWidth+14), at.y + math.Copysign(l.radius+68, direction.y)}
	}
}

// fitHeight moves everything so that nothing above or below is left empty.
func (l *layout) fitHeight() {
	const margin = 44.0 // room for captions
	top, bottom := math.Inf(1), math.Inf(-1)
	for _, places := range []map[string]point{l.node, l.box} {
		for _, p := range places {
			top, bottom = min(top, p.y), max(bottom, p.y)
		}
	}
	l.height = bottom - top + 2*margin
	for _, places := range []map[string]point{l.node, l.box} {
		for name, p := range places {
			places[name] = point{p.x, p.y - top + margin}
		}
	}
}
