package compare

import (
	"math"
	"testing"

	"rtpfabric/sim/rng"
)

// The critical values that tables of the test have for two sides: the greatest lesser rank sum whose probability is
// at most 5 % and 1 % (R. L. McCornack, "Extended Tables of the Wilcoxon Matched Pair Signed Rank Statistic", JASA 60, 1965).
func TestCriticalValues(t *testing.T) {
	for _, c := range []struct{ n, five, one int }{
		{6, 0, -1},
		{7, 2, -1},
		{8, 3, 0},
		{9, 5, 1},
		{10, 8, 3},
		{11, 10, 5},
		{12, 13, 7},
		{13, 17, 9},
		{14, 21, 12},
		{15, 25, 15},
		{16, 29, 19},
		{17, 34, 23},
		{18, 40, 27},
		{19, 46, 32},
		{20, 52, 37},
		{25, 89, 68},
	} {
		greatest := func(level float64) int {
			sum := -1
			for exact(wholeRanks(c.n), 2*(sum+1)) <= level {
				sum++
			}
			return sum
		}
		if five, one := greatest(0.05), greatest(0.01); five != c.five || one != c.one {
			t.Errorf("%d differences: %d and %d, the tables have %d and %d", c.n, five, one, c.five, c.one)
		}
	}
	// With five no outcome is that unlikely.
	if p := exact(wholeRanks(5), 0); p != 0.0625 || p != LeastP(5) {
		t.Errorf("the least probability of five is %v", p)
	}
}

func wholeRanks(n int) (doubled []int) {
	for i := range n {
		doubled = append(doubled, 2*(i+1))
	}
	return doubled
}

func TestPublishedExamples(t *testing.T) {
	for _, c := range []struct {
		source      string
		differences []float64
		plus, p     float64
	}{
		{
			// Twice the one-sided 0.01953 that ?wilcox.test of R prints.
			"Hollander and Wolfe (1973), p. 29: depression before and after a tranquilizer",
			minus(
				[]float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30},
				[]float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29},
			), 40, 0.0390625,
		},
		{
			// As in the documentation of scipy.stats.wilcoxon.
			"C. Darwin's maize, R. A. Fisher (1935), chapter III",
			[]float64{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75},
			96, 0.041259765625,
		},
	} {
		got := Wilcoxon(c.differences)
		if got.Plus != c.plus || math.Abs(got.P-c.p) > 1e-12 {
			t.Errorf("%s: rank sum %v with p = %v, want %v with %v", c.source, got.Plus, got.P, c.plus, c.p)
		}
	}
}

func minus(x, y []float64) []float64 {
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	return d
}

// Ties and zeros, against all ways to give signs to the ranks, one after the other.
func TestTiesAreCountedOut(t *testing.T) {
	r := rng.New(1).Stream("ties")
	for range 50 {
		d := make([]float64, 9)
		for i := range d {
			d[i] = math.Round(r.Uniform(-3, 3)) / 10
		}
		got := Wilcoxon(d)
		if want := byHand(d); math.Abs(got.P-want) > 1e-12 {
			t.Errorf("%v: p = %v, want %v", d, got.P, want)
		}
		if got.Plus+got.Minus != float64(got.N*(got.N+1))/2 {
			t.Errorf("%v: the ranks add up to %v", d, got.Plus+got.Minus)
		}
	}
	// 0.3-0.2 and 0.2-0.1 are as large as each other, though not in binary.
	x, y, z := 0.1, 0.2, 0.3
	if got := Wilcoxon([]float64{z - y, x - y}); got.Plus != got.Minus {
		t.Errorf("rounding made a difference: %+v", got)
	}
}

// byHand ranks by counting, and goes through all signs.
func byHand(all []float64) float64 {
	var sizes []float64
	plus := 0.0
	for _, x := range all {
		if x != 0 {
			sizes = append(sizes, math.Abs(x))
		}
	}
	rank := func(x float64) float64 {
		less, equal := 0.0, 0.0
		for _, s := range sizes {
			switch {
			case s < math.Abs(x):
				less++
			case s == math.Abs(x):
				equal++
			}
		}
		return less + (equal+1)/2
	}
	for _, x := range all {
		if x > 0 {
			plus += rank(x)
		}
	}
	n := len(sizes)
	middle := float64(n*(n+1)) / 4
	extreme := 0
	for signs := range 1 << n {
		sum := 0.0
		for i, s := range sizes {
			if signs>>i&1 == 1 {
				sum += rank(s)
			}
		}
		if math.Abs(sum-middle) >= math.Abs(plus-middle) {
			extreme++
		}
	}
	return float64(extreme) / float64(int(1)<<n)
}

// Where the normal distribution takes over it says the same, with ties and without.
func TestNormalApproximation(t *testing.T) {
	r := rng.New(1).Stream("normal")
	for _, grain := range []float64{0, 0.5} {
		for range 40 {
			d := make([]float64, exactUpTo)
			for i := range d {
				d[i] = r.Normal() + 0.25
				if grain > 0 {
					d[i] = math.Copysign(grain*math.Ceil(math.Abs(d[i])/grain), d[i])
				}
			}
			got := Wilcoxon(d)
			_, ties := ranks(d)
			if (ties > 0) != (grain > 0) {
				t.Fatalf("ties take %v", ties)
			}
			margin := 0.003
			if got.P < 0.1 {
				margin = 0.001
			}
			if p := normal(got.N, ties, min(got.Plus, got.Minus)); math.Abs(p-got.P) > margin {
				t.Errorf("p = %v, exactly %v", p, got.P)
			}
		}
	}
	if got := Wilcoxon(make([]float64, 100)); got.P != 1 || got.N != 0 || got.RankBiserial() != 0 {
		t.Errorf("nothing has changed: %+v", got)
	}
}

func TestRankBiserial(t *testing.T) {
	for _, c := range []struct {
		d    []float64
		want float64
	}{
		{[]float64{1, 2, 3}, 1},
		{[]float64{-1, -2, 0}, -1},
		{[]float64{1, 2, -3}, 0},
		{[]float64{6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75}, 0.6},
	} {
		if got := Wilcoxon(c.d).RankBiserial(); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: %v, want %v", c.d, got, c.want)
		}
	}
}
