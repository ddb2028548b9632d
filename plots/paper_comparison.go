package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// group is the runs of one column of a comparison, such as a controller's.
type group struct {
	index int // of the column
	name  string
	runs  []comparisonRun
}

// ComparisonFigures returns figures of runs side by side: of each measure boxes and the distribution for each value of what
// the runs differ in first, such as the controller, and what is paid in delay for how much use. Those of all scenarios
// together come first, then those of each, if there are several. There are none if nothing differs.
func ComparisonFigures(runs []ComparedRun) []Figure {
	d := newComparisonData(runs)
	if len(d.Axes) == 0 {
		return nil
	}
	list := d.figures("all", func(comparisonRun) bool { return true })
	if len(d.Scenarios) > 1 {
		for i, s := range d.Scenarios {
			name := s.Name
			if name == "all" {
				name = "scenario-all"
			}
			list = append(list, d.figures(name, func(r comparisonRun) bool { return r.Scenario == i })...)
		}
	}
	return list
}

// figures returns those about some of the runs. Their names begin with a folder.
func (d *comparisonData) figures(folder string, of func(comparisonRun) bool) []Figure {
	var groups []group
	for i, name := range d.Axes[0].Values {
		g := group{index: i, name: name}
		for _, r := range d.Runs {
			if r.Axes[0] == i && of(r) {
				g.runs = append(g.runs, r)
			}
		}
		if len(g.runs) > 0 {
			groups = append(groups, g)
		}
	}
	where := "all scenarios"
	if folder != "all" {
		where = folder
	}
	var list []Figure
	add := func(name, caption string, draw func(draw.Canvas, Format)) {
		list = append(list, Figure{Name: folder + "/" + name, Caption: fmt.Sprintf("%s; %s, by %s.", caption, where, d.Axes[0].Name), draw: draw})
	}
	for k, m := range d.Measures {
		values := valuesOf(groups, k)
		if len(slices.Concat(values...)) < 2 {
			continue
		}
		title := fmt.Sprintf("%s [%s]", m.Name, m.Unit)
		add(m.ID+"-boxes", title+": quartiles, median, whiskers to the last run within 1.5 times the range between quartiles, and every run",
			func(c draw.Canvas, f Format) { paintBoxes(c, f, title, groups, values) })
		add(m.ID+"-distribution", title+": share of the runs at or below a value",
			func(c draw.Canvas, f Format) { paintShares(c, f, title, groups, values) })
	}
	x := slices.IndexFunc(d.Measures, func(m comparisonMeasure) bool { return m.ID == "queue-delay-p95" })
	y := slices.IndexFunc(d.Measures, func(m comparisonMeasure) bool { return m.ID == "utilization" })
	if x >= 0 && y >= 0 {
		name := func(k int) string { return fmt.Sprintf("%s [%s]", d.Measures[k].Name, d.Measures[k].Unit) }
		add("trade-off", name(y)+" against "+name(x)+": every run small, medians large", func(c draw.Canvas, f Format) {
			paintScatter(c, f, name(x), name(y), groups, x, y)
		})
	}
	return list
}

// valuesOf returns the values of a measure in each group, in ascending order.
func valuesOf(groups []group, measure int) [][]float64 {
	list := make([][]float64, len(groups))
	for i, g := range groups {
		for _, r := range g.runs {
			if v := float64(r.Values[measure]); !math.IsNaN(v) && !math.IsInf(v, 0) {
				list[i] = append(list[i], v)
			}
		}
		slices.Sort(list[i])
	}
	return list
}

// spread returns the ends of an axis for values, with some room, and never below zero if they aren't.
func spread(values []float64) (low, high float64) {
	low, high = slices.Min(values), slices.Max(values)
	room := 0.05 * (high - low)
	if room <= 1e-9*math.Max(math.Abs(low), math.Abs(high)) { // the same but for rounding
		room = math.Max(0.1*math.Abs(high), 0.5)
	}
	if low >= 0 {
		return math.Max(0, low-room), high + room
	}
	return low - room, high + room
}

// look is how a column is drawn, whose colours come again after eight.
func (g group) look() stroke {
	return stroke{color: seriesColor(g.index), width: 2, dash: dashes[(g.index+g.index/paletteSize)%len(dashes)], stairs: true}
}

var glyphs = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.SquareGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.PlusGlyph{}, draw.BoxGlyph{},
}

func (g group) glyph(radius, opacity float64) draw.GlyphStyle {
	return draw.GlyphStyle{Color: ink(seriesColor(g.index), opacity), Radius: vg.Points(radius), Shape: glyphs[(g.index+g.index/len(glyphs))%len(glyphs)]}
}

// paintBoxes draws a box plot, a row for each group.
func paintBoxes(c draw.Canvas, f Format, title string, groups []group, values [][]float64) {
	g := newGraph(f, title, "")
	g.X.Min, g.X.Max = spread(slices.Concat(values...))
	names := make([]string, len(groups))
	for i := range groups {
		names[i] = groups[i].name
	}
	nameLanes(g, f, names)
	g.Add(boxes{groups, values})
	g.Draw(draw.Crop(c, vg.Points(f.Font/2), -vg.Points(f.Font), 0, -vg.Points(f.Font/2)))
}

// boxes are the box plots of groups, one above the other.
type boxes struct {
	groups []group
	values [][]float64
}

// Plot implements [plot.Plotter].
func (b boxes) Plot(c draw.Canvas, g *plot.Plot) {
	x, y := g.Transforms(&c)
	half := vg.Length(math.Abs(float64(y(0.28) - y(0))))
	for i, v := range b.values {
		if len(v) == 0 {
			continue
		}
		at, color := y(float64(i)), seriesColor(b.groups[i].index)
		fine := draw.LineStyle{Color: ink(color, 1), Width: vg.Points(0.7)}
		if len(v) > 1 {
			q1, q2, q3 := quantileOf(v, 0.25), quantileOf(v, 0.5), quantileOf(v, 0.75)
			low, high := whiskers(v, q1, q3)
			c.FillPolygon(ink(color, 0.18), []vg.Point{{X: x(q1), Y: at - half}, {X: x(q3), Y: at - half}, {X: x(q3), Y: at + half}, {X: x(q1), Y: at + half}})
			c.StrokeLines(fine, []vg.Point{{X: x(q1), Y: at - half}, {X: x(q3), Y: at - half}, {X: x(q3), Y: at + half}, {X: x(q1), Y: at + half}, {X: x(q1), Y: at - half}})
			for _, w := range [][2]float64{{low, q1}, {q3, high}} {
				c.StrokeLine2(fine, x(w[0]), at, x(w[1]), at)
			}
			for _, end := range []float64{low, high} {
				c.StrokeLine2(fine, x(end), at-half/2, x(end), at+half/2)
			}
			c.StrokeLine2(draw.LineStyle{Color: ink(color, 1), Width: vg.Points(1.8)}, x(q2), at-half, x(q2), at+half)
		}
		for k, value := range v { // spread evenly, and the same each time
			offset := math.Mod(float64(k)*0.618034, 1) - 0.5
			c.DrawGlyph(b.groups[i].glyph(1, 0.6), vg.Point{X: x(value), Y: at + half*vg.Length(offset)*1.4})
		}
	}
}

// quantileOf is that of sorted values, linearly between them, as on the page.
func quantileOf(sorted []float64, q float64) float64 {
	at := float64(len(sorted)-1) * q
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// whiskers end at the last values within 1.5 times the range between quartiles.
func whiskers(sorted []float64, q1, q3 float64) (low, high float64) {
	reach := 1.5 * (q3 - q1)
	low, high = q1, q3
	for _, v := range sorted {
		if v >= q1-reach {
			low = math.Min(low, v)
		}
		if v <= q3+reach {
			high = math.Max(high, v)
		}
	}
	return low, high
}

// paintShares draws empirical distributions.
func paintShares(c draw.Canvas, f Format, title string, groups []group, values [][]float64) {
	p := panel{x: axis{name: title}, y: axis{name: "runs at or below [%]", max: 100}}
	low, high := spread(slices.Concat(values...))
	for i, v := range values {
		if len(v) == 0 {
			continue
		}
		data := append(points{{low, 0}}, staircase(slices.Clone(v), high)...)
		p.line(groups[i].name, "", data, groups[i].look())
	}
	p.x.min, p.x.max = low, high
	p.paint(c, f)
}

// paintScatter draws each run, and the medians of each group.
func paintScatter(c draw.Canvas, f Format, x, y string, groups []group, mx, my int) {
	var keys []key
	var all [2][]float64
	for _, g := range groups {
		keys = append(keys, key{g.name, func(c *draw.Canvas, from, to vg.Point) {
			c.DrawGlyph(g.glyph(2.4, 1), vg.Point{X: (from.X + to.X) / 2, Y: from.Y})
		}})
		for _, v := range g.pairs(mx, my) {
			all[0], all[1] = append(all[0], v[0]), append(all[1], v[1])
		}
	}
	rest := legendAbove(c, f, keys)
	graph := newGraph(f, x, y)
	if len(all[0]) > 0 {
		graph.X.Min, graph.X.Max = spread(all[0])
		graph.Y.Min, graph.Y.Max = spread(all[1])
	}
	graph.Add(gridOf(f), scatter{groups, mx, my})
	graph.Draw(draw.Crop(rest, vg.Points(f.Font/4), -vg.Points(f.Font), 0, 0))
}

// pairs returns the values of two measures of the runs that have both.
func (g group) pairs(mx, my int) (list [][2]float64) {
	for _, r := range g.runs {
		if x, y := float64(r.Values[mx]), float64(r.Values[my]); !math.IsNaN(x+y) && !math.IsInf(x+y, 0) {
			list = append(list, [2]float64{x, y})
		}
	}
	return list
}

type scatter struct {
	groups []group
	mx, my int
}

// Plot implements [plot.Plotter].
func (s scatter) Plot(c draw.Canvas, g *plot.Plot) {
	x, y := g.Transforms(&c)
	for _, gr := range s.groups {
		for _, v := range gr.pairs(s.mx, s.my) {
			c.DrawGlyph(gr.glyph(1.1, 0.45), vg.Point{X: x(v[0]), Y: y(v[1])})
		}
	}
	for _, gr := range s.groups {
		pairs := gr.pairs(s.mx, s.my)
		if len(pairs) < 2 {
			continue
		}
		var xs, ys []float64
		for _, v := range pairs {
			xs, ys = append(xs, v[0]), append(ys, v[1])
		}
		slices.Sort(xs)
		slices.Sort(ys)
		c.DrawGlyph(gr.glyph(3.2, 1), vg.Point{X: x(quantileOf(xs, 0.5)), Y: y(quantileOf(ys, 0.5))})
	}
}
