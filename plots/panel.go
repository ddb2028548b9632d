package plots

import (
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// panel is a chart under construction. Its text goes into the page's HTML and
// not into the chart, so that it is escaped, searched and read aloud like any
// other text.
type panel struct {
	id, title string
	note      string // what is drawn and at which resolution, in a sentence
	missing   string // what is said if there is nothing to draw
	height    int    // px
	group     string // of charts that zoom together; empty: alone
	x, y, y2  axis   // y2 is on the right, if it has a name
	lines     []charts.SingleSeries
	hidden    map[string]bool // by name: only shown after a click on the legend
	marks     []float64       // s: vertical rules
	trips     []trip          // rules of another colour
}

// axis is a value axis. max 0 leaves the end to the data.
type axis struct {
	name string // with unit
	max  float64
}

// line style of what is drawn.
type stroke struct {
	color  string
	width  float32
	dash   string // solid, dashed or dotted
	filled bool   // faintly, down to zero
	stairs bool   // values hold until the next point
	faint  bool
}

// line adds a line, unless it has no values. It reports whether it did.
func (p *panel) line(name string, data points, s stroke) bool {
	if !data.has() {
		return false
	}
	series := charts.SingleSeries{
		Name: name, Type: "line", Data: data, Color: s.color,
		ShowSymbol: opts.Bool(false), Symbol: "none",
		LineStyle: &opts.LineStyle{Color: s.color, Width: s.width, Type: s.dash},
	}
	if s.faint {
		series.LineStyle.Opacity = opts.Float(0.3)
	}
	if s.stairs {
		series.Step = "end"
	}
	if s.filled {
		series.AreaStyle = &opts.AreaStyle{Color: s.color, Opacity: opts.Float(0.07)}
	}
	p.lines = append(p.lines, series)
	return true
}

// bars adds bars against the right axis, unless all of them are zero.
func (p *panel) bars(name string, data points, color string) {
	if data.peak() == 0 {
		return
	}
	p.lines = append(p.lines, charts.SingleSeries{
		Name: name, Type: "bar", Data: data, Color: color, YAxisIndex: 1, BarWidth: "6",
		ItemStyle: &opts.ItemStyle{Color: color, Opacity: opts.Float(0.45)},
	})
}

func (p *panel) hide(name string) {
	if p.hidden == nil {
		p.hidden = map[string]bool{}
	}
	p.hidden[name] = true
}

// chart is a panel ready for the page's template.
type chart struct {
	ID, Title, Note, Missing string
	Height                   int
	Group                    string
	Label                    string      // for screen readers
	Option                   template.JS // echarts' option as JSON; empty if nothing is to be drawn
	Series                   int
}

// chart renders the panel's options to JSON. encoding/json escapes <, > and &,
// so the text can stand in a script element, and refuses NaN.
func (p *panel) chart() (chart, error) {
	c := chart{ID: p.id, Title: p.title, Note: p.note, Missing: p.missing, Height: p.height, Group: p.group, Series: len(p.lines)}
	if len(p.lines) == 0 {
		return c, nil
	}
	names := make([]string, len(p.lines))
	for i, l := range p.lines {
		names[i] = l.Name
	}
	c.Label = fmt.Sprintf("Chart: %s. %s against %s. Series: %s.", p.title, p.y.name, p.x.name, strings.Join(names, ", "))
	option, err := json.Marshal(p.options().JSON())
	if err != nil {
		return c, fmt.Errorf("chart %s: %w", p.id, err)
	}
	c.Option = template.JS(option)
	return c, nil
}

func (p *panel) options() *charts.Line {
	line := charts.NewLine()
	selected := map[string]bool{}
	for name := range p.hidden {
		selected[name] = false
	}
	line.SetGlobalOptions(
		charts.WithAnimation(false),
		charts.WithInitializationOpts(opts.Initialization{ChartID: p.id, Theme: "own"}),
		charts.WithLegendOpts(opts.Legend{
			Type: p.legendType(), Show: opts.Bool(true), Left: "56", Right: "8", Top: "0", Data: p.legend(), Selected: selected,
			ItemWidth: 26, ItemHeight: 8,
		}),
		charts.WithGridOpts(opts.Grid{Left: "66", Right: "66", Top: "56", Bottom: "66"}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "axis", AxisPointer: &opts.AxisPointer{Type: "line"}}),
		// Dragging over the chart zooms, which is a tool of the toolbox: it must
		// be there, but out of sight.
		charts.WithToolboxOpts(opts.Toolbox{Show: opts.Bool(true), Top: "-99", Feature: &opts.ToolBoxFeature{
			DataZoom: &opts.ToolBoxFeatureDataZoom{Show: opts.Bool(true), YAxisIndex: "none"},
		}}),
		// filterMode none: a line keeps going to the edge of a zoomed chart.
		charts.WithDataZoomOpts(opts.DataZoom{Type: "slider", XAxisIndex: 0, FilterMode: "none"}),
		charts.WithXAxisOpts(opts.XAxis{
			Type: "value", Name: p.x.name, NameLocation: "middle", NameGap: 26, Min: 0, Max: p.x.limit(),
			SplitLine: &opts.SplitLine{Show: opts.Bool(false)},
		}),
		charts.WithYAxisOpts(p.y.left()),
	)
	if p.y2.name != "" {
		right := p.y2.left()
		right.SplitLine = &opts.SplitLine{Show: opts.Bool(false)}
		line.ExtendYAxis(right)
	}
	line.MultiSeries = append(line.MultiSeries, p.lines...)
	line.MultiSeries[0].MarkLines = p.rules()
	return line
}

// crowd is how many lines are too many for a legend that shows all of them.
const crowd = 18

// legendType makes the legend one row to leaf through where there is a crowd.
func (p *panel) legendType() string {
	if len(p.lines) > crowd {
		return "scroll"
	}
	return "plain"
}

// legendItem hides the dot that echarts puts on the sample of a line: the dash
// pattern tells lines of one colour apart.
type legendItem struct {
	Name      string         `json:"name"`
	ItemStyle *legendOpacity `json:"itemStyle,omitempty"`
}

type legendOpacity struct {
	Opacity float64 `json:"opacity"`
}

// legend lists the lines; in a crowd, what is shown comes first.
func (p *panel) legend() []legendItem {
	items := make([]legendItem, len(p.lines))
	for i, l := range p.lines {
		items[i].Name = l.Name
		if l.Type == "line" {
			items[i].ItemStyle = &legendOpacity{0}
		}
	}
	if len(items) > crowd {
		slices.SortStableFunc(items, func(a, b legendItem) int {
			switch {
			case p.hidden[a.Name] == p.hidden[b.Name]:
				return 0
			case p.hidden[b.Name]:
				return -1
			}
			return 1
		})
	}
	return items
}

func (a axis) left() opts.YAxis {
	return opts.YAxis{Type: "value", Name: a.name, NameLocation: "middle", NameGap: 48, Min: 0, Max: a.limit()}
}

func (a axis) limit() any {
	if a.max <= 0 {
		return nil
	}
	return a.max
}

// rules draws the panel's marks, nil if there are none.
func (p *panel) rules() *opts.MarkLines {
	if len(p.marks)+len(p.trips) == 0 {
		return nil
	}
	m := &opts.MarkLines{MarkLineStyle: opts.MarkLineStyle{
		Symbol:    []string{"none", "none"},
		Label:     &opts.Label{Show: opts.Bool(false)},
		LineStyle: &opts.LineStyle{Color: "--rule", Type: "dashed", Width: 1},
	}}
	for _, at := range p.marks {
		m.Data = append(m.Data, opts.MarkLineNameXAxisItem{XAxis: at})
	}
	for _, t := range p.trips {
		m.Data = append(m.Data, t.rule())
	}
	return m
}
