package tcp

import (
	"testing"

	"rtpfabric/sim/rng"
)

// Random operations against a plain array.
func TestRangesAgainstModel(t *testing.T) {
	r := rng.New(1).Stream("ranges")
	for range 500 {
		const n = 64
		var model [n]bool
		var set ranges
		for range 40 {
			a := seq(r.Uint64() % n)
			b := min(n, a+seq(r.Uint64()%10))
			fresh := int64(0)
			for i := a; i < b; i++ {
				if !model[i] {
					fresh++
				}
				model[i] = true
			}
			if got := set.add(span{a, b}); got != fresh {
				t.Fatalf("add %d–%d brings %d, want %d", a, b, got, fresh)
			}
			if r.Uint64()%8 == 0 {
				cut, gone := seq(r.Uint64()%n), int64(0)
				for i := range cut {
					if model[i] {
						gone++
					}
					model[i] = false
				}
				if got := set.trim(cut); got != gone {
					t.Fatalf("trim %d removes %d, want %d", cut, got, gone)
				}
			}
			check(t, &set, model[:], seq(r.Uint64()%n))
		}
	}
}

func check(t *testing.T, set *ranges, model []bool, at seq) {
	t.Helper()
	below := int64(0)
	for _, in := range model[:at] {
		if in {
			below++
		}
	}
	if got := set.below(at); got != below {
		t.Fatalf("%d below %d, want %d", got, at, below)
	}
	if s, ok := set.find(at); ok != model[at] || ok && (at < s.start || at >= s.end) {
		t.Fatalf("find %d: %v %v", at, s, ok)
	}
	start := at
	for start < seq(len(model)) && model[start] {
		start++
	}
	end := start
	for end < seq(len(model)) && !model[end] {
		end++
	}
	if g := set.gap(at, seq(len(model))); g.start != start || g.end != end && start < seq(len(model)) {
		t.Fatalf("gap from %d: %v, want %d–%d", at, g, start, end)
	}
	for i := 1; i < len(set.spans); i++ {
		if set.spans[i].start <= set.spans[i-1].end {
			t.Fatalf("spans %v", set.spans)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for _, initial := range []uint32{0, 1, 1 << 31, ^uint32(0)} {
		for _, ref := range []seq{0, 1, 1 << 31, 1<<32 - 1, 1 << 32, 5 << 32} {
			for _, d := range []seq{-1 << 30, -1, 0, 1, 1 << 30} {
				if got := unwrap(initial, ref, wireSeq(initial, ref+d)); got != ref+d {
					t.Errorf("initial %d ref %d: %d, want %d", initial, ref, got, ref+d)
				}
			}
		}
	}
}
