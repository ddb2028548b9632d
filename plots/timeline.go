package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// lanesShown is how many streams the timeline has; of more, those with the most trouble.
const lanesShown = 24

// timeline draws of each video when it is seen, stands still, can't be decoded, asks for a key frame, and when a circuit
// breaker holds it.
func (d *drawing) timeline() *panel {
	p := d.panel("timeline", "Frames and freezes", "stream", 0)
	p.missing, p.trips = "There was no video.", nil // lanes show them
	streams := d.whole.Names(record.FrameRate)
	p.note = "Thin: pictures are shown. Broad: the picture stands still, or a circuit breaker holds the stream. Marks: frames that can't be decoded, key frames asked for; to a bin of the record."
	if len(streams) > lanesShown {
		p.note += fmt.Sprintf(" The %d of %d videos with the longest freezes.", lanesShown, len(streams))
		streams = d.troubled(streams)[:lanesShown]
	}
	p.y.lanes = streams
	p.height = 130 + 24*len(streams)
	for lane, stream := range streams {
		p.line(stream, "shown", d.spansWhere(stream, record.FrameRate, lane, func(v float64) bool { return v > 0 }), stroke{color: d.colors.color(stream), width: 2, dash: "solid"})
	}
	for lane, stream := range streams {
		p.line(stream, "held by its breaker", d.broken(stream, lane), stroke{color: "--series-6", width: 15, dash: "solid", faint: true})
	}
	for lane, stream := range streams {
		p.line(stream, "frozen", d.freezes(stream, lane), stroke{color: "--fail", width: 9, dash: "solid"})
	}
	positive := func(v float64) bool { return v > 0 }
	for lane, stream := range streams {
		p.line(stream, "undecodable", d.spansWhere(stream, record.Undecodable, lane, positive), stroke{color: "--warn", width: 15, dash: "solid"})
		p.line(stream, "key frame asked for", d.spansWhere(stream, record.Refreshes, lane, positive), stroke{color: "--calm", width: 20, dash: "solid"})
	}
	return p
}

// troubled returns streams with the longest freezes first.
func (d *drawing) troubled(streams []string) []string {
	frozen := map[string]float64{}
	for _, s := range streams {
		if series := d.whole.Find(s, record.FreezeTime); series != nil {
			frozen[s], _ = total(series.Values)
		}
	}
	list := slices.Clone(streams)
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(frozen[b], frozen[a]) })
	return list
}

// span is a stretch of a lane.
func (p points) span(from, to float64, lane int) points {
	y := float64(lane)
	return append(p, [2]float64{from, y}, [2]float64{to, y}, [2]float64{to, math.NaN()})
}

// merged returns at most n points of the stretches of a lane: those with the shortest gaps between them become one.
func (p points) merged(n int) points {
	var gaps []float64
	for i := 3; i < len(p); i += 3 {
		gaps = append(gaps, p[i][0]-p[i-2][0])
	}
	sorted := slices.Sorted(slices.Values(gaps))
	shortest := sorted[len(sorted)-n/3] // of those that stay
	merged := points{p[0]}
	for i, gap := range gaps {
		if gap > shortest {
			merged = append(merged, p[3*i+1], p[3*i+2], p[3*i+3])
		}
	}
	return append(merged, p[len(p)-2], p[len(p)-1])
}

// spansWhere returns the stretches in which the values of a series are such.
func (d *drawing) spansWhere(stream, metric string, lane int, such func(float64) bool) points {
	s := d.whole.Find(stream, metric)
	if s == nil {
		return nil
	}
	var p points
	for i := 0; i < len(s.Values); i++ {
		from := i
		for i < len(s.Values) && such(s.Values[i]) {
			i++
		}
		if i > from {
			p = p.span(float64(from)*s.Step.Seconds(), float64(i)*s.Step.Seconds(), lane)
		}
	}
	return p
}

// freezes returns the stretches in which a picture stands still, as far as events say when they began, or else by bins.
func (d *drawing) freezes(stream string, lane int) points {
	var p points
	for _, e := range d.whole.Events {
		if e.Kind == record.Freeze && e.Entity == stream && e.Delay > 0 {
			p = p.span(e.At.Add(-e.Delay).Seconds(), e.At.Seconds(), lane)
		}
	}
	if p == nil {
		p = d.spansWhere(stream, record.FreezeTime, lane, func(v float64) bool { return v > 0 })
	}
	return p
}

// broken returns the stretches in which a circuit breaker keeps a stream from sending, or from sending as much.
func (d *drawing) broken(stream string, lane int) points {
	var p points
	since, open := simtime.Time(0), false
	sender, _, _ := strings.Cut(stream, ">")
	for _, e := range d.whole.Events {
		if e.Entity != stream && e.Entity != sender {
			continue
		}
		switch e.Kind {
		case record.BreakerTripped, record.BreakerReduced:
			if !open {
				since, open = e.At, true
			}
		case record.BreakerRestarted, record.BreakerLifted:
			if open {
				p, open = p.span(since.Seconds(), e.At.Seconds(), lane), false
			}
		}
	}
	if open {
		end := time.Duration(d.seconds * float64(time.Second))
		p = p.span(since.Seconds(), end.Seconds(), lane)
	}
	return p
}
