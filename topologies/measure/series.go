// Package measure makes the record of a run: it looks at every packet event in
// the fabric and every event at the endpoints, and takes part in nothing.
package measure

import (
	"cmp"
	"math"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// Step is the length of a bin of all time series (RFC 8868 §3 asks for
// 200 ms).
const Step = 200 * time.Millisecond

func bin(at simtime.Time) int { return int(at.Duration() / Step) }

// binEnd returns when the bin of a time is over.
func binEnd(at simtime.Time) simtime.Time { return simtime.At(Step * time.Duration(bin(at)+1)) }

// present is the bin of a series that is being filled, which isn't in the series yet.
type present struct {
	from, to simtime.Time
	sum      float64
}

// moves reports whether a time lies in another bin.
func (p *present) moves(at simtime.Time) bool { return at < p.from || at >= p.to }

// total adds up what happens in each bin.
type total struct {
	present
	scale  float64
	series *record.Series
}

func (t *total) add(at simtime.Time, v float64) {
	if t.moves(at) {
		t.move(at)
	}
	t.sum += float64(v * t.scale) // not fused: the same on every machine
}

// move goes on to the bin of a time.
func (t *total) move(at simtime.Time) {
	t.flush()
	i := bin(at)
	for len(t.series.Values) <= i {
		t.series.Values = append(t.series.Values, 0)
	}
	t.from, t.to, t.sum = simtime.At(Step*time.Duration(i)), simtime.At(Step*time.Duration(i+1)), t.series.Values[i]
}

// flush writes what is at hand into the series.
func (t *total) flush() {
	if t.to > 0 {
		t.series.Values[bin(t.from)] = t.sum
	}
}

// spread adds the milliseconds from one time to another, each to its bin.
func (t *total) spread(from, to simtime.Time) {
	for from < to {
		end := min(to, simtime.At(Step*time.Duration(bin(from)+1)))
		t.add(from, ms(end.Sub(from)))
		from = end
	}
}

// mean averages samples in each bin.
type mean struct {
	present
	n      int32
	counts []int32
	series *record.Series
}

func (m *mean) add(at simtime.Time, v float64) {
	if m.moves(at) {
		m.move(at)
	}
	m.sum += v
	m.n++
}

func (m *mean) move(at simtime.Time) {
	m.flush()
	i := bin(at)
	for len(m.counts) <= i {
		m.series.Values = append(m.series.Values, 0)
		m.counts = append(m.counts, 0)
	}
	m.from, m.to = simtime.At(Step*time.Duration(i)), simtime.At(Step*time.Duration(i+1))
	m.sum, m.n = m.series.Values[i], m.counts[i]
}

func (m *mean) flush() {
	if m.to > 0 {
		i := bin(m.from)
		m.series.Values[i], m.counts[i] = m.sum, m.n
	}
}

func (m *mean) finish() {
	m.flush()
	for i, n := range m.counts {
		if n == 0 {
			m.series.Values[i] = math.NaN()
		} else {
			m.series.Values[i] /= float64(n)
		}
	}
}

// level is a quantity that keeps its value until it changes; bins hold its
// mean over time.
type level struct {
	series *record.Series
	value  float64
	since  simtime.Time
}

// set changes the value at a time; the time since the last change is booked to
// the old one.
func (l *level) set(at simtime.Time, v float64) {
	for l.since < at {
		i := bin(l.since)
		end := min(at, simtime.At(Step*time.Duration(i+1)))
		for len(l.series.Values) <= i {
			l.series.Values = append(l.series.Values, 0)
		}
		l.series.Values[i] += l.value * float64(end.Sub(l.since)) / float64(Step)
		l.since = end
	}
	l.value = v
}

// set of series, in the order in which they were made.
type book struct {
	series []*record.Series
	totals []*total
	means  []*mean
	levels []*level
	dists  []*record.Distribution

	meters []interface{ finish(bins int) } // that have series of their own
}

func (b *book) new(entity, metric, unit string) *record.Series {
	s := &record.Series{Entity: entity, Metric: metric, Unit: unit, Step: Step}
	b.series = append(b.series, s)
	return s
}

func (b *book) total(entity, metric, unit string, scale float64) *total {
	t := &total{scale: scale, series: b.new(entity, metric, unit)}
	b.totals = append(b.totals, t)
	return t
}

// perBin makes bit/s of the octets in a bin.
var perBin = 8 / Step.Seconds()

// rate takes bytes and shows bit/s.
func (b *book) rate(entity, metric string) *total {
	return b.total(entity, metric, "bit/s", perBin)
}

// count takes and shows numbers.
func (b *book) count(entity, metric string) *total {
	return b.total(entity, metric, "count", 1)
}

// perSecond takes numbers and shows them per second.
func (b *book) perSecond(entity, metric string) *total {
	return b.total(entity, metric, "1/s", 1/Step.Seconds())
}

// milliseconds adds up milliseconds.
func (b *book) milliseconds(entity, metric string) *total {
	return b.total(entity, metric, "ms", 1)
}

// samples averages what is looked at now and then.
func (b *book) samples(entity, metric, unit string) *mean {
	m := &mean{series: b.new(entity, metric, cmp.Or(unit, "1"))}
	b.means = append(b.means, m)
	return m
}

// delay averages milliseconds.
func (b *book) delay(entity, metric string) *mean { return b.samples(entity, metric, "ms") }

// factor averages ratios.
func (b *book) factor(entity, metric string) *mean { return b.samples(entity, metric, "1") }

// level shows a quantity over time.
func (b *book) level(entity, metric, unit string) *level {
	l := &level{series: b.new(entity, metric, unit)}
	b.levels = append(b.levels, l)
	return l
}

// beginDistribution begins one that is part of a meter.
func (b *book) beginDistribution(d *record.Distribution, entity, metric string) {
	*d = *record.NewDistribution(entity, metric, Step)
	b.dists = append(b.dists, d)
}

func (b *book) distribution(entity, metric string) *record.Distribution {
	d := &record.Distribution{}
	b.beginDistribution(d, entity, metric)
	return d
}

// finish completes all series up to the end of the run. Bins in which nothing
// happened are 0 for totals and empty for means.
func (b *book) finish(end simtime.Time) {
	for _, l := range b.levels {
		l.set(end, l.value)
	}
	for _, t := range b.totals {
		t.flush()
	}
	n := int((end.Duration() + Step - 1) / Step)
	for _, m := range b.meters {
		m.finish(n)
	}
	for _, m := range b.means {
		m.finish()
		fill(m.series, n, math.NaN())
	}
	for _, s := range b.series {
		fill(s, n, 0)
	}
	for _, d := range b.dists {
		d.Flush()
	}
}

// fill makes a series n bins long.
func fill(s *record.Series, n int, empty float64) *record.Series {
	for len(s.Values) < n {
		s.Values = append(s.Values, empty)
	}
	s.Values = s.Values[:n]
	return s
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
