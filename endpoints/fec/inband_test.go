package fec_test

import (
	"slices"
	"testing"

	"rtpfabric/endpoints/fec"
)

// RFC 8854 §3.3: isolated losses are repaired, of pairs one half isn't; without a copy
// in the packet nothing is.
//
// conformance: ROB-6.2-1
func TestInBand(t *testing.T) {
	for _, c := range []struct {
		arrive []uint64
		want   []uint64
	}{
		{[]uint64{1, 2, 3, 4}, nil},
		{[]uint64{1, 3, 4, 6}, []uint64{2, 5}},
		{[]uint64{1, 4, 5}, []uint64{3}},
		{[]uint64{1, 9}, []uint64{8}},
		{[]uint64{5, 7, 6, 7, 8}, []uint64{6}}, // late, twice
		{[]uint64{5}, nil},                     // the first one of the stream
	} {
		for _, copied := range []bool{false, true} {
			var b fec.InBand
			var got []uint64
			for _, seq := range c.arrive {
				if b.Arrived(seq, copied) {
					got = append(got, seq-1)
				}
			}
			want := c.want
			if !copied {
				want = nil
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, copies %v: %v are repaired, want %v", c.arrive, copied, got, want)
			}
		}
	}
}
