// Package compare decides whether runs have become better or worse, from pairs of runs that had the same seed.
package compare

import (
	"math"

	"gonum.org/v1/gonum/stat"

	"rtpfabric/scenarios"
	"rtpfabric/sim/rng"
)

// Level is the probability that a comparison finds a change where there is none.
const Level = 0.05

// Sample is a figure of several pairs of runs: A[i] and B[i] had the same seed, and B is newer.
type Sample struct {
	Name   string // names the stream of random numbers for the interval
	A, B   []float64
	Better scenarios.Better
	// Least is a difference that is no news, in the figure's unit.
	Least float64
}

// Verdict says what became of a figure.
type Verdict string

// The verdicts, from bad to good.
const (
	Regression  Verdict = "regression"    // it is worse
	TooFew      Verdict = "too few seeds" // it has changed by more than the effect, and with so few seeds nothing can be told
	Unclear     Verdict = "unclear"       // it has changed by more than the effect, which may be chance
	Changed     Verdict = "change"        // it has changed, and neither side is better
	Improvement Verdict = "improvement"   // it is better
	Same        Verdict = "same"          // it hasn't changed by more than the effect
)

// Decision is what is known of one figure.
type Decision struct {
	Verdict Verdict
	// MeanA and MeanB are the means over all seeds, and Change is that of the differences: MeanB - MeanA.
	MeanA, MeanB, Change float64
	// Relative is the change as a share of MeanA; NaN if that is zero.
	Relative float64
	// Low and High are the bounds of the change's 95 % confidence interval, NaN if there are too few seeds for one.
	Low, High float64
	Test      SignedRank
	// Corrected is the test's P after correction for the number of tests; NaN if it isn't one of those that count.
	Corrected float64
}

// Decisions is a comparison.
type Decisions struct {
	Of []Decision // of each sample, in order
	// Tests is for how many tests probabilities are corrected.
	Tests int
	// Seeds is how many each sample would need so that a change in a single figure could be told from chance.
	Seeds int
}

// Decide compares all samples together. A figure has changed if the test says so after correction, at [Level], and the mean has
// moved by more than effect, a share of what it was, and by more than what is no news. Intervals are drawn with
// streams of source; without one there are none.
//
// A test counts if it could have come out: if there is a way to say of each pair which is A's and which is B's for which
// the figure would have changed. That is all the same for A and B, and so leaves the probability of false alarms as it is.
func Decide(samples []Sample, effect float64, source *rng.Source) *Decisions {
	ds := &Decisions{Of: make([]Decision, len(samples))}
	least := make([]float64, len(samples))
	possible := 0
	for i := range samples {
		s, d := &samples[i], &ds.Of[i]
		*d = s.describe()
		least[i] = 1
		if s.couldExceed(effect) {
			least[i] = LeastP(d.Test.N)
			possible++
		}
		if source != nil {
			d.Low, d.High = Interval(s.differences(), source.Stream("compare/"+s.Name))
		}
	}
	counts := testable(least, Level)
	var ps []float64
	for i, c := range counts {
		if c {
			ps = append(ps, ds.Of[i].Test.P)
		}
	}
	ds.Tests = len(ps)
	for possible > 0 && LeastP(ds.Seeds)*float64(possible) >= Level {
		ds.Seeds++
	}
	corrected := Holm(ps)
	for i, c := range counts {
		if c {
			ds.Of[i].Corrected, corrected = corrected[0], corrected[1:]
		}
		ds.Of[i].Verdict = verdict(&samples[i], &ds.Of[i], effect, ds.Seeds)
	}
	return ds
}

// describe says all of a sample that has nothing to do with the others.
func (s *Sample) describe() Decision {
	d := Decision{
		MeanA: stat.Mean(s.A, nil), MeanB: stat.Mean(s.B, nil), Change: stat.Mean(s.differences(), nil),
		Test: Wilcoxon(s.differences()), Low: math.NaN(), High: math.NaN(), Relative: math.NaN(), Corrected: math.NaN(),
	}
	if d.MeanA != 0 {
		d.Relative = d.Change / math.Abs(d.MeanA)
	}
	return d
}

func (s *Sample) differences() []float64 {
	d := make([]float64, len(s.A))
	for i := range d {
		d[i] = s.B[i] - s.A[i]
	}
	return d
}

// exceeds reports whether a change from a mean is news.
func (s *Sample) exceeds(change, mean, effect float64) bool {
	change = math.Abs(change)
	return change > s.Least && change > effect*math.Abs(mean)
}

// couldExceed reports whether the change would be news if all pairs had gone the same way.
func (s *Sample) couldExceed(effect float64) bool {
	change, lower := 0.0, 0.0
	for i := range s.A {
		change += math.Abs(s.B[i] - s.A[i])
		low := min(s.A[i], s.B[i])
		if low < 0 {
			effect = 0 // signs may cancel out: the mean can be anything
		}
		lower += low
	}
	n := float64(len(s.A))
	return n > 0 && s.exceeds(change/n, lower/n, effect)
}

func verdict(s *Sample, d *Decision, effect float64, seeds int) Verdict {
	if !s.exceeds(d.Change, d.MeanA, effect) {
		return Same
	}
	// The mean and the ranks must say the same: one seed that is far off moves the mean alone.
	up, ranksUp := d.Change > 0, d.Test.Plus > d.Test.Minus
	switch {
	case math.IsNaN(d.Corrected) && len(s.A) < seeds:
		return TooFew
	case !(d.Corrected < Level) || up != ranksUp:
		return Unclear
	case s.Better == scenarios.Neither:
		return Changed
	case up == (s.Better == scenarios.Higher):
		return Improvement
	}
	return Regression
}
