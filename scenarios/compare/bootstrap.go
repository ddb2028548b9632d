package compare

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"rtpfabric/sim/rng"
)

// resamples is how many samples the bootstrap draws: enough for bounds that another stream would put a fiftieth of their
// distance away.
const resamples = 2000

// fewest is how many values an interval needs: as many as a test that can come out.
const fewest = 6

// Interval returns the bounds of the 95 % confidence interval of the mean that some values were drawn with: the bootstrap's, corrected for
// bias and skewness (BCa; B. Efron, "Better Bootstrap Confidence Intervals", JASA 82, 1987). Fewer than six values don't know how far
// off they may be, and the bounds are NaN.
func Interval(values []float64, r *rng.Stream) (low, high float64) {
	n := len(values)
	if n < fewest {
		return math.NaN(), math.NaN()
	}
	mean := stat.Mean(values, nil)
	means := make([]float64, resamples)
	below := 0.0
	for i := range means {
		sum := 0.0
		for range n {
			sum += values[int(r.Float64()*float64(n))]
		}
		means[i] = sum / float64(n)
		switch {
		case means[i] < mean:
			below++
		case means[i] == mean:
			below += 0.5
		}
	}
	slices.Sort(means)
	bias := distuv.UnitNormal.Quantile(min(max(below, 1), resamples-1) / resamples)
	a := acceleration(values, mean)
	at := func(level float64) float64 {
		z := bias + distuv.UnitNormal.Quantile(level)
		p := distuv.UnitNormal.CDF(bias + z/(1-a*z))
		return stat.Quantile(p, stat.LinInterp, means, nil)
	}
	return at(0.025), at(0.975)
}

// acceleration is how fast the mean's standard error changes with the mean: of a mean the jackknife's estimate is a sixth of the
// values' skewness over the root of their number.
func acceleration(values []float64, mean float64) float64 {
	squares, cubes := make([]float64, len(values)), make([]float64, len(values))
	for i, v := range values {
		squares[i] = (v - mean) * (v - mean)
		cubes[i] = squares[i] * (v - mean)
	}
	s := floats.Sum(squares)
	if s == 0 {
		return 0
	}
	return floats.Sum(cubes) / (6 * math.Pow(s, 1.5))
}
