package measure

import (
	"math"
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"rtpfabric/endpoints"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// summary collects the metrics of RFC 8868 §3 about a whole run.
type summary struct{ list []record.Metric }

// put adds a metric. Ten digits are kept: the last few depend on the order in
// which a machine's vector unit adds.
func (s *summary) put(entity, metric, stat string, v float64, unit string) {
	if r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 10, 64), 64); err == nil {
		v = r
	}
	s.list = append(s.list, record.Metric{Entity: entity, Metric: metric, Stat: stat, Value: v, Unit: unit})
}

// rates puts the statistics of a rate over the time in which a stream was
// active.
func (s *summary) rates(entity string, series *record.Series, from, to int) {
	v := series.Values[min(from, len(series.Values)):min(to, len(series.Values))]
	if len(v) == 0 {
		return
	}
	mean, std := stat.PopMeanStdDev(v, nil)
	s.put(entity, series.Metric, "mean", mean, series.Unit)
	s.put(entity, series.Metric, "min", slices.Min(v), series.Unit)
	s.put(entity, series.Metric, "max", slices.Max(v), series.Unit)
	s.put(entity, series.Metric, "std", std, series.Unit)
}

func (s *summary) distribution(d *record.Distribution, end simtime.Time) {
	w := d.Window(0, end.Add(Step))
	if w.Count() == 0 {
		return
	}
	s.put(d.Entity, d.Metric, "mean", w.Mean(), "ms")
	for _, q := range []struct {
		name string
		q    float64
	}{{"min", 0}, {"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}} {
		s.put(d.Entity, d.Metric, q.name, w.Quantile(q.q), "ms")
	}
}

// path puts what is known of any flow's packets; its rates are those of the
// bins from one to another.
func (s *summary) path(f *pathMeter, from, to int, end simtime.Time) {
	t := f.packetMeter
	s.rates(f.name, f.booked.sendRate, from, to)
	s.rates(f.name, f.booked.receiveRate, from, to)
	s.put(f.name, "packets-sent", "total", float64(t.sentPackets), "count")
	s.put(f.name, "packets-received", "total", float64(t.received), "count")
	s.put(f.name, "packets-lost", "total", float64(t.lost), "count")
	s.put(f.name, "packets-marked", "total", float64(t.marked), "count")
	s.put(f.name, "bytes-sent", "total", float64(t.sentBytes), "bytes")
	s.put(f.name, "bytes-received", "total", float64(t.receivedBytes), "bytes")
	if t.sentPackets > 0 {
		s.put(f.name, "loss", "mean", float64(t.lost)/float64(t.sentPackets), "1")
	}
	s.distribution(&f.delays, end)
}

func (s *summary) traffic(f *trafficMeter, end simtime.Time) {
	from, to := f.activeBins(f.flow.Start, f.flow.Stop, end)
	s.path(&f.pathMeter, from, to, end)
	if f.window != nil {
		s.rates(f.name, f.window.series, from, to)
		s.put(f.name, record.Retransmissions, "total", float64(f.resentSoFar), "count")
	}
}

func (s *summary) flow(f *flowMeter, end simtime.Time) {
	from, to := f.activeBins(f.flow.Start, f.flow.Stop, end)
	t := &f.totals
	s.path(&f.pathMeter, from, to, end)
	s.rates(f.name, f.goodput.series, from, to)
	s.put(f.name, "frames-encoded", "total", float64(t.encoded), "count")
	s.put(f.name, "frames-rendered", "total", float64(t.rendered), "count")
	s.put(f.name, "frames-late", "total", float64(t.late), "count")
	s.put(f.name, "frames-incomplete", "total", float64(t.lostFrames), "count")
	s.distribution(f.frameDelays, end)
	if f.audio != nil {
		s.audio(f)
	}
	if f.avSkews != nil {
		s.distribution(f.avSkews, end)
	}
	if f.frozen != nil {
		s.put(f.name, "frames-undecodable", "total", float64(t.undecodable), "count")
		s.put(f.name, "packets-restored", "total", float64(t.restored), "count")
		s.put(f.name, "refreshes-requested", "total", float64(t.refreshes), "count")
		if p := f.packetMeter; p.sentPackets > 0 && f.repair != nil {
			s.put(f.name, "residual-loss", "mean", float64(p.lost-min(t.restored, p.lost))/float64(p.sentPackets), "1")
			s.put(f.name, "repair-bytes", "total", float64(t.repairBytes), "bytes")
		}
		s.put(f.name, "freezes", "total", float64(t.freezes), "count")
		s.put(f.name, "freeze-time", "total", ms(t.frozen), "ms")
		s.scores(f.name, f.score)
		s.put(f.name, "oscillations", "total", float64(oscillations(f.booked.sendRate.Values[from:to])), "count")
	}
}

// audio puts what a listener got.
func (s *summary) audio(f *flowMeter) {
	a := f.audio
	s.put(f.name, "frames-concealed", "total", float64(f.totals.concealed), "count")
	s.put(f.name, "frames-discarded", "total", float64(f.totals.discarded), "count")
	due, missing := floats.Sum(a.due.series.Values), floats.Sum(a.concealed.series.Values)
	if due > 0 {
		s.put(f.name, record.Concealed, "mean", missing/due, "1")
	}
	if delay := finite(a.mouthToEar.series.Values); len(delay) > 0 {
		s.put(f.name, record.MouthToEar, "mean", stat.Mean(delay, nil), "ms")
	}
	s.scores(f.name, a.score)
}

// scores puts the statistics of a score.
func (s *summary) scores(entity string, series *record.Series) {
	if v := finite(series.Values); len(v) > 0 {
		s.put(entity, series.Metric, "mean", stat.Mean(v, nil), "points")
		s.put(entity, series.Metric, "min", slices.Min(v), "points")
	}
}

func (s *summary) connection(c *connMeter) {
	n := c.conn.Name()
	rtt := finite(c.rtt.series.Values)
	if len(rtt) > 0 {
		s.put(n, record.RTT, "mean", stat.Mean(rtt, nil), "ms")
		s.put(n, record.RTT, "max", slices.Max(rtt), "ms")
	}
}

// endpoint puts what an endpoint did in all its sessions together.
func (s *summary) endpoint(m *endpointMeter, end simtime.Time) {
	var k endpoints.Counts
	for _, c := range m.sessions {
		k.Add(c.Counts())
	}
	e := m.name
	s.put(e, "rtcp-packets", "total", float64(k.RTCPSent), "count")
	s.put(e, record.RTCPRate, "mean", float64(m.rtcpBytes)*8/end.Seconds(), "bit/s")
	// What media and reports cost in SRTP operations, and a middlebox in trust (RFC 7667 §6).
	s.put(e, "packets-protected", "total", float64(k.RTPSent+k.RTCPSent), "count")
	s.put(e, "packets-opened", "total", float64(k.RTPReceived+k.RTCPReceived), "count")
	s.put(e, "rejected-not-authentic", "total", float64(k.AuthFailed), "count")
	s.put(e, "rejected-replayed", "total", float64(k.Replayed), "count")
	s.put(e, "rejected-malformed", "total", float64(k.Malformed), "count")
	s.put(e, "rejected-before-keys", "total", float64(k.Early), "count")
	s.put(e, "unknown-rtcp", "total", float64(k.UnknownRTCP), "count")
	var r endpoints.RepairCounts
	for _, c := range m.sessions {
		r.Add(c.RepairCounts())
	}
	if r == (endpoints.RepairCounts{}) {
		return
	}
	for _, c := range []struct {
		name string
		n    uint64
	}{
		{"nacks-sent", r.NACKsSent},
		{"packets-requested", r.Requested},
		{"packets-restored", r.Restored},
		{"restored-needlessly", r.Needless},
		{"packets-retransmitted", r.Retransmitted},
		{"retransmissions-refused", r.Refused},
		{"retransmissions-too-late", r.TooLate},
		{"refreshes-requested", r.RefreshesSent},
		{"refreshes-made", r.RefreshesObeyed},
		{"limits-received", r.LimitsReceived},
		{"limits-notified", r.LimitsNotified},
	} {
		s.put(e, c.name, "total", float64(c.n), "count")
	}
	if r.SlicesSent+r.ReferencesSent+r.PicturesRepaired > 0 {
		s.put(e, "sli-sent", "total", float64(r.SlicesSent), "count")
		s.put(e, "rpsi-sent", "total", float64(r.ReferencesSent), "count")
		s.put(e, "pictures-repaired", "total", float64(r.PicturesRepaired), "count")
	}
}

func (s *summary) link(l *linkMeter, end simtime.Time) {
	n := l.link.Name
	var carried, capacity float64
	for i, v := range l.throughput.Values {
		carried += v
		capacity += l.capacity.series.Values[i]
	}
	if capacity > 0 {
		s.put(n, "utilization", "mean", carried/capacity, "1")
	}
	s.distribution(&l.waits, end)
	k := l.link.Stats()
	s.put(n, "packets-arrived", "total", float64(k.Arrived), "count")
	s.put(n, "packets-dropped", "total", float64(k.Dropped()), "count")
	s.put(n, "packets-marked", "total", float64(k.Marked), "count")
	s.convergence(l)
}

// fairness puts the ratio between the mean rates of the fastest and the
// slowest video, over windows of several lengths, taking the worst window in
// which both were active (RFC 8868 §3, item 7).
func (s *summary) fairness(flows []*flowMeter) {
	var video []*flowMeter
	for _, f := range flows {
		if f.elastic() {
			video = append(video, f)
		}
	}
	if len(video) < 2 {
		return
	}
	for _, w := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
		worst := math.NaN()
		n := int(w / Step)
		for at := 0; at+n <= len(video[0].booked.sendRate.Values); at += n {
			if r := ratio(video, at, n); !math.IsNaN(r) && !(worst > r) {
				worst = r
			}
		}
		s.put("all video", "fairness", "worst ratio over "+w.String(), worst, "1")
	}
}

func ratio(flows []*flowMeter, at, n int) float64 {
	lo, hi, active := math.Inf(1), 0.0, 0
	for _, f := range flows {
		if !f.activeThroughout(at, n) {
			continue
		}
		mean := stat.Mean(f.booked.sendRate.Values[at:at+n], nil)
		lo, hi = min(lo, mean), max(hi, mean)
		active++
	}
	if active < 2 || lo == 0 {
		return math.NaN()
	}
	return hi / lo
}

// activeThroughout reports whether the stream may send in all of n bins.
func (m *flowMeter) activeThroughout(at, n int) bool {
	for i := at; i < at+n; i++ {
		if !m.activeIn(i) {
			return false
		}
	}
	return true
}

func finite(v []float64) []float64 {
	var out []float64
	for _, x := range v {
		if !math.IsNaN(x) {
			out = append(out, x)
		}
	}
	return out
}

// activeBins returns the bins in which a flow with the given start and stop was
// active throughout.
func (m *pathMeter) activeBins(start, stop, end simtime.Time) (from, to int) {
	n := len(m.booked.sendRate.Values)
	stop = min(stop, end)
	from = min(int((start.Duration()+Step-1)/Step), n)
	to = min(max(int(stop.Duration()/Step), from), n)
	return from, to
}

// timeOf makes a factor for Step of a number of bins.
func timeOf(i int) time.Duration { return time.Duration(i) }
