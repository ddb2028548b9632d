package signalling

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"rtpfabric/sim/simtime"
)

// Tally is what many runs of an experiment come to. All but the first two counts, and all times, are of runs in which
// offers crossed.
type Tally struct {
	Runs  int
	Glare int
	// Again is how often offers crossed a second time, Never how often none was accepted before the limit.
	Again, Never int
	// Failed is how often a change came to nothing, or was given up for the other end's.
	Failed int
	// Settled are the times, in seconds from the start, until an offer was accepted where it came to, and Done until
	// both ends had what they wanted. Runs that never got there, or in which a change failed, aren't among them.
	Settled, Done []float64
}

// Sample runs the experiment with a number of seeds, beginning with one.
func (x *Experiment) Sample(first uint64, runs int) *Tally {
	t := &Tally{}
	for i := range uint64(runs) {
		o := x.Run(first + i)
		t.count(&o)
	}
	return t
}

func (t *Tally) count(o *Outcome) {
	t.Runs++
	if o.Rounds == 0 {
		return
	}
	t.Glare++
	if o.Rounds > 1 {
		t.Again++
	}
	failed := len(o.Failed)+o.Cancelled > 0
	if failed {
		t.Failed++
	}
	switch {
	case o.Settled == simtime.Never:
		t.Never++
	case !failed:
		t.Settled = append(t.Settled, o.Settled.Seconds())
	}
	if o.Done != simtime.Never && !failed {
		t.Done = append(t.Done, o.Done.Seconds())
	}
}

// Add counts what another sample of the same experiment has counted.
func (t *Tally) Add(o *Tally) {
	t.Runs += o.Runs
	t.Glare += o.Glare
	t.Again += o.Again
	t.Never += o.Never
	t.Failed += o.Failed
	t.Settled = append(t.Settled, o.Settled...)
	t.Done = append(t.Done, o.Done...)
}

// Estimate is a value with the bounds of its 95 % confidence interval. It is NaN if there is nothing to estimate
// it from.
type Estimate struct{ Value, Low, High float64 }

// Within reports whether a value is within the bounds.
func (e Estimate) Within(v float64) bool { return e.Low <= v && v <= e.High }

// studentT is how many standard errors of a mean of so many samples hold 95 % of where it may lie.
func studentT(n int) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.Quantile(0.975)
}

// normal95 is how many standard deviations of a normal distribution hold 95 % of it.
const normal95 = 1.959964

// Proportion estimates a probability from how often something happened (E. B. Wilson, 1927), which holds near 0 and
// 1, too.
func Proportion(hits, of int) Estimate {
	if of == 0 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	n, p := float64(of), float64(hits)/float64(of)
	z2 := normal95 * normal95
	middle := (p + z2/(2*n)) / (1 + z2/n)
	half := normal95 / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return Estimate{p, max(0, middle-half), min(1, middle+half)}
}

// Mean estimates an expected value from independent samples, of which it needs two.
func Mean(samples []float64) Estimate {
	if len(samples) < 2 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	mean, deviation := stat.MeanStdDev(samples, nil)
	half := studentT(len(samples)) * stat.StdErr(deviation, float64(len(samples)))
	return Estimate{mean, mean - half, mean + half}
}

// Quantile estimates the value below which a part of the distribution lies. The bounds are samples whose ranks
// the binomial distribution gives, whatever the samples' is; a bound is NaN if that would need more samples.
func Quantile(p float64, samples []float64) Estimate {
	if len(samples) < 2 {
		return Estimate{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(samples))
	// How many samples lie below the value is binomial. Ranks count from 1.
	below := distuv.Binomial{N: float64(len(sorted)), P: p}
	low := sort.Search(len(sorted), func(k int) bool { return below.CDF(float64(k)) > 0.025 })
	high := sort.Search(len(sorted), func(k int) bool { return below.CDF(float64(k)) >= 0.975 }) + 1
	at := func(rank int) float64 {
		if rank < 1 || rank > len(sorted) {
			return math.NaN()
		}
		return sorted[rank-1]
	}
	return Estimate{stat.Quantile(p, stat.Empirical, sorted, nil), at(low), at(high)}
}
