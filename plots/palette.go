package plots

import (
	"fmt"
	"strings"

	"rtpfabric/sim/record"
)

// paletteSize is the number of --series-N colours in page.css. They can be
// told apart with any colour vision, on light and on dark ground.
const paletteSize = 8

// palette gives every media stream one colour on the whole page. Colours are
// names of CSS variables: the page's script puts in what the current colour
// scheme says.
type palette struct {
	index map[string]int // of an entity into the series colours
	links map[string]int // of a link direction into the link colours
}

func newPalette(r *record.Record) *palette {
	p := &palette{index: map[string]int{}, links: map[string]int{}}
	// Video comes first: with more streams than colours, it is audio, whose rate
	// says little, that shares them.
	for _, f := range r.Manifest.Topology.Flows {
		if f.Kind == "video" {
			p.add(f.Name)
		}
	}
	for _, f := range r.Manifest.Topology.Flows {
		p.add(f.Name)
	}
	for _, s := range r.Series {
		switch {
		case isLinkMetric(s.Metric):
			if _, known := p.links[s.Entity]; !known {
				p.links[s.Entity] = len(p.links)
			}
		case isStreamMetric(s.Metric):
			p.add(s.Entity)
		}
	}
	// A connection such as S1-R1 takes the colour of its first stream.
	for _, f := range r.Manifest.Topology.Flows {
		for _, name := range []string{f.From + "-" + f.To, f.From} {
			if _, known := p.index[name]; !known {
				p.index[name] = p.index[f.Name]
			}
		}
	}
	return p
}

func (p *palette) add(entity string) {
	if _, known := p.index[entity]; !known {
		p.index[entity] = len(p.index)
	}
}

// flow returns the number of an entity's colour, at most paletteSize-1. An
// entity that wasn't seen before gets the next one.
func (p *palette) flow(entity string) int {
	if i, known := p.index[entity]; known {
		return i % paletteSize
	}
	// The other side of a known connection, R1-S1, must not look like S1-R1.
	p.index[entity] = p.distinct() + 1
	return p.index[entity] % paletteSize
}

// distinct returns the highest number in use.
func (p *palette) distinct() int {
	top := -1
	for _, i := range p.index {
		top = max(top, i)
	}
	return top
}

func (p *palette) color(entity string) string {
	if i, isLink := p.links[entity]; isLink {
		return fmt.Sprintf("--link-%d", i%4)
	}
	return seriesColor(p.flow(entity))
}

// seriesColor is the colour of a number, whatever it counts.
func seriesColor(n int) string { return fmt.Sprintf("--series-%d", n%paletteSize) }

func isLinkMetric(metric string) bool {
	switch metric {
	case record.Capacity, record.Available, record.Throughput, record.QueueDelay,
		record.QueueLength, record.Arrivals, record.Drops, record.Marks:
		return true
	}
	return strings.HasPrefix(metric, record.DropsPrefix)
}

func isStreamMetric(metric string) bool {
	switch metric {
	case record.SendRate, record.ReceiveRate, record.EncoderRate, record.EncoderGoal,
		record.Goodput, record.SentPackets, record.LostPackets, record.OneWayDelay,
		record.FrameDelay, record.FreezeTime, record.FrameRate,
		record.BufferDelay, record.RepairRate, record.Restored, record.Refreshes, record.Undecodable,
		record.RepairFrames, record.RepairFrameSize,
		record.MarkedPackets, record.ReportedMarks, record.CapablePackets, record.CongestionWindow, record.Retransmissions:
		return true
	}
	return false
}

// words joins an entity and what is drawn of it to a legend's text.
func words(entity, what string) string { return strings.TrimSpace(entity + " " + what) }
