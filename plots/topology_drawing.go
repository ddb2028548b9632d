package plots

import (
	"fmt"
	"math"
	"strings"

	"rtpfabric/sim/record"
)

// sketch is a topology as SVG shapes, for the template.
type sketch struct {
	Width, Height float64
	Label         string // for screen readers
	Pipes         []pipe
	Flows         []flowLine
	Nodes         []circle
	Boxes         []box
	Texts         []caption
	Legend        []flowRow
}

type pipe struct {
	Path  string
	Width float64
}

type flowLine struct {
	Path  string
	Color int
	Head  string // an arrow's three corners
	Title string
}

type circle struct {
	X, Y, R float64
	Name    string
}

type box struct {
	X, Y, Width, Height float64
	Name, Addr          string
}

// Label is the name, shortened to what fits into the circle.
func (c circle) Label() string {
	const fits = 6
	if r := []rune(c.Name); len(r) > fits {
		return strings.TrimRight(string(r[:fits-2]), " …") + "…"
	}
	return c.Name
}

// caption is a text of one or more lines; Y is the first line's.
type caption struct {
	X, Y  float64
	Lines []string
	Class string
	Full  string
}

type flowRow struct {
	record.Flow
	Color int
}

// SSRCText is the SSRC as RFCs print it; TCP and plain UDP have none.
func (f flowRow) SSRCText() string {
	if f.SSRC == 0 {
		return "–"
	}
	return fmt.Sprintf("0x%08x", f.SSRC)
}

// subtitle is what a box says below the name.
func subtitle(e record.Endpoint) string {
	if e.Stack == "" {
		return e.Addr
	}
	return e.Addr + " · " + e.Stack
}

// newSketch draws a topology; nil if there is nothing to draw.
func newSketch(top record.Topology, colors *palette) *sketch {
	if len(top.Nodes) == 0 {
		return nil
	}
	all := top.Flows
	top = fold(top)
	l := newLayout(top)
	s := &sketch{Width: drawingWidth, Height: l.height, Label: description(top)}
	for _, f := range all {
		s.Legend = append(s.Legend, flowRow{f, colors.flow(f.Name)})
	}
	for _, e := range top.Endpoints {
		if b, placed := l.box[e.Name]; placed {
			s.Boxes = append(s.Boxes, box{b.x - boxWidth/2, b.y - boxHeight/2, boxWidth, boxHeight, e.Name, subtitle(e)})
			s.Pipes = append(s.Pipes, pipe{curve(l.access(e.Name, e.At, 0, 0)), l.thickness(e.Name)})
		}
	}
	for _, k := range top.Links {
		a, b := l.node[k.From], l.node[k.To]
		s.Pipes = append(s.Pipes, pipe{curve(straight(a, b)), l.linkThickness(k)})
		s.Texts = append(s.Texts, l.captions(k)...)
	}
	for _, n := range l.order {
		s.Nodes = append(s.Nodes, circle{l.node[n].x, l.node[n].y, l.radius, n})
	}
	for i, f := range top.Flows {
		if l.routes[i] == nil {
			continue
		}
		way := l.way(i)
		s.Flows = append(s.Flows, flowLine{
			Path: curve(way), Head: arrow(way), Color: colors.flow(f.Name),
			Title: fmt.Sprintf("%s from %s to %s", f.Name, f.From, f.To),
		})
	}
	return s
}

// description says in words what the drawing shows.
func description(top record.Topology) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Topology %s with %s and %s.", top.Type,
		pluralize(len(top.Endpoints), "endpoint", "endpoints"), pluralize(len(top.Links), "link", "links"))
	for _, k := range top.Links {
		fmt.Fprintf(&b, " Link %s joins %s and %s; forward: %s; backward: %s.", k.Name, k.From, k.To, k.Forward, k.Backward)
	}
	for _, f := range top.Flows {
		fmt.Fprintf(&b, " %s flows from %s to %s.", f.Name, f.From, f.To)
	}
	return b.String()
}

// access is the way from an endpoint's box to its node: a curve where the box is
// beside a row, a line elsewhere. The offsets are those
// at the box and at the node.
func (l *layout) access(endpoint, node string, port, lane float64) []knot {
	b, n := l.box[endpoint], l.node[node]
	if l.row && math.Abs(b.x-n.x) > boxWidth/2+l.radius {
		side := math.Copysign(1, n.x-b.x)
		start := point{b.x + side*boxWidth/2, b.y + port}
		end := point{n.x, n.y + lane}
		bend := (end.x - side*l.radius - start.x) * 0.55
		end.x -= side * l.radius
		return []knot{{start, false}, {point{start.x + bend, start.y}, true}, {point{end.x - bend, end.y}, true}, {end, false}}
	}
	if math.Abs(b.x-n.x) > math.Abs(b.y-n.y) {
		side := math.Copysign(1, n.x-b.x)
		return straight(point{b.x + side*boxWidth/2, b.y + port}, point{n.x, n.y + port})
	}
	side := math.Copysign(1, n.y-b.y)
	return straight(point{b.x + port, b.y + side*boxHeight/2}, point{n.x + port, n.y})
}

// way is the whole way of flow i, for [curve].
func (l *layout) way(i int) []knot {
	f, route := l.top.Flows[i], l.routes[i]
	first, last := route[0], route[len(route)-1]
	way := l.access(f.From, first, l.port(f.From, i), l.lane[i])
	for h := 1; h < len(route); h++ {
		a, b := l.node[route[h-1]], l.node[route[h]]
		// Lanes keep their side of a link in either direction of travel.
		dx, dy := b.x-a.x, b.y-a.y
		if dx < 0 || dx == 0 && dy < 0 {
			dx, dy = -dx, -dy
		}
		length := math.Hypot(dx, dy)
		lane := l.laneOn(i, route[h-1], route[h])
		ox, oy := -dy/length*lane, dx/length*lane
		way = append(way, straight(point{a.x + ox, a.y + oy}, point{b.x + ox, b.y + oy})...)
	}
	end := l.access(f.To, last, l.port(f.To, i), l.lane[i])
	for k := len(end) - 1; k >= 0; k-- {
		way = append(way, end[k])
	}
	return way
}

// Label is the name, shortened to what fits into the box.
func (b box) Label() string {
	const fits = 14
	if r := []rune(b.Name); len(r) > fits {
		return strings.TrimRight(string(r[:fits-1]), " …") + "…"
	}
	return b.Name
}

// MiddleX is the middle of the box.
func (b box) MiddleX() float64 { return b.X + b.Width/2 }

// MiddleY is the middle of the box.
func (b box) MiddleY() float64 { return b.Y + b.Height/2 }
