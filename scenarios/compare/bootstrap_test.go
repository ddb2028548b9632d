package compare

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat"

	"rtpfabric/sim/rng"
)

// Of many samples with a known mean the intervals hold it about as often as they say, also of skewed ones: BCa's are known to fall a
// few percent short with a dozen values.
func TestIntervalsHoldTheMean(t *testing.T) {
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

func TestIntervalsOfLittle(t *testing.T) {
	r := rng.New(1).Stream("x")
	if low, high := Interval([]float64{3, 3, 3, 3, 3, 3}, r); low != 3 || high != 3 {
		t.Errorf("of equal values: %v to %v", low, high)
	}
	if low, high := Interval([]float64{1, 2, 3, 4, 5}, r); !math.IsNaN(low) || !math.IsNaN(high) {
		t.Errorf("of five values: %v to %v", low, high)
	}
}
