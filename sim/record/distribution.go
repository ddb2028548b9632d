package record

import (
	"iter"
	"math"
	"math/bits"
	"time"

	"rtpfabric/sim/simtime"
)

// Distribution holds every sample of a duration, quantized to within 0.8 %, so
// that quantiles of any window can be told from the record. It costs two bytes
// a sample. Samples must come in order of time.
type Distribution struct {
	until  simtime.Time  // end of the last bin
	sum    time.Duration // of what came since that bin's sum was noted
	n      uint8
	recent [15]uint16 // the last n samples, which aren't among codes yet: their end is rarely in a cache
	codes  []uint16

	Entity, Metric string
	Step           time.Duration   // of a bin
	starts         []int           // index into codes at which bin i starts
	sums           []time.Duration // exact sum of bin i, but for sum
}

// NewDistribution returns an empty distribution with bins of the given length.
func NewDistribution(entity, metric string, step time.Duration) *Distribution {
	return &Distribution{Entity: entity, Metric: metric, Step: step}
}

// Add records a sample that was taken at the given time. Negative samples
// count as zero.
func (d *Distribution) Add(at simtime.Time, sample time.Duration) {
	if at >= d.until {
		d.begin(int(at.Duration() / d.Step))
	}
	sample = max(sample, 0)
	if d.n == uint8(len(d.recent)) {
		d.Flush()
	}
	d.recent[d.n] = encode(sample)
	d.n++
	d.sum += sample
}

// Flush puts all samples where they are read. Whoever reads does so; after it several may read at the same time.
func (d *Distribution) Flush() {
	if d.n > 0 {
		d.codes = append(d.codes, d.recent[:d.n]...)
		d.n = 0
	}
}

// begin begins a bin, and those before it that there aren't yet.
func (d *Distribution) begin(bin int) {
	d.Flush()
	if n := len(d.sums); n > 0 {
		d.sums[n-1] = d.sumOf(n - 1)
		d.sum = 0
	}
	for len(d.starts) <= bin {
		d.starts = append(d.starts, len(d.codes))
		d.sums = append(d.sums, 0)
	}
	d.until = simtime.At(time.Duration(len(d.starts)) * d.Step)
}

// sumOf returns the exact sum of bin i.
func (d *Distribution) sumOf(i int) time.Duration {
	if i == len(d.sums)-1 {
		return d.sums[i] + d.sum
	}
	return d.sums[i]
}

// Window returns the samples between two times, which are rounded to whole
// bins.
func (d *Distribution) Window(from, to simtime.Time) Window {
	d.Flush()
	lo := roundBin(from, d.Step)
	hi := roundBin(to, d.Step)
	w := Window{}
	if lo >= hi || lo >= len(d.starts) {
		return w
	}
	end := len(d.codes)
	if hi < len(d.starts) {
		end = d.starts[hi]
	} else {
		hi = len(d.starts)
	}
	for _, c := range d.codes[d.starts[lo]:end] {
		w.counts[c]++
	}
	w.n = end - d.starts[lo]
	for i := lo; i < hi; i++ {
		w.sum += d.sumOf(i)
	}
	return w
}

// Len returns the number of samples.
func (d *Distribution) Len() int { return len(d.codes) + int(d.n) }

func roundBin(t simtime.Time, step time.Duration) int {
	return int((t.Duration() + step/2) / step)
}

// Window is the samples of a stretch of time.
type Window struct {
	n      int
	sum    time.Duration
	counts [codeCount]uint32
}

// Count returns the number of samples.
func (w *Window) Count() int { return w.n }

// Mean returns the exact mean in milliseconds, or NaN if there are no samples.
func (w *Window) Mean() float64 {
	if w.n == 0 {
		return math.NaN()
	}
	return float64(w.sum) / 1e6 / float64(w.n)
}

// All returns the values that came up, in milliseconds and rising order, with
// how often each did.
func (w *Window) All() iter.Seq2[float64, int] {
	return func(yield func(float64, int) bool) {
		for c, n := range w.counts {
			if n > 0 && !yield(decode(uint16(c)), int(n)) {
				return
			}
		}
	}
}

// Quantile returns the q-quantile in milliseconds, 0 ≤ q ≤ 1, by the nearest
// rank; NaN if there are no samples.
func (w *Window) Quantile(q float64) float64 {
	if w.n == 0 {
		return math.NaN()
	}
	rank := max(1, int(math.Ceil(q*float64(w.n))))
	seen := 0
	for c, n := range w.counts {
		if seen += int(n); seen >= rank {
			return decode(uint16(c))
		}
	}
	return math.NaN()
}

// A sample is coded like a floating-point number of microseconds: the first 64
// codes are exact, after that each power of two has 64 steps.
const (
	subBits   = 6
	codeCount = 40 << subBits
)

func encode(d time.Duration) uint16 {
	us := uint64(d / time.Microsecond)
	if us < 1<<subBits {
		return uint16(us)
	}
	e := bits.Len64(us) - subBits - 1
	c := uint64(e)<<subBits + us>>e
	return uint16(min(c, codeCount-1))
}

// decode returns the middle of a code's range in milliseconds.
func decode(c uint16) float64 {
	if c < 1<<subBits {
		return float64(c) / 1000
	}
	e := int(c>>subBits) - 1
	m := uint64(c&(1<<subBits-1)) | 1<<subBits
	return (float64(m) + 0.5) * float64(uint64(1)<<e) / 1000
}
