package plots

import (
	"maps"
	"slices"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// cdf draws which share of packets had at most a given delay.
func (d *drawing) cdf() *panel {
	p := &panel{
		id: "cdf", title: "Distribution of delays", height: 340,
		x: axis{name: "delay [ms]"}, y: axis{name: "packets at or below [%]", max: 100},
		note:    "Every packet of the whole run. Solid: one-way delay of a stream; dashed: delay in a link's queue.",
		missing: "No packet's delay was recorded.",
	}
	for _, dist := range d.r.Distributions {
		s := stroke{color: d.colors.color(dist.Entity), width: 1.8, dash: "solid"}
		switch dist.Metric {
		case record.PacketDelays:
			p.line(dist.Entity, "one-way delay", cumulative(dist), s)
		case record.QueueDelays:
			s.dash = "dashed"
			p.line(dist.Entity, "queue delay", cumulative(dist), s)
		}
	}
	return p
}

// cumulative returns the distribution function of all samples together, in percent. A step below a quarter of a percent can't be
// seen and is left out, except at the ends.
func cumulative(dists ...*record.Distribution) points {
	counts, all := map[float64]int{}, 0
	for _, dist := range dists {
		w := dist.Window(0, simtime.Never-simtime.At(dist.Step))
		for value, n := range w.All() {
			counts[value] += n
			all += n
		}
	}
	var p points
	seen := 0
	for _, value := range slices.Sorted(maps.Keys(counts)) {
		if seen == 0 {
			p = append(p, [2]float64{value, 0})
		}
		seen += counts[value]
		share := 100 * float64(seen) / float64(all)
		if share-p[len(p)-1][1] >= 0.25 || seen == all {
			p = append(p, [2]float64{value, share})
		}
	}
	return p
}
