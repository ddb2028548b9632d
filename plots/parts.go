package plots

import (
	"slices"
	"strings"

	"rtpfabric/sim/record"
)

// part is a few panels about one matter.
type part struct {
	title  string
	panels []*panel
}

// parts returns all panels of a run, from what comes first to a reader's mind to what explains it.
func (d *drawing) parts() []part {
	// What nobody would miss has no panel unless there is something to see.
	has := func(metric string) bool { return len(d.r.Names(metric)) > 0 }
	hasAny := func(prefix string) bool {
		return slices.ContainsFunc(d.r.Series, func(s *record.Series) bool { return strings.HasPrefix(s.Metric, prefix) })
	}
	media := has(record.RTCPRate) || !has(record.SendRate) // and not traffic alone
	var list []part
	add := func(title string, panels ...*panel) {
		panels = slices.DeleteFunc(panels, func(p *panel) bool { return p == nil })
		if len(panels) > 0 {
			list = append(list, part{title, panels})
		}
	}
	when := func(there bool, p func() *panel) *panel {
		if !there {
			return nil
		}
		return p()
	}
	add("Bandwidth", d.rates(), when(has(record.CongestionWindow), d.windows))
	add("Network", d.delays(), d.loss(), when(has(record.QueueLength), d.queues), when(hasAny(record.DropsPrefix), d.drops), d.cdf())
	add("Media", when(media && has(record.FrameRate), d.timeline), when(media, d.frameDelay), when(media && has(record.FrameRate), d.frameRate), when(has(record.BufferDelay), d.buffers),
		when(d.restores(), d.repairs), when(has(record.VideoScore), d.watching), when(has(record.MOS), d.listening), when(has(record.AVSkew), d.skew), when(len(d.r.Spectra) > 0, d.spectrum))
	add("RTCP", when(media, d.rtcp), when(hasAny(record.RTCPPrefix), d.messages), when(media, d.intervals), when(media, d.rtt))
	add("Inside the controllers", d.signals()...)
	return list
}

// restores reports whether anything that was lost came after all.
func (d *drawing) restores() bool {
	return slices.ContainsFunc(d.r.Names(record.Restored), func(stream string) bool {
		n, _ := total(d.r.Find(stream, record.Restored).Values)
		return n > 0
	})
}
