package scenarios

import (
	"fmt"
	"math"
	"strings"

	"rtpfabric/sim/units"
)

// bounds are the limits of an expectation as numbers; NaN where there is none.
type bounds struct {
	low, high, equal float64
	tolerance        float64 // relative, of equal
}

// boundError is a bound that isn't a value of the metric.
type boundError struct {
	key string // min, max, equal or tolerance
	err error
}

func (e *boundError) Error() string { return e.key + ": " + e.err.Error() }

// bounds reads the bounds of an expectation. The error is of type *boundError.
func (q quantity) bounds(e *Expect) (bounds, error) {
	b := bounds{low: math.NaN(), high: math.NaN(), equal: math.NaN()}
	for _, x := range []struct {
		key  string
		text *string
		to   *float64
	}{{"min", e.Min, &b.low}, {"max", e.Max, &b.high}, {"equal", e.Equal, &b.equal}} {
		if x.text == nil {
			continue
		}
		v, err := q.parse(*x.text)
		if err != nil {
			return b, &boundError{x.key, err}
		}
		*x.to = v
	}
	if e.Tolerance != nil {
		t, err := units.ParseRatio(*e.Tolerance)
		if err == nil && (t < 0 || t > 1) {
			err = fmt.Errorf("%q is out of range: write 0%% to 100%%", *e.Tolerance)
		}
		if err != nil {
			return b, &boundError{"tolerance", err}
		}
		b.tolerance = float64(t)
	}
	return b, nil
}

// hold reports whether x keeps all bounds. Without a tolerance equal means
// equal but for the rounding of sums.
func (b bounds) hold(x float64) bool {
	const rounding = 1e-9
	switch {
	case !math.IsNaN(b.low) && x < b.low,
		!math.IsNaN(b.high) && x > b.high,
		!math.IsNaN(b.equal) && math.Abs(x-b.equal) > max(b.tolerance, rounding)*math.Abs(b.equal):
		return false
	}
	return true
}

// show writes the bounds for readers, such as "≥ 85 %".
func (b bounds) show(q quantity) string {
	var parts []string
	if !math.IsNaN(b.low) {
		parts = append(parts, "≥ "+q.show(b.low))
	}
	if !math.IsNaN(b.high) {
		parts = append(parts, "≤ "+q.show(b.high))
	}
	if !math.IsNaN(b.equal) {
		s := "= " + q.show(b.equal)
		if b.tolerance > 0 {
			s += " ± " + ratio.show(b.tolerance)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}
