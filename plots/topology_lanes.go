package plots

import (
	"math"

	"rtpfabric/sim/record"
)

// port returns how far from the middle of its endpoint's box flow i starts or
// ends, in px.
func (l *layout) port(endpoint string, i int) float64 {
	n, own := 0, 0
	for k, f := range l.top.Flows {
		if k == i {
			own = n
		}
		if f.From == endpoint || f.To == endpoint {
			n++
		}
	}
	pitch := min(lanePitch, (boxHeight-14)/float64(max(n, 1)))
	return (float64(own) - float64(n-1)/2) * pitch
}

func (l *layout) thickness(endpoint string) float64 {
	n := 0
	for _, f := range l.top.Flows {
		if f.From == endpoint || f.To == endpoint {
			n++
		}
	}
	return float64(n)*lanePitch + 8
}

// linkThickness is the width of a link's band, which holds all its lanes.
func (l *layout) linkThickness(k record.Link) float64 {
	widest := 0.0
	for i, route := range l.routes {
		for h := 1; h < len(route); h++ {
			if joins(k, route[h-1], route[h]) {
				widest = max(widest, math.Abs(l.laneOn(i, route[h-1], route[h])))
			}
		}
	}
	return 2*widest + lanePitch + 8
}

func joins(k record.Link, a, b string) bool {
	return k.From == a && k.To == b || k.From == b && k.To == a
}

// laneOn returns how far flow i runs from the middle of the link between two
// nodes. In a row a flow keeps its level; elsewhere lanes close up.
func (l *layout) laneOn(i int, a, b string) float64 {
	if l.row {
		return l.lane[i]
	}
	n, own := 0, 0
	for f, route := range l.routes {
		if f == i {
			own = n
		}
		for h := 1; h < len(route); h++ {
			if joins(record.Link{From: a, To: b}, route[h-1], route[h]) {
				n++
			}
		}
	}
	return (float64(own) - float64(n-1)/2) * lanePitch
}
