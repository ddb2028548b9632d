package detmath

import (
	"math"
	"testing"
)

func TestAgainstStandardLibrary(t *testing.T) {
	for x := -700.0; x < 700; x += 0.371 {
		if got, want := Exp(x), math.Exp(x); math.Abs(got-want) > 4e-16*want {
			t.Fatalf("Exp(%v) = %v, want %v", x, got, want)
		}
	}
	for x := 1e-300; x < 1e300; x *= 1.37 {
		if got, want := Log(x), math.Log(x); math.Abs(got-want) > 5e-16*math.Abs(want) {
			t.Fatalf("Log(%v) = %v, want %v", x, got, want)
		}
	}
	for x := 0.5; x < 2; x += 0.00113 {
		if got, want := Log(x), math.Log(x); math.Abs(got-want) > 1e-15*math.Abs(want)+1e-18 {
			t.Fatalf("Log(%v) = %v, want %v", x, got, want)
		}
	}
}

// The bits themselves are fixed, so that a machine that rounds differently
// fails here and not in somebody's digest.
func TestBits(t *testing.T) {
	h := uint64(0)
	for i := range 10000 {
		x := float64(float64(i)*0.00173) - 8
		h = h*0x9e3779b97f4a7c15 + math.Float64bits(Exp(x)) ^ math.Float64bits(Log(float64(float64(i)*0.137)+0.001))
	}
	const want uint64 = 0x2839b3de6f07303b
	if h != want {
		t.Errorf("hash of 10,000 values = %#x, want %#x", h, want)
	}
}

func TestEdges(t *testing.T) {
	if Exp(-1000) != 0 || !math.IsInf(Exp(1000), 1) || Exp(0) != 1 || Log(1) != 0 ||
		!math.IsInf(Log(0), -1) || !math.IsNaN(Log(-1)) {
		t.Error("an edge is off")
	}
}

func TestSine(t *testing.T) {
	for x := -3.0; x < 3; x += 0.000371 {
		if got, want := Sine(x), math.Sin(2*math.Pi*x); math.Abs(got-want) > 3e-15 {
			t.Fatalf("Sine(%v) = %v, want %v", x, got, want)
		}
	}
	if Sine(0) != 0 || Sine(1) != 0 {
		t.Error("an edge is off")
	}
}
