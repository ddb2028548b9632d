package plots

import (
	"fmt"
	"html/template"
	"strings"
)

// panel is what a chart shows, before anything is said of how it is drawn: pages draw it with echarts, figures for papers
// with gonum/plot. Its text goes into a page's HTML and not into the chart, so that it is escaped, searched and read aloud
// like any other text.
type panel struct {
	id, title string
	note      string // what is drawn and at which resolution, in a sentence
	barNote   string // what bars are, if there may be any
	hint      string // what a reader of the page can do, or doesn't see at first
	missing   string // what is said if there is nothing to draw
	height    int    // px
	group     string // of charts that zoom together; empty: alone
	x, y, y2  axis   // y2 is on the right, if it has a name
	lines     []line
	marks     []float64 // s: vertical rules
	trips     []trip    // rules of another colour
}

// axis is a value axis that begins at min, or if it has lanes, one with a name for each whole number from 0 on. An end that
// isn't beyond 0, where that is the beginning, is left to the data.
type axis struct {
	name  string // with unit
	min   float64
	max   float64
	lanes []string
}

// line is one thing drawn: what of whom, and how.
type line struct {
	entity, what string
	data         points
	stroke
	bar bool // against the right axis
	// hidden lines are drawn after a click on the legend. Those that are folded are hidden only while everything is shown:
	// there would be too many of them.
	hidden, folded bool
}

// name is what the legend says.
func (l *line) name() string { return words(l.entity, l.what) }

// stroke is how a line is drawn.
type stroke struct {
	color  string // the name of a variable of the styles
	width  float32
	dash   string // solid, dashed or dotted
	filled bool   // faintly, down to zero
	stairs bool   // values hold until the next point
	faint  bool
}

// line adds a line, unless it has no values. It reports whether it did.
func (p *panel) line(entity, what string, data points, s stroke) bool {
	if !data.has() {
		return false
	}
	p.lines = append(p.lines, line{entity: entity, what: what, data: data, stroke: s})
	return true
}

// bars adds bars against the right axis, unless all of them are zero.
func (p *panel) bars(entity, what string, data points, color string) {
	if data.peak() > 0 {
		p.lines = append(p.lines, line{entity: entity, what: what, data: data, stroke: stroke{color: color}, bar: true})
	}
}

// last is the line that was added last.
func (p *panel) last() *line { return &p.lines[len(p.lines)-1] }

// fold folds all lines that show something of a kind.
func (p *panel) fold(what string) {
	for i := range p.lines {
		if p.lines[i].what == what {
			p.lines[i].folded = true
		}
	}
}

// foldBeyond folds all lines but the first few of those that show something of a kind.
func (p *panel) foldBeyond(few int, what string) {
	for i := range p.lines {
		if l := &p.lines[i]; l.what == what {
			l.folded = l.folded || few <= 0
			few--
		}
	}
}

// atLeast keeps the left axis from shrinking below a value.
func (p *panel) atLeast(top float64) {
	for i := range p.lines {
		if p.lines[i].data.peak() > top {
			return
		}
	}
	p.y.max = top
}

// chart is a panel ready for a page's template.
type chart struct {
	ID, Title, Note, Missing string
	Height                   int
	Group                    string
	Label                    string      // for screen readers
	Option                   template.JS // echarts' option as JSON; empty if nothing is to be drawn
	Lines                    string      // what each line is about, as JSON
	Series                   int
}

// chart renders the panel's options to JSON. encoding/json escapes <, > and &,
// so the text can stand in a script element, and refuses NaN.
func (p *panel) chart() (chart, error) {
	c := chart{ID: p.id, Title: p.title, Note: p.pageNote(), Missing: p.missing, Height: p.height, Group: p.group, Series: len(p.lines)}
	if len(p.lines) == 0 {
		return c, nil
	}
	names := make([]string, len(p.lines))
	for i := range p.lines {
		names[i] = p.lines[i].name()
	}
	c.Label = fmt.Sprintf("Chart: %s. %s against %s. Series: %s.", p.title, p.y.name, p.x.name, strings.Join(names, ", "))
	if thinned := p.thin(); thinned {
		c.Note += fmt.Sprintf(" Of more than %d points a line has the lowest and the highest of each stretch; the record has all.", pointsShown)
	}
	var err error
	if c.Option, c.Lines, err = p.json(); err != nil {
		return c, fmt.Errorf("chart %s: %w", p.id, err)
	}
	return c, nil
}

// pageNote is all that the page says of the chart.
func (p *panel) pageNote() string {
	note := p.note
	if p.barNote != "" {
		note += " Bars: " + p.barNote + ", against the right axis."
	}
	return strings.TrimSpace(note + " " + p.hint)
}

// thin leaves no line more points than a page takes. It reports whether it left any out.
func (p *panel) thin() bool {
	some := false
	for i := range p.lines {
		l := &p.lines[i]
		if len(l.data) <= pointsShown {
			continue
		}
		if some = true; len(p.y.lanes) > 0 {
			l.data = l.data.merged(pointsShown)
		} else {
			l.data = l.data.thinned(pointsShown)
		}
	}
	return some
}
