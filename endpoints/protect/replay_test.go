package protect

import (
	"testing"

	"rtpfabric/sim/rng"
)

// guess is the algorithm of RFC 3711 appendix A, in its variables, with the
// index as its value. It may be below 0, which the RFC takes modulo 2^32.
func guess(roc, sl, seq int64) int64 {
	v := roc
	if sl < 32768 {
		if seq-sl > 32768 {
			v = roc - 1
		}
	} else if sl-32768 > seq {
		v = roc + 1
	}
	return v<<16 | seq
}

// RFC 3711 §3.3.1, appendix A: a random walk over the indices, with jumps of up
// to half a round either way, finds each of them, as the RFC's code does.
func TestRollOverCounter(t *testing.T) {
	r := rng.New(1).Stream("walk")
	for walk := range 50 {
		var x rollover
		at, highest := int64(r.Uint32()&0xffff), int64(-1)
		for step := range 2000 {
			got := int64(x.index(uint16(at)))
			if got != at {
				t.Fatalf("walk %d, step %d: index %d after %d, want %d", walk, step, got, highest, at)
			}
			if want := guess(highest>>16, highest&0xffff, at&0xffff); highest >= 0 && got != want && want >= 0 {
				t.Fatalf("walk %d, step %d: index %d, RFC 3711's code has %d", walk, step, got, want)
			}
			x.saw(uint64(got))
			highest = max(highest, at)
			at = max(0, highest+int64(r.Uint32()%65000)-32500)
			if step%3 == 0 {
				at = max(0, highest+int64(r.Uint32()%200)-100)
			}
		}
	}
}

// In the first round there is nothing before it.
func TestNoIndexBelowZero(t *testing.T) {
	var x rollover
	x.saw(5)
	if got := x.index(65000); got != 65000 {
		t.Errorf("index %d, want 65000", got)
	}
}
