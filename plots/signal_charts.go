package plots

import (
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// signals draws the inner values of controllers, those of a unit together.
func (d *drawing) signals() []*panel {
	byUnit := map[string][]*record.Series{}
	var units []string
	for _, s := range d.r.Series {
		if !strings.HasPrefix(s.Metric, record.SignalPrefix) || !means(s, 0).has() {
			continue
		}
		if !slices.Contains(units, s.Unit) {
			units = append(units, s.Unit)
		}
		byUnit[s.Unit] = append(byUnit[s.Unit], s)
	}
	var panels []*panel
	for i, unit := range units {
		name, factor := unit, 1.0
		switch unit {
		case "1":
			name = "value"
		case "bit/s":
			peak := 0.0
			for _, s := range byUnit[unit] {
				peak = max(peak, means(s, 0).peak())
			}
			name, factor = rateScale(peak)
		}
		p := d.panel("signals-"+string(rune('a'+i)), "Inside the controllers, "+name, name, 280)
		p.note = "What controllers show of themselves, as they name it; simrun controllers says what it is."
		d.signalLines(p, byUnit[unit], factor)
		panels = append(panels, p)
	}
	return panels
}

// dashes tell the signals of a connection apart, which share its colour.
var dashes = []string{"solid", "dashed", "dotted"}

func (d *drawing) signalLines(p *panel, series []*record.Series, factor float64) {
	var kinds []string
	for _, s := range series {
		if !slices.Contains(kinds, s.Metric) {
			kinds = append(kinds, s.Metric)
		}
	}
	for i, s := range series {
		k := slices.Index(kinds, s.Metric)
		width := 1.8 - 0.5*float32(k/len(dashes))
		what := strings.TrimPrefix(s.Metric, record.SignalPrefix)
		if p.line(s.Entity, what, present(means(s, 0)).scaled(factor), stroke{color: d.colors.color(s.Entity), width: max(width, 0.8), dash: dashes[k%len(dashes)]}) {
			p.last().folded = i >= paletteSize
		}
	}
}
