package plots

import (
	"math"
	"slices"
	"strings"
	"time"

	"rtpfabric/sim/record"
)

// rtcpStep evens out RTCP, whose packets can lie seconds apart: 5 s is the
// minimum interval of RFC 3550 §6.2.
const rtcpStep = 5 * time.Second

func (d *drawing) rtt() *panel {
	p := d.panel("rtt", "Round-trip time", "RTT [ms]", 260)
	p.note = "As each connection measures it from LSR and DLSR in reports, mean of each bin."
	p.missing = "No round-trip time was measured."
	for _, connection := range d.r.Names(record.RTT) {
		data := present(means(d.r.Find(connection, record.RTT), 0))
		p.line(connection, "RTT", data, stroke{color: d.colors.color(connection), width: 1.8, dash: "solid"})
	}
	return p
}

func (d *drawing) rtcp() *panel {
	peak := 0.0
	for _, s := range d.r.Series {
		switch s.Metric {
		case record.RTCPRate, record.RTCPShare:
			peak = max(peak, means(s, rtcpStep).peak())
		}
	}
	unit, factor := rateScale(peak)
	p := d.panel("rtcp", "RTCP against its share", "RTCP ["+unit+"]", 280)
	p.note = "Means over 5 s, because packets can lie seconds apart. Dashed: the endpoint's part of the 5 % of session bandwidth (RFC 3550 section 6.2)."
	p.missing = "No RTCP was recorded."
	d.lines(p, record.RTCPRate, "RTCP", rtcpStep, factor, stroke{width: 1.8, dash: "solid"})
	d.lines(p, record.RTCPShare, "share", plotStep, factor, stroke{width: 1.4, dash: "dashed"})
	return p
}

// messages draws how many messages of each kind all endpoints send together, and folded those of each.
func (d *drawing) messages() *panel {
	p := d.panel("rtcp-messages", "RTCP by message type", "messages per s", 280)
	p.note = "Of all endpoints together, means over 5 s. A compound packet has several messages."
	p.hint = "Of one alone where it is shown alone."
	p.missing = "No RTCP message was counted."
	kinds, sums := map[string]points{}, []string{}
	for _, s := range d.whole.Series {
		kind, ok := strings.CutPrefix(s.Metric, record.RTCPPrefix)
		if !ok {
			continue
		}
		if _, known := kinds[kind]; !known {
			sums = append(sums, kind)
		}
		kinds[kind] = kinds[kind].plus(means(s, rtcpStep).scaled(1 / s.Step.Seconds()))
	}
	slices.Sort(sums)
	style := func(kind string) stroke {
		k := slices.Index(sums, kind)
		return stroke{color: seriesColor(k), width: 1.8, dash: dashes[k/paletteSize%len(dashes)]}
	}
	for _, kind := range sums {
		p.line("", kind, kinds[kind], style(kind))
	}
	for _, s := range d.r.Series {
		if kind, ok := strings.CutPrefix(s.Metric, record.RTCPPrefix); ok && p.line(s.Entity, kind, means(s, rtcpStep).scaled(1/s.Step.Seconds()), style(kind)) {
			p.last().folded = true
		}
	}
	return p
}

// intervals draws how far apart the reports of each source are, and what mean their endpoint's share allows.
func (d *drawing) intervals() *panel {
	p := &panel{
		id: "rtcp-intervals", title: "Intervals between reports", height: 300,
		x: axis{name: "interval [ms]"}, y: axis{name: "intervals at or below [%]", max: 100},
		note: "Of each source that reports, over the whole run and in all its sessions. Dashed: the mean interval at which an endpoint's packets in a session, of their mean size, " +
			"would use its share of the RTCP bandwidth up; packets that are early by feedback (RFC 4585) count with the others.",
		missing: "No source has reported twice.",
	}
	bySource, sources := map[string][]*record.Distribution{}, []string{}
	for _, dist := range d.r.Distributions {
		if dist.Metric == record.Intervals {
			if bySource[dist.Entity] == nil {
				sources = append(sources, dist.Entity)
			}
			bySource[dist.Entity] = append(bySource[dist.Entity], dist)
		}
	}
	for _, source := range sources {
		p.line(source, "intervals", cumulative(bySource[source]...), stroke{color: d.colors.color(source), width: 1.8, dash: "solid"})
	}
	p.foldBeyond(manySources, "intervals")
	reporting := len(p.lines)
	for _, end := range d.r.Names(record.RTCPShare) {
		if at := d.allowedInterval(end); reporting > 0 && !math.IsNaN(at) {
			p.line(end, "allowed mean", points{{at, 0}, {at, 100}}, stroke{color: d.colors.color(end), width: 1.4, dash: "dashed"})
		}
	}
	p.foldBeyond(manySources, "allowed mean")
	return p
}

// isEnd reports whether an endpoint has a name.
func (d *drawing) isEnd(name string) bool {
	return slices.ContainsFunc(d.r.Manifest.Topology.Endpoints, func(e record.Endpoint) bool { return e.Name == name })
}

// manySources is how many lines of a kind a chart of distributions begins with.
const manySources = 12

// allowedInterval returns the mean time between an endpoint's packets of RTCP in one of its sessions that its share of the
// bandwidth allows, ms.
func (d *drawing) allowedInterval(end string) float64 {
	octets, packets := d.r.Find(end, record.RTCPRate), d.r.Find(end, record.RTCPPackets)
	share := d.r.Find(end, record.RTCPShare)
	if octets == nil || packets == nil {
		return math.NaN()
	}
	bits, _ := total(octets.Values)
	sent, _ := total(packets.Values)
	allowed, n := total(share.Values)
	if sent == 0 || allowed == 0 {
		return math.NaN()
	}
	sessions := 0
	for _, connection := range d.r.Names(record.Members) {
		if peer, ok := strings.CutPrefix(connection, end+"-"); ok && d.isEnd(peer) {
			sessions++
		}
	}
	size := bits * octets.Step.Seconds() / sent // bit
	return 1000 * size / (allowed / float64(n)) * float64(max(sessions, 1))
}
