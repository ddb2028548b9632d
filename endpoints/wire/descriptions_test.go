package wire_test

import (
	"reflect"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/rng"
)

// What is read of SDES is what pion reads, of packets that are damaged, too.
func TestDescriptions(t *testing.T) {
	random := rng.New(1).Stream("sdes")
	form := marshal(t, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{
		{Source: 1, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "one"}, {Type: wire.SDESMID, Text: "0"}}},
		{Source: 2, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "another"}}},
		{Source: 3},
	}})
	var d wire.Descriptions
	good := 0
	for range 100_000 {
		b := append([]byte(nil), form[:len(form)-int(random.Uint32()%5)]...)
		for range random.Uint32() % 4 {
			b[random.Uint32()%uint32(len(b))] = uint8(random.Uint32() % 12)
		}
		if random.Uint32()%2 == 0 {
			b[0], b[1] = 0x80|uint8(random.Uint32()%5), 202
		}
		var want rtcp.SourceDescription
		wrong := want.Unmarshal(b)
		got, err := d.Read(b, func(uint32) string { return "another" })
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%x: %v, not %v", b, err, wrong)
		}
		if err != nil {
			continue
		}
		good++
		if len(got) != len(want.Chunks) {
			t.Fatalf("%x: %v, not %v", b, got, want.Chunks)
		}
		for i := range got {
			if len(got[i].Items) == 0 {
				got[i].Items = nil
			}
			if !reflect.DeepEqual(got[i], want.Chunks[i]) {
				t.Fatalf("%x: %v, not %v", b, got[i], want.Chunks[i])
			}
		}
	}
	if good < 10_000 {
		t.Errorf("only %d packets are whole", good)
	}
}
