package plots

import (
	"encoding/json"
	"html/template"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// json returns the option that echarts draws the panel by, and what the page's script has to know of its lines.
func (p *panel) json() (option template.JS, lines string, err error) {
	o, err := json.Marshal(p.options().JSON())
	if err != nil {
		return "", "", err
	}
	about := make([]lineAbout, len(p.lines))
	for i := range p.lines {
		l := &p.lines[i]
		about[i] = lineAbout{Entity: l.entity, What: l.what, Folded: l.folded && !l.hidden}
	}
	l, err := json.Marshal(about)
	return template.JS(o), string(l), err
}

// lineAbout tells the page's script what a line is about.
type lineAbout struct {
	Entity string `json:"entity"`
	What   string `json:"what"`
	Folded bool   `json:"folded,omitempty"`
}

func (p *panel) options() *charts.Line {
	c := charts.NewLine()
	selected := map[string]bool{}
	for i := range p.lines {
		if l := &p.lines[i]; l.hidden || l.folded {
			selected[l.name()] = false
		}
	}
	c.SetGlobalOptions(
		charts.WithAnimation(false),
		charts.WithInitializationOpts(opts.Initialization{ChartID: p.id, Theme: "own"}),
		charts.WithLegendOpts(opts.Legend{
			Type: p.legendType(), Show: opts.Bool(true), Left: "56", Right: "8", Top: "0", Data: p.legend(), Selected: selected,
			ItemWidth: 26, ItemHeight: 8,
		}),
		charts.WithGridOpts(opts.Grid{Left: p.margin(), Right: "66", Top: "56", Bottom: "66"}),
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
		charts.WithYAxisOpts(p.y.option()),
	)
	if p.y2.name != "" {
		right := p.y2.option()
		right.SplitLine = &opts.SplitLine{Show: opts.Bool(false)}
		c.ExtendYAxis(right)
	}
	for i := range p.lines {
		c.MultiSeries = append(c.MultiSeries, p.lines[i].series())
	}
	c.MultiSeries[0].MarkLines = p.rules()
	return c
}

// series is a line as echarts knows it.
func (l *line) series() charts.SingleSeries {
	if l.bar {
		return charts.SingleSeries{
			Name: l.name(), Type: "bar", Data: l.data, Color: l.color, YAxisIndex: 1, BarWidth: "6",
			ItemStyle: &opts.ItemStyle{Color: l.color, Opacity: opts.Float(0.45)},
		}
	}
	s := charts.SingleSeries{
		Name: l.name(), Type: "line", Data: l.data, Color: l.color,
		ShowSymbol: opts.Bool(false), Symbol: "none",
		LineStyle: &opts.LineStyle{Color: l.color, Width: l.width, Type: l.dash},
	}
	if l.faint {
		s.LineStyle.Opacity = opts.Float(0.3)
	}
	if l.stairs {
		s.Step = "end"
	}
	if l.filled {
		s.AreaStyle = &opts.AreaStyle{Color: l.color, Opacity: opts.Float(0.07)}
	}
	return s
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
	out       bool           // of sight at first
}

type legendOpacity struct {
	Opacity float64 `json:"opacity"`
}

// legend lists the lines; in a crowd, what is shown comes first.
func (p *panel) legend() []legendItem {
	items := make([]legendItem, len(p.lines))
	for i := range p.lines {
		l := &p.lines[i]
		items[i].Name, items[i].out = l.name(), l.hidden || l.folded
		if !l.bar {
			items[i].ItemStyle = &legendOpacity{0}
		}
	}
	if len(items) > crowd {
		slices.SortStableFunc(items, func(a, b legendItem) int {
			switch {
			case a.out == b.out:
				return 0
			case b.out:
				return -1
			}
			return 1
		})
	}
	return items
}

// margin is the room to the left of the plot, px.
func (p *panel) margin() string {
	if len(p.y.lanes) > 0 {
		return "130"
	}
	return "66"
}

func (a axis) option() opts.YAxis {
	if len(a.lanes) > 0 {
		return opts.YAxis{Type: "category", Data: a.lanes}
	}
	return opts.YAxis{Type: "value", Name: a.name, NameLocation: "middle", NameGap: 48, Min: a.min, Max: a.limit()}
}

func (a axis) limit() any {
	if a.max <= a.min {
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
