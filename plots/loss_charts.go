package plots

import (
	"math"
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

func (d *drawing) loss() *panel {
	p := d.panel("loss", "Loss and marks", "lost [%]", 260)
	p.note = "Lost packets in each second, in percent of those that were sent in it (streams) or came to the link (links). Dotted: packets that a queue marked CE instead."
	p.hint = "Hidden at first: what the sender knows of it from reports."
	p.missing = "No packets were counted."
	for _, stream := range d.r.Names(record.LostPackets) {
		data := percentages(d.r.Find(stream, record.LostPackets), d.r.Find(stream, record.SentPackets), plotStep)
		p.line(stream, "lost", data, stroke{color: d.colors.color(stream), width: 1.8, dash: "solid"})
	}
	for _, stream := range d.r.Names(record.ReportedLoss) {
		p.line(stream, "reported", present(means(d.r.Find(stream, record.ReportedLoss), 0)).scaled(100), stroke{color: d.colors.color(stream), width: 1.2, dash: "dashed", stairs: true})
	}
	for _, link := range d.busiest(record.Drops) {
		data := percentages(d.r.Find(link, record.Drops), d.r.Find(link, record.Arrivals), plotStep)
		p.line(link, "drops", data, stroke{color: d.colors.color(link), width: 1.4, dash: "dashed"})
	}
	for _, link := range d.busiest(record.Marks) {
		if data := percentages(d.r.Find(link, record.Marks), d.r.Find(link, record.Arrivals), plotStep); data.peak() > 0 {
			p.line(link, "marks", data, stroke{color: d.colors.color(link), width: 1.4, dash: "dotted"})
		}
	}
	p.fold("reported")
	p.atLeast(1) // without any loss the axis would invent a scale
	return p
}

// repairs draws what is lost of the streams that repair anything, before and after.
func (d *drawing) repairs() *panel {
	p := d.panel("repair", "Loss before and after repair", "lost [%]", 260)
	p.note = "Lost packets in each second, in percent of those sent, and dashed those of them that neither were sent again in time nor made up for by FEC. " +
		"What is restored counts when it is, so that a second may make up for the one before."
	p.missing = "Nothing was repaired."
	for _, stream := range d.r.Names(record.Restored) {
		lost, restored := d.r.Find(stream, record.LostPackets), d.r.Find(stream, record.Restored)
		if lost == nil || sums(restored, 0).peak() == 0 {
			continue
		}
		sent := d.r.Find(stream, record.SentPackets)
		p.line(stream, "before", percentages(lost, sent, plotStep), stroke{color: d.colors.color(stream), width: 1.8, dash: "solid"})
		p.line(stream, "after", percentages(less(lost, restored), sent, plotStep), stroke{color: d.colors.color(stream), width: 1.8, dash: "dashed"})
	}
	p.foldBeyond(manySources, "before")
	p.foldBeyond(manySources, "after")
	return p
}

// less returns what remains of a number of packets. What is restored in a bin that has lost less makes up for earlier ones.
func less(lost, restored *record.Series) *record.Series {
	rest := *lost
	rest.Values = slices.Clone(lost.Values)
	var open []int // bins of which something is still lost
	for i, n := range restored.Values[:min(len(restored.Values), len(lost.Values))] {
		if rest.Values[i] > 0 {
			open = append(open, i)
		}
		for n > 0 && len(open) > 0 {
			at := open[len(open)-1]
			taken := min(n, rest.Values[at])
			rest.Values[at] -= taken
			n -= taken
			if rest.Values[at] == 0 {
				open = open[:len(open)-1]
			}
		}
	}
	return &rest
}

// drops draws what links and nodes have dropped, by the reason.
func (d *drawing) drops() *panel {
	p := d.panel("drops", "Dropped packets by cause", "packets per s", 260)
	p.note = "Of all packets, RTCP and other traffic too, in each second: what the link lost, what its queue refused or dropped later, and what nodes didn't pass on."
	p.missing = "No packet was dropped."
	var causes []string
	for _, s := range d.r.Series {
		cause, ok := strings.CutPrefix(s.Metric, record.DropsPrefix)
		if !ok {
			continue
		}
		k := slices.Index(causes, cause)
		if k < 0 {
			k = len(causes)
			causes = append(causes, cause)
		}
		if p.line(s.Entity, strings.ReplaceAll(cause, "-", " "), perSecond(s), stroke{color: d.colors.color(s.Entity), width: 1.6, dash: dashes[k%len(dashes)]}) {
			p.last().folded = len(p.lines) > manySources
		}
	}
	return p
}

// queues draws how much waits in front of links.
func (d *drawing) queues() *panel {
	peak := 0.0
	for _, link := range d.busiest(record.QueueLength) {
		peak = math.Max(peak, means(d.r.Find(link, record.QueueLength), 0).peak())
	}
	unit, factor := "octets", 1.0
	if peak >= 10e3 {
		unit, factor = "kB", 1e-3
	}
	p := d.panel("queues", "Queues", "waiting ["+unit+"]", 240)
	p.note = "What waits in front of a link, means over each bin. Of many links those with the longest queues."
	p.missing = "No queue was recorded."
	for _, link := range d.busiest(record.QueueLength) {
		p.line(link, "queue", means(d.r.Find(link, record.QueueLength), 0).scaled(factor), stroke{color: d.colors.color(link), width: 1.6, dash: "solid"})
	}
	return p
}
