package plots

import (
	"math"
	"strconv"
	"strings"
)

// knot is a corner of a way. Two controls in a row shape a Bézier curve between
// the knots around them.
type knot struct {
	point
	control bool
}

func straight(points ...point) []knot {
	way := make([]knot, len(points))
	for i, p := range points {
		way[i] = knot{point: p}
	}
	return way
}

// curve makes an SVG path.
func curve(way []knot) string {
	var b strings.Builder
	b.WriteString("M" + coordinates(way[0].point))
	for i := 1; i < len(way); i++ {
		if way[i].control {
			b.WriteString(" C" + coordinates(way[i].point) + " " + coordinates(way[i+1].point) + " " + coordinates(way[i+2].point))
			i += 2
			continue
		}
		b.WriteString(" L" + coordinates(way[i].point))
	}
	return b.String()
}

// arrow returns the corners of an arrow head at the end of a way.
func arrow(way []knot) string {
	const length, half = 11, 4.5
	tip, from := way[len(way)-1].point, way[len(way)-2].point
	size := math.Hypot(tip.x-from.x, tip.y-from.y)
	if size == 0 {
		return ""
	}
	ux, uy := (tip.x-from.x)/size, (tip.y-from.y)/size
	base := point{tip.x - ux*length, tip.y - uy*length}
	return coordinates(tip) + " " + coordinates(point{base.x - uy*half, base.y + ux*half}) + " " +
		coordinates(point{base.x + uy*half, base.y - ux*half})
}

func coordinates(p point) string { return short(p.x) + "," + short(p.y) }

func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}
