package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// paint draws the panel's lines with a legend above them.
func (p *panel) paint(c draw.Canvas, f Format) {
	if most := int(mm(f.Height-14) / vg.Points(1.25*f.Font)); len(p.y.lanes) > most {
		p = p.firstLanes(most)
	}
	rest := legendAbove(c, f, p.keys())
	g := newGraph(f, p.x.name, p.y.name)
	g.X.Min, g.X.Max = p.x.min, p.x.max
	if p.group == timeGroup {
		if g.X.Min = f.From; f.To > 0 {
			g.X.Max = f.To
		}
	}
	if g.X.Max <= g.X.Min {
		for i := range p.lines {
			for _, xy := range p.lines[i].data {
				g.X.Max = math.Max(g.X.Max, xy[0])
			}
		}
	}
	g.Y.Min, g.Y.Max = p.y.min, p.y.max
	if len(p.y.lanes) > 0 {
		nameLanes(g, f, p.y.lanes)
	} else {
		if g.Y.Max <= g.Y.Min {
			g.Y.Max = p.top(g.X.Min, g.X.Max)
		}
		g.Add(gridOf(f))
	}
	for _, at := range p.marks {
		g.Add(vertical{at, ink("--rule", 1), []vg.Length{3, 2}})
	}
	for _, t := range p.trips {
		g.Add(vertical{t.at, ink(t.color, 1), nil})
	}
	for i := range p.lines {
		g.Add(drawn{&p.lines[i]})
	}
	g.Draw(draw.Crop(rest, vg.Points(f.Font/4), -vg.Points(f.Font), 0, 0)) // half of a number stands beyond the axis
}

// keys are those of the lines; of lanes, which have names, one for each kind of stretch.
func (p *panel) keys() []key {
	var keys []key
	seen := map[string]bool{}
	for i := range p.lines {
		l := &p.lines[i]
		name := l.name()
		if len(p.y.lanes) > 0 {
			if name = l.what; seen[name] {
				continue
			}
			seen[name] = true
		}
		keys = append(keys, key{name, l.sample})
	}
	return keys
}

// firstLanes returns a panel with as many lanes as there is room for.
func (p *panel) firstLanes(n int) *panel {
	q := *p
	q.y.lanes, q.lines = slices.Clone(p.y.lanes[:n]), nil
	q.y.lanes[n-1] = fmt.Sprintf("and %d more", len(p.y.lanes)-n+1)
	for _, l := range p.lines {
		if l.data[0][1] < float64(n-1) {
			q.lines = append(q.lines, l)
		}
	}
	return &q
}

// top is where the axis of values ends that are drawn between two places.
func (p *panel) top(from, to float64) float64 {
	top := math.Inf(-1)
	see := func(v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			top = math.Max(top, v)
		}
	}
	for i := range p.lines {
		for k, xy := range p.lines[i].data {
			switch {
			case xy[0] >= from && xy[0] <= to:
				see(xy[1])
			case xy[0] < from && k+1 < len(p.lines[i].data) && p.lines[i].data[k+1][0] > from:
				see(xy[1]) // it reaches into the stretch, or is held in it
			}
		}
	}
	if top <= p.y.min {
		if p.y.min < 0 {
			return 0
		}
		return p.y.min + 1
	}
	if top < 0 {
		return 0
	}
	return top + 0.04*(top-p.y.min)
}

// newGraph is an empty plot with two axes.
func newGraph(f Format, x, y string) *plot.Plot {
	g := plot.New()
	g.BackgroundColor = nil
	for _, a := range []struct {
		*plot.Axis
		name string
	}{{&g.X, x}, {&g.Y, y}} {
		label, tick := f.letters(), f.letters()
		label.Rotation, label.XAlign, label.YAlign = a.Label.TextStyle.Rotation, a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign
		tick.XAlign, tick.YAlign, tick.Color = a.Tick.Label.XAlign, a.Tick.Label.YAlign, ink("--soft", 1)
		a.Label.Text, a.Label.TextStyle, a.Tick.Label = a.name, label, tick
		a.Label.Padding = vg.Points(f.Font / 4)
		a.Padding = 0
		a.LineStyle = draw.LineStyle{Color: ink("--soft", 1), Width: vg.Points(0.5)}
		a.Tick.LineStyle, a.Tick.Length = a.LineStyle, vg.Points(2.5)
	}
	g.X.Tick.Marker, g.Y.Tick.Marker = ticksAbout(f.Width/12), ticksAbout(f.Height/11)
	return g
}

// nameLanes makes the vertical axis one with names, the first on top.
func nameLanes(g *plot.Plot, f Format, names []string) {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = shortened(f.letters(), name, mm(f.Width)*2/5)
	}
	g.NominalY(short...)
	g.Y.Tick.Label = f.letters() // which NominalY changes
	g.Y.Tick.Label.XAlign, g.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	g.Y.Min, g.Y.Max, g.Y.Padding, g.Y.Label.Text = -0.6, float64(len(names))-0.4, 0, ""
	g.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
}

// maxTicks is more than any axis has.
const maxTicks = 1000

// ticksAbout puts about so many ticks at round numbers.
func ticksAbout(want float64) plot.TickerFunc {
	return func(low, high float64) (ticks []plot.Tick) {
		raw := (high - low) / math.Max(want, 2)
		power := math.Pow(10, math.Floor(math.Log10(raw)))
		step := 10 * power
		for _, f := range []float64{1, 2, 2.5, 5} {
			if f*power >= 0.999*raw {
				step = f * power
				break
			}
		}
		first := math.Ceil(low/step-1e-9) + 0 // never -0
		for k := first; k*step <= high+1e-9*step && k-first < maxTicks; k++ {
			if k+1 == k {
				return nil // numbers so large have no places between them
			}
			label := strconv.FormatFloat(math.Round(k*step*1e9)/1e9, 'f', -1, 64)
			label = strings.Replace(label, "-", "\u2013", 1) // as long as a minus sign, and in Windows-1252
			ticks = append(ticks, plot.Tick{Value: k * step, Label: label})
		}
		return ticks
	}
}

func gridOf(Format) *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color = nil
	g.Horizontal = draw.LineStyle{Color: ink("--line", 1), Width: vg.Points(0.4)}
	return g
}

// style is how a line is stroked on paper.
func (s stroke) style() draw.LineStyle {
	opacity := 1.0
	if s.faint {
		opacity = 0.3
	}
	// Lines of a screen have 0.75 pt to a pixel, and figures are smaller.
	l := draw.LineStyle{Color: ink(s.color, opacity), Width: vg.Points(float64(s.width) * 0.5)}
	switch s.dash {
	case "dashed":
		l.Dashes = []vg.Length{vg.Points(3), vg.Points(1.6)}
	case "dotted":
		l.Dashes = []vg.Length{vg.Points(0.9), vg.Points(1.3)}
	}
	return l
}

// drawn is a line of a panel as a plotter.
type drawn struct{ *line }

// Plot implements [plot.Plotter].
func (l drawn) Plot(c draw.Canvas, g *plot.Plot) {
	x, y := g.Transforms(&c)
	if l.bar {
		style := draw.LineStyle{Color: ink(l.color, 0.5), Width: vg.Points(2)}
		for _, xy := range l.data {
			if xy[1] > 0 {
				c.StrokeLines(style, c.ClipLinesXY([]vg.Point{{X: x(xy[0]), Y: y(0)}, {X: x(xy[0]), Y: y(xy[1])}})...)
			}
		}
		return
	}
	var way []vg.Point
	flush := func() {
		if len(way) > 1 {
			if l.filled {
				area := append(append([]vg.Point{{X: way[0].X, Y: y(0)}}, way...), vg.Point{X: way[len(way)-1].X, Y: y(0)})
				c.FillPolygon(ink(l.color, 0.08), c.ClipPolygonXY(area))
			}
			c.StrokeLines(l.style(), c.ClipLinesXY(way)...)
		}
		way = nil
	}
	for _, xy := range l.data {
		if math.IsNaN(xy[1]) || math.IsInf(xy[1], 0) {
			flush()
			continue
		}
		at := vg.Point{X: x(xy[0]), Y: y(xy[1])}
		if n := len(way); n > 0 && l.stairs {
			way = append(way, vg.Point{X: at.X, Y: way[n-1].Y})
		}
		way = append(way, at)
	}
	flush()
}

// sample draws a piece of the line for a legend.
func (l *line) sample(c *draw.Canvas, from, to vg.Point) {
	if l.bar {
		c.StrokeLines(draw.LineStyle{Color: ink(l.color, 0.5), Width: vg.Points(4)}, []vg.Point{from, to})
		return
	}
	style := l.style()
	style.Width = min(style.Width, vg.Points(3.5))
	c.StrokeLines(style, []vg.Point{from, to})
}

// vertical is a rule.
type vertical struct {
	at     float64
	color  color.Color
	dashes []vg.Length
}

// Plot implements [plot.Plotter].
func (v vertical) Plot(c draw.Canvas, g *plot.Plot) {
	if v.at < g.X.Min || v.at > g.X.Max {
		return
	}
	x, _ := g.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: v.color, Width: vg.Points(0.6), Dashes: v.dashes}, x(v.at), c.Min.Y, x(v.at), c.Max.Y)
}

// key is a line of a legend.
type key struct {
	name   string
	sample func(c *draw.Canvas, from, to vg.Point)
}

// legendAbove draws a legend in as many rows as it needs, and returns what is left below.
func legendAbove(c draw.Canvas, f Format, keys []key) draw.Canvas {
	style := f.letters()
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	em := vg.Points(f.Font)
	sample, gap := 1.9*em, 1.3*em
	rows := [][]key{nil}
	room := c.Max.X - c.Min.X - 2*em
	used := vg.Length(0)
	for _, k := range keys {
		w := sample + 0.4*em + style.Width(k.name) + gap
		if used+w > room && len(rows[len(rows)-1]) > 0 {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], k)
		used += w
	}
	// A legend that took most of the figure would be worse than one that ends.
	if most := max(1, int((c.Max.Y-c.Min.Y)*0.4/(1.35*em))); len(rows) > most {
		left := 0
		for _, row := range rows[most:] {
			left += len(row)
		}
		rows = append(rows[:most:most], []key{{fmt.Sprintf("and %d more", left), nil}})
	}
	y := c.Max.Y - 0.8*em
	for _, row := range rows {
		x := c.Min.X + em
		for _, k := range row {
			if k.sample != nil {
				k.sample(&c, vg.Point{X: x, Y: y}, vg.Point{X: x + sample, Y: y})
				x += sample + 0.4*em
			}
			name := shortened(style, k.name, c.Max.X-x)
			c.FillText(style, vg.Point{X: x, Y: y}, name)
			x += style.Width(name) + gap
		}
		y -= 1.35 * em
	}
	return draw.Crop(c, 0, -0.8*em, 0, -(c.Max.Y - y - 0.4*em))
}

// shortened cuts a text that is too long for its room.
func shortened(style text.Style, s string, room vg.Length) string {
	if style.Width(s) <= room {
		return s
	}
	r := []rune(s)
	for len(r) > 1 && style.Width(string(r)+"...") > room {
		r = r[:len(r)-1]
	}
	return string(r) + "..."
}
