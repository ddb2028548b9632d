package measure

import (
	"math"

	"rtpfabric/endpoints"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// Finish completes the record's series, distributions, events and summary. end
// is how far the run came.
func (r *Recorder) Finish(end simtime.Time, into *record.Record) {
	for _, f := range r.flows {
		if from, to, frozen := f.openFreeze(end); frozen {
			r.freeze(f, from, to)
		}
	}
	for _, m := range r.ends {
		m.count(&r.book, end)
	}
	r.book.finish(end)
	for _, f := range r.flows {
		if f.audio != nil {
			f.audio.finish(&r.book, end)
		} else {
			f.watch(&r.book, end)
		}
	}
	r.fillAvailable()
	into.Series = r.book.series
	into.Distributions = r.book.dists
	into.Events = r.events
	into.Messages = r.messages
	into.Summary = r.summary(end)
}

// fillAvailable computes what the flows that cross each link could use of it.
func (r *Recorder) fillAvailable() {
	flows := byLink(len(r.links), r.flows, func(f *flowMeter) *pathMeter { return &f.pathMeter })
	traffic := byLink(len(r.links), r.traffic, func(f *trafficMeter) *pathMeter { return &f.pathMeter })
	for i, l := range r.links {
		if l != nil {
			l.fillAvailable(r, flows[i], traffic[i])
		}
	}
}

// byLink returns those whose paths lead over each link at any time, in their order: in a conference
// few of all.
func byLink[M any](links int, all []M, path func(M) *pathMeter) [][]M {
	list, last := make([][]M, links), make([]int, links) // who came last, from 1 on
	for i, m := range all {
		for _, from := range path(m).paths {
			for _, l := range from.links {
				if at := l.Index(); last[at] <= i {
					list[at], last[at] = append(list[at], m), i+1
				}
			}
		}
	}
	return list
}

// fillAvailable computes what flows and traffic that cross the link could use of it:
// its capacity, or what all of them send at their maximum rates with their
// part of RTCP, if that is less.
func (m *linkMeter) fillAvailable(r *Recorder, flows []*flowMeter, traffic []*trafficMeter) {
	for i, capacity := range m.capacity.series.Values {
		demand := 0.0
		for _, f := range flows {
			if n := f.crossings(m.link, i); n > 0 && f.activeIn(i) {
				demand += float64(float64(n) * (float64(f.flow.Model.Wire(f.flow.Model.Max)) + r.sim.RTCPPerStream(f.flow)))
			}
		}
		for _, f := range traffic {
			if f.crossings(m.link, i) > 0 && f.activeIn(i) {
				demand += f.peak()
			}
		}
		m.available.Values[i] = math.Min(capacity, demand)
	}
}

// activeIn reports whether the traffic may send during the whole of a bin.
func (m *trafficMeter) activeIn(i int) bool {
	from, to := Step*timeOf(i), Step*timeOf(i+1)
	return m.flow.Start.Duration() <= from && to <= m.flow.Stop.Duration()
}

// peak is what the traffic can send at most.
func (m *trafficMeter) peak() float64 {
	if m.flow.Peak == 0 {
		return math.Inf(1)
	}
	return float64(m.flow.Peak)
}

// activeIn reports whether the stream may send during the whole of a bin.
func (m *flowMeter) activeIn(i int) bool {
	from, to := Step*timeOf(i), Step*timeOf(i+1)
	if m.flow.Start.Duration() > from || to > m.flow.Stop.Duration() {
		return false
	}
	for _, p := range m.pauses {
		if p.From.Duration() < to && from < p.To.Duration() {
			return false
		}
	}
	return true
}

func (r *Recorder) summary(end simtime.Time) []record.Metric {
	var s summary
	for _, f := range r.flows {
		s.flow(f, end)
	}
	for _, f := range r.traffic {
		s.traffic(f, end)
	}
	for _, c := range r.conns {
		s.connection(c)
	}
	for _, m := range r.ends {
		s.endpoint(m, end)
		if k, hosted := r.sim.Sockets(m.name); hosted {
			s.put(m.name, "datagrams-unreachable", "total", float64(k.Unreachable), "count")
			s.put(m.name, "datagrams-overflowed", "total", float64(k.Overflowed), "count")
			if k.Segments > 0 {
				s.put(m.name, "segments-sent", "total", float64(k.Segments), "count")
				s.put(m.name, "segments-repeated", "total", float64(k.Repeated), "count")
				s.put(m.name, "segments-unreachable", "total", float64(k.Strangers), "count")
				s.put(m.name, "connections-overflowed", "total", float64(k.Refused), "count")
				s.put(m.name, "stream-backlog", "max", float64(k.MostWaiting), "B")
			}
		}
	}
	if dropped, streams := r.sim.StreamsFull(); streams {
		s.put("ice-server", "stream-overflowed", "total", float64(dropped), "count")
	}
	for _, l := range r.links {
		if l != nil {
			s.link(l, end)
		}
	}
	s.fairness(r.flows)
	return s.list
}

// elastic reports whether a stream competes for capacity.
func (m *flowMeter) elastic() bool { return m.flow.Kind == endpoints.Video }
