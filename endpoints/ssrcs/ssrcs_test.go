package ssrcs_test

import (
	"slices"
	"testing"

	"rtpfabric/endpoints/ssrcs"
	"rtpfabric/sim/rng"
)

// Places are those of a slice in which SSRCs are appended and deleted, however many there are.
func TestIndex(t *testing.T) {
	random := rng.New(1).Stream("ssrcs")
	for _, most := range []int{1, 8, 11, 12, 32, 33, 200} {
		var x ssrcs.Index
		var want []uint32
		for range 5000 {
			ssrc := random.Uint32() % uint32(2*most)
			at := slices.Index(want, ssrc)
			if got := x.Find(ssrc); got != at {
				t.Fatalf("%d of %v has place %d, not %d", ssrc, want, got, at)
			}
			switch {
			case at >= 0 && random.Uint64()%2 == 0:
				x.Remove(at)
				want = slices.Delete(want, at, at+1)
			case at < 0 && len(want) < most:
				if got := x.Add(ssrc); got != len(want) {
					t.Fatalf("SSRC %d of %d has place %d", ssrc, len(want), got)
				}
				want = append(want, ssrc)
			}
			if x.Len() != len(want) {
				t.Fatalf("%d SSRCs, not %d", x.Len(), len(want))
			}
		}
	}
}
