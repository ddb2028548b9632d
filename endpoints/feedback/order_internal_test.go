package feedback

import (
	"slices"
	"testing"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/rng"
)

// The packets of a report are in the order in which they were sent, however streams were mixed, whatever is missing and
// whether one is told of twice.
func TestReportsAreInOrder(t *testing.T) {
	random := rng.New(1).Stream("order")
	from := &Receiver{}
	for range 2000 {
		from.begin()
		list, next := &from.report.Packets, uint64(random.Uint32())
		for range random.Uint32() % 40 {
			if next += 1 + uint64(random.Uint32()%3); random.Uint32()%50 == 0 {
				next += 1000
			}
			*list = append(*list, ccontrol.PacketResult{Seq: next, Received: true})
			if random.Uint32()%200 == 0 {
				*list = append(*list, ccontrol.PacketResult{Seq: next})
			}
		}
		for i := range *list {
			k := int(random.Uint32()) % (i + 1)
			(*list)[i], (*list)[k] = (*list)[k], (*list)[i]
		}
		want := make([]uint64, 0, len(*list))
		for _, p := range *list {
			want = append(want, p.Seq)
		}
		slices.Sort(want)
		from.sort()
		for i, p := range from.report.Packets {
			if p.Seq != want[i] {
				t.Fatalf("packet %d of %v is %d", i, want, p.Seq)
			}
		}
		if len(from.report.Packets) != len(want) {
			t.Fatalf("%d packets, not %d", len(from.report.Packets), len(want))
		}
	}
}
