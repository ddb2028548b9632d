package ssrcs_test

import (
	"testing"

	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/rng"
)

// A set has everybody once, in whatever order they come.
func TestSet(t *testing.T) {
	random := rng.New(1).Stream("set")
	var s ssrcs.Set
	for range 100 {
		s.Clear()
		want := map[uint32]bool{}
		for i := range uint32(60) {
			ssrc := i % 9 // in turn, as in reports
			if random.Uint64()%4 == 0 {
				ssrc = random.Uint32() % 20
			}
			s.Add(ssrc)
			if want[ssrc] = true; s.Len() != len(want) {
				t.Fatalf("%d of %v", s.Len(), want)
			}
		}
	}
}
