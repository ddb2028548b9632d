package compare

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"rtpfabric/sim/rng"
)

// Of many samples with a known mean the intervals hold it about as often as they say, also of skewed ones: BCa's are known to fall a
// few percent short with a dozen values.
func TestIntervalsHoldTheMean(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long: go test without -short runs it")
	}
	source := rng.New(1)
	for _, c := range []struct {
		name string
		draw func(*rng.Stream) float64
		mean float64
	}{
		{"normal", func(r *rng.Stream) float64 { return 5 + r.Normal() }, 5},
		{"exponential", func(r *rng.Stream) float64 { return r.Exponential(5) }, 5},
	} {
		r := source.Stream(c.name)
		const samples = 500
		held, below, above := 0, 0, 0
		for i := range samples {
			values := make([]float64, 15)
			for k := range values {
				values[k] = c.draw(r)
			}
			low, high := Interval(values, source.Stream(fmt.Sprint(c.name, i)))
			switch {
			case c.mean < low:
				below++
			case c.mean > high:
				above++
			default:
				held++
			}
		}
		if share := float64(held) / samples; share < 0.88 || share > 0.97 {
			t.Errorf("%s: %.3f of the intervals hold the mean (%d too high, %d too low)", c.name, share, below, above)
		}
	}
}

// A skewed sample has an interval that reaches further to the side of its tail, as one that is a mean with a margin doesn't.
func TestIntervalsAreSkewed(t *testing.T) {
	values := []float64{94, 197, 16, 38, 99, 141, 23} // survival of mice; Efron and Tibshirani (1993), table 2.1
	low, high := Interval(values, rng.New(1).Stream("x"))
	mean := stat.Mean(values, nil)
	if !(low < mean && mean < high) || !(high-mean > 1.1*(mean-low)) {
		t.Errorf("%v to %v around %v", low, high, mean)
	}
	mirrored := make([]float64, len(values))
	for i := range values {
		mirrored[i] = -values[i]
	}
	back, front := Interval(mirrored, rng.New(1).Stream("x"))
	if math.Abs(back+high) > 5 || math.Abs(front+low) > 5 {
		t.Errorf("mirrored it is %v to %v, which isn't %v to %v", back, front, -high, -low)
	}
	again, _ := Interval(values, rng.New(1).Stream("x"))
	if again != low {
		t.Error("the same stream gives another interval")
	}
}

// The formula of BCa with the jackknife's acceleration, from the same samples: percentiles are moved by twice the bias and by the
// skewness.
func TestIntervalsAreTheFormulas(t *testing.T) {
	values := []float64{94, 197, 16, 38, 99, 141, 23}
	n, mean := len(values), stat.Mean(values, nil)
	r := rng.New(1).Stream("x")
	means, below := make([]float64, resamples), 0
	for i := range means {
		for range n {
			means[i] += values[int(r.Float64()*float64(n))] / float64(n)
		}
		if means[i] < mean {
			below++
		}
	}
	slices.Sort(means)
	var without []float64 // means that lack one value
	for i := range values {
		without = append(without, stat.Mean(slices.Delete(slices.Clone(values), i, i+1), nil))
	}
	squares, cubes := 0.0, 0.0
	for _, m := range without {
		d := stat.Mean(without, nil) - m
		squares, cubes = squares+d*d, cubes+d*d*d
	}
	a := cubes / (6 * math.Pow(squares, 1.5))
	if a < 0.02 || math.Abs(a-acceleration(values, mean)) > 1e-12 {
		t.Errorf("the acceleration is %v, by the jackknife %v", acceleration(values, mean), a)
	}
	z := distuv.UnitNormal.Quantile(float64(below) / resamples)
	if math.Abs(z) < 0.01 {
		t.Errorf("a bias of %v shows nothing", z)
	}
	low, high := Interval(values, rng.New(1).Stream("x"))
	for _, c := range []struct{ got, quantile float64 }{{low, -1.959964}, {high, 1.959964}} {
		x := z + c.quantile
		rank := distuv.UnitNormal.CDF(z+x/(1-a*x)) * resamples
		if want := means[int(rank)]; math.Abs(c.got-want) > 0.5 {
			t.Errorf("a bound is %v, want %v", c.got, want)
		}
	}
}

func TestIntervalsOfLittle(t *testing.T) {
	r := rng.New(1).Stream("x")
	if low, high := Interval([]float64{3, 3, 3, 3, 3, 3}, r); low != 3 || high != 3 {
		t.Errorf("of equal values: %v to %v", low, high)
	}
	if low, high := Interval([]float64{1, 2, 3, 4, 5}, r); !math.IsNaN(low) || !math.IsNaN(high) {
		t.Errorf("of five values: %v to %v", low, high)
	}
}
