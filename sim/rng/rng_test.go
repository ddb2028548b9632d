package rng

import (
	"math"
	"testing"
)

func moments(n int, draw func() float64) (mean, std float64) {
	var sum, sq float64
	for range n {
		x := draw()
		sum += x
		sq += x * x
	}
	mean = sum / float64(n)
	return mean, math.Sqrt(sq/float64(n) - mean*mean)
}

func TestDistributions(t *testing.T) {
	const n = 200_000
	s := New(1).Stream("test")
	for _, c := range []struct {
		name      string
		draw      func() float64
		mean, std float64
	}{
		{"uniform", s.Float64, 0.5, 1 / math.Sqrt(12)},
		{"normal", s.Normal, 0, 1},
		{"laplace 0.15", func() float64 { return s.Laplace(0.15) }, 0, 0.15 * math.Sqrt2},
		{"exponential 10", func() float64 { return s.Exponential(10) }, 10, 10},
	} {
		mean, std := moments(n, c.draw)
		if tol := 5 * c.std / math.Sqrt(n); math.Abs(mean-c.mean) > tol {
			t.Errorf("%s: mean %.4f, want %.4f ± %.4f", c.name, mean, c.mean, tol)
		}
		if math.Abs(std-c.std) > 0.02*c.std {
			t.Errorf("%s: standard deviation %.4f, want %.4f", c.name, std, c.std)
		}
	}
}

func TestStreamsAreIndependentOfEachOther(t *testing.T) {
	src := New(7)
	a := src.Stream("a")
	first := []uint64{a.Uint64(), a.Uint64()}
	src.Stream("b").Uint64()
	again := src.Stream("a")
	if again.Uint64() != first[0] || again.Uint64() != first[1] {
		t.Error("stream a changed because b was drawn from")
	}
	if src.Stream("b").Uint64() == first[0] || New(8).Stream("a").Uint64() == first[0] {
		t.Error("another name or seed gives the same numbers")
	}
}

// The numbers themselves are part of every digest.
func TestPinned(t *testing.T) {
	s := New(42).Stream("pinned")
	var h uint64
	for range 1000 {
		h = h*31 + s.Uint64() + math.Float64bits(s.Normal()) + math.Float64bits(s.Laplace(1))
	}
	const want uint64 = 0xcb38107dc1e3af44
	if h != want {
		t.Errorf("hash = %#x, want %#x", h, want)
	}
}

// Streams of neighbouring seeds have nothing in common: neither numbers nor words
// of their states.
func TestNeighbouringSeeds(t *testing.T) {
	seen := map[uint64]uint64{}
	for seed := range uint64(1000) {
		r := New(seed).Stream("s")
		for _, word := range r.s {
			if other, taken := seen[word]; taken {
				t.Fatalf("seeds %d and %d share a word of their states", other, seed)
			}
			seen[word] = seed
		}
	}
	// Of the first numbers, the correlation from one seed to the next is that of
	// independent ones: within 4 standard errors of 0.
	const n = 20_000
	var sum float64
	before := New(0).Stream("s").Float64() - 0.5
	for seed := uint64(1); seed <= n; seed++ {
		x := New(seed).Stream("s").Float64() - 0.5
		sum += x * before * 12 // variance of a uniform number is 1/12
		before = x
	}
	if r := sum / n; math.Abs(r) > 4/math.Sqrt(n) {
		t.Errorf("correlation of neighbouring seeds %.4f", r)
	}
}
