package endpoints

import (
	"testing"

	"rtpfabric/sim/rng"
)

// A number is fresh once, in whatever order numbers come, and always if it is too old to tell.
func TestSeen(t *testing.T) {
	random := rng.New(1).Stream("numbers")
	var s seen
	have := map[uint64]bool{}
	highest := uint64(1 << 16)
	for step := range 50_000 {
		ext := highest + uint64(random.Uint32()%4)
		switch {
		case step%7 == 0:
			ext = highest - uint64(random.Uint32()%(recent+200))
		case step%5000 == 0:
			ext = highest + uint64(random.Uint32()%(3*recent))
		}
		highest = max(highest, ext)
		want := !have[ext] || ext+recent <= highest
		if got := s.fresh(ext); got != want {
			t.Fatalf("step %d: %d with %d the highest is fresh: %v", step, ext, highest, got)
		}
		have[ext] = true
	}
}
