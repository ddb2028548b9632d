package nack_test

import (
	"slices"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/rng"
)

// RFC 4585 §6.2.1: PID names a lost packet, bit i of the BLP the one i after it,
// modulo 2^16.
//
// conformance: ROB-6.1-1
func TestPairs(t *testing.T) {
	for _, c := range []struct {
		missing []uint64
		pairs   []rtcp.NackPair
	}{
		{nil, nil},
		{[]uint64{7}, []rtcp.NackPair{{PacketID: 7}}},
		{[]uint64{7, 8}, []rtcp.NackPair{{PacketID: 7, LostPackets: 1}}},
		{[]uint64{7, 23}, []rtcp.NackPair{{PacketID: 7, LostPackets: 0x8000}}},
		{[]uint64{7, 24}, []rtcp.NackPair{{PacketID: 7}, {PacketID: 24}}},
		{[]uint64{1, 3, 30, 31}, []rtcp.NackPair{{PacketID: 1, LostPackets: 2}, {PacketID: 30, LostPackets: 1}}},
		{[]uint64{0x1fffe, 0x1ffff, 0x20000, 0x20005}, []rtcp.NackPair{{PacketID: 0xfffe, LostPackets: 1<<0 | 1<<1 | 1<<6}}},
	} {
		if got := nack.Pack(nil, c.missing); !slices.Equal(got, c.pairs) {
			t.Errorf("%v becomes %v, want %v", c.missing, got, c.pairs)
		}
		var want []uint16
		for _, seq := range c.missing {
			want = append(want, uint16(seq))
		}
		if got := nack.Unpack(nil, c.pairs); !slices.Equal(got, want) {
			t.Errorf("%v names %v, want %v", c.pairs, got, want)
		}
	}
}

// There and back through the octets of the message, with as few pairs as can be.
func TestPairsRoundTrip(t *testing.T) {
	r := rng.New(3).Stream("losses")
	for range 300 {
		var missing []uint64
		seq := uint64(r.Uint32())
		for range 1 + r.Uint32()%200 {
			seq += 1 + uint64(r.Uint32()%12)
			missing = append(missing, seq)
		}
		b, err := rtcp.TransportLayerNack{Nacks: nack.Pack(nil, missing)}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var m rtcp.TransportLayerNack
		if err := m.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		got := nack.Unpack(nil, m.Nacks)
		if len(got) != len(missing) {
			t.Fatalf("%d numbers, want %d", len(got), len(missing))
		}
		pairs, covered := 0, uint64(0)
		for i, seq := range missing {
			if got[i] != uint16(seq) {
				t.Fatalf("number %d is %d, want %d", i, got[i], uint16(seq))
			}
			if i == 0 || seq > covered {
				pairs++
				covered = seq + 16
			}
		}
		if len(m.Nacks) != pairs {
			t.Fatalf("%d pairs, %d would do", len(m.Nacks), pairs)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(uint16(65535), uint16(0x8001))
	f.Fuzz(func(t *testing.T, pid, blp uint16) {
		pair := rtcp.NackPair{PacketID: pid, LostPackets: rtcp.PacketBitmap(blp)}
		got := nack.Unpack(nil, []rtcp.NackPair{pair})
		if want := pair.PacketList(); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
		missing := make([]uint64, len(got))
		for i, seq := range got {
			missing[i] = 1<<16 + uint64(pid) + uint64(seq-pid)
		}
		if again := nack.Pack(nil, missing); len(again) != 1 || again[0] != pair {
			t.Fatalf("%v, want %v", again, pair)
		}
	})
}
