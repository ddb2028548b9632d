// Package detmath computes the few transcendental functions that decide about
// packets, with the same bits on every machine. The standard library's Exp
// and Log have assembly of their own per architecture and may differ in the
// last bit, and compilers may fuse a multiplication and an addition where the
// hardware can; every product here is therefore rounded by an explicit
// conversion, which the Go specification forbids to fuse.
package detmath

import "math"

const (
	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10
)

// Exp returns e**x within one unit in the last place for |x| < 700.
func Exp(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case x > 709.7:
		return math.Inf(1)
	case x < -745:
		return 0
	}
	// x = k·ln2 + r with |r| ≤ ln2/2; e^r by its series in Horner's form.
	k := math.RoundToEven(float64(x / math.Ln2))
	r := float64(x-float64(k*ln2Hi)) - float64(k*ln2Lo)
	sum := 1.0
	for i := 17; i >= 1; i-- {
		sum = float64(float64(r*sum)/float64(i)) + 1
	}
	return math.Ldexp(sum, int(k))
}

// Sine returns the sine of an angle in turns, within two units in the last place of 1.
func Sine(turns float64) float64 {
	x := turns - math.Floor(turns)
	switch { // to the quarter around 0
	case x > 0.75:
		x--
	case x > 0.25:
		x = 0.5 - x
	}
	x = float64(x * (2 * math.Pi))
	square, sum := float64(x*x), 0.0
	for i := 21; i >= 3; i -= 2 {
		sum = float64(square*(1-sum)) / float64(i*(i-1))
	}
	return float64(x * (1 - sum))
}

// artanh holds the coefficients of artanh(s)/s, highest power first.
var artanh = [...]float64{
	1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
	1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1,
}

// Log returns the natural logarithm of x within two units in the last place;
// NaN for x < 0 and -Inf for 0.
func Log(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	// x = f·2^k with f in [√½, √2); ln f = 2·artanh(s), s = (f-1)/(f+1).
	f, k := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f *= 2
		k--
	}
	s := (f - 1) / (f + 1)
	s2 := float64(s * s)
	sum := 0.0
	for _, c := range artanh {
		sum = float64(s2*sum) + c
	}
	return float64(float64(k)*ln2Hi) + (float64(2*s*sum) + float64(float64(k)*ln2Lo))
}
