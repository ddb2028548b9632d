package compare

import (
	"math"
	"slices"
	"testing"
)

// The example that textbooks have, with what p.adjust of R makes of it: 0.03 becomes twice that, and 0.04, which would stay as
// it is, can't be less.
func TestHolm(t *testing.T) {
	for _, c := range []struct{ p, want []float64 }{
		{[]float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}},
		{[]float64{0.5, 0.9}, []float64{1, 1}},
		{[]float64{0.02, 0.02, 0.02}, []float64{0.06, 0.06, 0.06}},
		{nil, []float64{}},
	} {
		got := Holm(c.p)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("%v becomes %v, want %v", c.p, got, c.want)
		}
	}
}

func TestTestsThatCantComeOutDontCount(t *testing.T) {
	for _, c := range []struct {
		what  string
		least []float64
		want  []bool
	}{
		{"all could, even divided by three", []float64{0.001, 0.002, 0.016}, []bool{true, true, true}},
		{"one couldn't at all", []float64{0.001, 1, 0.06, 0.02}, []bool{true, false, false, true}},
		{"three of 2^-5 are too many, as 0.03·2 is over 5 %", []float64{0.03125, 0.03125, 0.03125}, []bool{false, false, false}},
		{"one alone isn't", []float64{0.03125, 1}, []bool{true, false}},
		{"nothing", nil, []bool{}},
	} {
		if got := testable(c.least, 0.05); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}
