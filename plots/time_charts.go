package plots

import (
	"cmp"
	"math"
	"slices"
	"time"

	"rtpfabric/sim/record"
)

// Rates and ratios are drawn as means over a second, the resolution that RFC
// 8868 §3 asks of plots. Delays keep the bins of the record: a peak in the
// queue is shorter than a second.
const plotStep = time.Second

// Group of the charts over time, which zoom together.
const timeGroup = "time"

// drawing is what the charts of one page have in common.
type drawing struct {
	r       *record.Record
	whole   *record.Record // of a crowd r is a part; what is summed or ranked is so over all
	colors  *palette
	seconds float64
	changes []float64 // s: when the capacity of a bottleneck changed, or a middlebox died or came back
	trips   []trip    // of circuit breakers
	limits  []string  // link directions whose capacity is in reach of the media
}

func newDrawing(r *record.Record) *drawing {
	d := &drawing{r: r, whole: r, colors: newPalette(r), seconds: max(r.Manifest.Duration, r.Manifest.Reached).Seconds()}
	for _, s := range r.Series {
		d.seconds = max(d.seconds, float64(len(s.Values))*s.Step.Seconds())
	}
	d.trips = tripsOf(r)
	peak := d.mediaPeak()
	for _, link := range r.Names(record.Capacity) {
		stairs := steps(r.Find(link, record.Capacity))
		if !stairs.has() || lowest(stairs) > 4*peak {
			continue
		}
		d.limits = append(d.limits, link)
		for _, p := range stairs[1 : len(stairs)-1] {
			d.changes = append(d.changes, p[0])
		}
	}
	// A link that follows a trace changes all the time: rules would be a wall.
	if len(d.changes) > 20 {
		d.changes = nil
	}
	for _, e := range r.Events {
		if e.Kind == record.BoxDied || e.Kind == record.BoxRestarted {
			d.changes = append(d.changes, e.At.Seconds())
		}
	}
	return d
}

// mediaPeak is the highest rate of any stream or target, over a second.
func (d *drawing) mediaPeak() float64 {
	peak := 0.0
	for _, s := range d.r.Series {
		switch s.Metric {
		case record.SendRate, record.Target:
			peak = max(peak, means(s, plotStep).peak())
		}
	}
	return peak
}

func lowest(p points) float64 {
	low := math.Inf(1)
	for _, xy := range p {
		if !math.IsNaN(xy[1]) {
			low = min(low, xy[1])
		}
	}
	return low
}

// panel starts a chart over time.
func (d *drawing) panel(id, title, yName string, height int) *panel {
	return &panel{
		id: id, title: title, height: height, group: timeGroup,
		x: axis{name: "time [s]", max: d.seconds}, y: axis{name: yName}, marks: d.changes, trips: d.trips,
	}
}

// rateScale chooses the unit of an axis by the highest rate on it.
func rateScale(peak float64) (unit string, factor float64) {
	switch {
	case peak >= 1e9:
		return "Gbit/s", 1e-9
	case peak >= 1e6:
		return "Mbit/s", 1e-6
	case peak >= 1e3:
		return "kbit/s", 1e-3
	}
	return "bit/s", 1
}

func (d *drawing) rates() *panel {
	peak := d.mediaPeak()
	for _, link := range d.limits {
		peak = max(peak, steps(d.r.Find(link, record.Capacity)).peak())
	}
	unit, factor := rateScale(peak)
	p := d.panel("rates", "Rates", "rate ["+unit+"]", 420)
	p.note = "Means over 1 s, as RFC 8868 asks; capacity as it was. The broad band is what arrived. Rates count IP and UDP headers, except the encoder's."
	p.missing = "No stream sent anything."
	for _, link := range d.r.Names(record.Capacity) {
		if !d.reachable(link) && len(d.r.Names(record.Capacity)) > 2*manyLinks {
			continue
		}
		data := steps(d.r.Find(link, record.Capacity)).scaled(factor)
		first := len(d.limits) > 0 && d.limits[0] == link
		width := float32(1.4)
		if first {
			width = 2.2
		}
		if p.line(link, "capacity", data, stroke{color: d.colors.color(link), width: width, dash: "solid", filled: first, stairs: true}) {
			p.last().hidden = !d.reachable(link)
		}
	}
	d.lines(p, record.ReceiveRate, "received", plotStep, factor, stroke{width: 6, dash: "solid", faint: true})
	d.lines(p, record.Target, "target", plotStep, factor, stroke{width: 1.6, dash: "dashed"})
	d.lines(p, record.SendRate, "sent", plotStep, factor, stroke{width: 2, dash: "solid"})
	d.lines(p, record.EncoderRate, "encoded", plotStep, factor, stroke{width: 1.4, dash: "dotted"})
	d.lines(p, record.RepairRate, "repairs", plotStep, factor, stroke{width: 1.4, dash: "dashed"})
	// With many streams the page starts with one line each.
	streams := len(d.r.Names(record.SendRate))
	p.fold("encoded")
	if streams > 2 {
		p.fold("received")
	}
	if streams > paletteSize {
		p.fold("target")
	}
	p.foldBeyond(manySources, "repairs")
	return p
}

// manyLinks is how many links a chart shows; of more, those where most happens.
const manyLinks = 4

// busiest returns the links of a metric, or of many the few with the highest
// peaks.
func (d *drawing) busiest(metric string) []string {
	names := d.r.Names(metric)
	if len(names) <= 2*manyLinks {
		return names
	}
	peak := map[string]float64{}
	for _, n := range names {
		peak[n] = means(d.r.Find(n, metric), 0).peak()
	}
	top := slices.Clone(names)
	slices.SortStableFunc(top, func(a, b string) int { return cmp.Compare(peak[b], peak[a]) })
	top = top[:manyLinks]
	return slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(top, n) })
}

// reachable reports whether a link's capacity is near what the media need. A
// capacity far above would flatten every other line.
func (d *drawing) reachable(link string) bool {
	return slices.Contains(d.limits, link)
}

// lines draws a metric of every entity that has it, in the entity's colour.
func (d *drawing) lines(p *panel, metric, what string, width time.Duration, factor float64, s stroke) {
	for _, entity := range d.r.Names(metric) {
		s.color = d.colors.color(entity)
		p.line(entity, what, means(d.r.Find(entity, metric), width).scaled(factor), s)
	}
}

// bars draws how much of a metric there is in each second, against an axis on the right.
func (d *drawing) bars(p *panel, metric, what string, right axis) {
	p.y2 = right
	for _, entity := range d.r.Names(metric) {
		p.bars(entity, what, perSecond(d.r.Find(entity, metric)), d.colors.color(entity))
	}
}

func (d *drawing) delays() *panel {
	p := d.panel("delay", "One-way and queue delay", "delay [ms]", 320)
	p.note = "Means over each bin of the record. One-way delay from entering the network to arrival; queue delay until serialization starts."
	p.hint = "Hidden at first: jitter as receivers report it."
	p.missing = "No packet arrived and no queue was recorded."
	d.lines(p, record.OneWayDelay, "one-way delay", 0, 1, stroke{width: 1.8, dash: "solid"})
	for _, stream := range d.r.Names(record.Jitter) {
		p.line(stream, "jitter", present(means(d.r.Find(stream, record.Jitter), 0)), stroke{color: d.colors.color(stream), width: 1.2, dash: "dotted", stairs: true})
	}
	for _, link := range d.busiest(record.QueueDelay) {
		p.line(link, "queue delay", means(d.r.Find(link, record.QueueDelay), 0), stroke{color: d.colors.color(link), width: 1.4, dash: "solid"})
	}
	p.fold("jitter")
	return p
}

func (d *drawing) windows() *panel {
	p := d.panel("windows", "Congestion windows", "window [kB]", 260)
	p.note = "Of TCP, all connections of a flow together, means over each bin."
	p.barNote = "segments sent again in each second"
	p.missing = "There was no TCP."
	d.lines(p, record.CongestionWindow, "window", 0, 1e-3, stroke{width: 1.8, dash: "solid"})
	d.bars(p, record.Retransmissions, "sent again", axis{name: "sent again [segments per s]"})
	return p
}

// present leaves out bins without a value: reports are rarer than bins, and a
// line that breaks between any two of them would show nothing.
func present(p points) points {
	var q points
	for _, xy := range p {
		if !math.IsNaN(xy[1]) {
			q = append(q, xy)
		}
	}
	return q
}
