package xr_test

import (
	"math"
	"slices"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/rng"
)

// record takes packets that come at once, with their number for a time.
func record(tr *xr.Trace, seqs ...uint16) {
	for _, seq := range seqs {
		tr.Record(xr.Arrival{Seq: seq, Receipt: uint32(seq)})
	}
}

// trace reads an RLE block.
func trace(t *testing.T, begin, end uint16, thinning uint8, chunks []rtcp.Chunk) (uint16, []bool) {
	t.Helper()
	first, n, ok := xr.Reported(begin, end, thinning)
	got, err := xr.Decode(nil, chunks, n)
	if !ok || err != nil {
		t.Fatalf("%d to %d, thinned by %d: %v, %v", begin, end, thinning, chunks, err)
	}
	return first, got
}

// §4.1, §4.2: ones are receipts, and numbers without duplicates; across the
// rollover, and with a packet from before the first one.
func TestLossesAndDuplicates(t *testing.T) {
	tr := xr.NewTrace(source, 1024)
	if tr.LossRLE(1000) != nil || tr.DuplicateRLE(1000) != nil || tr.ReceiptTimes(1000) != nil || tr.Summary(xr.Fields{}) != nil {
		t.Error("a report about nothing")
	}
	record(tr, 65534, 65533, 1, 65535, 1, 3, 3, 3, 65534)
	loss, dup := roundTrip(t, tr.LossRLE(1000)), roundTrip(t, tr.DuplicateRLE(1000))
	if loss.BeginSeq != 65533 || loss.EndSeq != 4 || loss.T != 0 || loss.SSRC != source {
		t.Errorf("%+v", loss)
	}
	if _, got := trace(t, loss.BeginSeq, loss.EndSeq, 0, loss.Chunks); !slices.Equal(got, events("1110101")) {
		t.Errorf("receipts %v", got)
	}
	if _, got := trace(t, dup.BeginSeq, dup.EndSeq, 0, dup.Chunks); !slices.Equal(got, events("1011010")) {
		t.Errorf("without duplicates %v", got)
	}
	s := roundTrip(t, tr.Summary(xr.Fields{Loss: true, Duplicates: true}))
	if s.LostPackets != 2 || s.DupPackets != 4 || s.BeginSeq != 65533 || s.EndSeq != 4 {
		t.Errorf("%+v", s)
	}
	tr.Advance()
	if tr.LossRLE(1000) != nil {
		t.Error("a report about nothing new")
	}
	record(tr, 0, 5) // 0 was reported lost
	if loss := tr.LossRLE(1000); loss.BeginSeq != 4 || loss.EndSeq != 6 {
		t.Errorf("%+v", loss)
	}
}

// §4.1: a report covers what is remembered, the last packets.
func TestLongInterval(t *testing.T) {
	tr := xr.NewTrace(source, 1000) // 1024
	for seq := range 5000 {
		if seq%10 != 3 {
			record(tr, uint16(seq))
		}
	}
	s := tr.Summary(xr.Fields{Loss: true})
	if s.BeginSeq != 5000-1024 || s.EndSeq != 5000 || s.LostPackets != 102 { // 3983 to 4993
		t.Errorf("%+v", s)
	}
	record(tr, 100) // so old that its place is taken
	if again := tr.Summary(xr.Fields{Loss: true}); *again != *s {
		t.Errorf("%+v", again)
	}
	record(tr, 3990)
	if again := tr.Summary(xr.Fields{Duplicates: true}); again.DupPackets != 1 {
		t.Errorf("%+v", again)
	}
	if _, end := xr.NewTrace(source, 8).Range(); end != 0 {
		t.Error("a range of nothing")
	}
}

// Thinning makes a block fit, and no stronger than that needs; every event in it
// is true.
func TestThinningFits(t *testing.T) {
	r := rng.New(3).Stream("losses")
	tr := xr.NewTrace(source, 8192)
	came := map[uint16]int{}
	seq := uint16(62_000)
	for range 8000 {
		seq++
		for range []int{0, 1, 1, 2}[r.Uint32()%4] {
			record(tr, seq)
			came[seq]++
		}
	}
	full := len(tr.LossRLE(1e6).Chunks)*2 + 12
	for size := full; size >= 16; size -= 1 + size/40 {
		for kind, b := range map[string]*rtcp.LossRLEReportBlock{
			"loss": tr.LossRLE(size), "duplicate": (*rtcp.LossRLEReportBlock)(tr.DuplicateRLE(size)),
		} {
			if b == nil || 12+2*len(b.Chunks) > size {
				t.Fatalf("%s in %d octets: %+v", kind, size, b)
			}
			if octets := 12 + 2*len(b.Chunks); b.T > 0 && octets < size/3 && size > 60 {
				t.Errorf("%s thinned by %d to %d of %d octets", kind, b.T, octets, size)
			}
			first, got := trace(t, b.BeginSeq, b.EndSeq, b.T, b.Chunks)
			for i, event := range got {
				seq := first + uint16(i)<<b.T
				want := came[seq] > 0
				if kind == "duplicate" {
					want = came[seq] < 2
				}
				if event != want || seq%(1<<b.T) != 0 {
					t.Fatalf("%s thinned by %d: %d is %v", kind, b.T, seq, event)
				}
			}
		}
	}
	if tr.LossRLE(12) != nil || tr.ReceiptTimes(15) != nil {
		t.Error("a block where there is no room")
	}
}

// §4.3: every number in a block was received, and the earliest time is told.
func TestReceiptTimes(t *testing.T) {
	tr := xr.NewTrace(source, 64)
	for i, seq := range []uint16{10, 11, 12, 14, 15, 11, 18} {
		tr.Record(xr.Arrival{Seq: seq, Receipt: uint32(100 * (i + 1))})
	}
	blocks := tr.ReceiptTimes(3*12 + 6*4)
	want := []rtcp.PacketReceiptTimesReportBlock{
		{SSRC: source, BeginSeq: 10, EndSeq: 13, ReceiptTime: []uint32{100, 200, 300}},
		{SSRC: source, BeginSeq: 14, EndSeq: 16, ReceiptTime: []uint32{400, 500}},
		{SSRC: source, BeginSeq: 18, EndSeq: 19, ReceiptTime: []uint32{700}},
	}
	check := func(thinning uint8) {
		t.Helper()
		if len(blocks) != len(want) {
			t.Fatalf("%d blocks, want %d", len(blocks), len(want))
		}
		for i, b := range blocks {
			w := want[i]
			if b.T != thinning || b.SSRC != w.SSRC || b.BeginSeq != w.BeginSeq || b.EndSeq != w.EndSeq || !slices.Equal(b.ReceiptTime, w.ReceiptTime) {
				t.Errorf("%+v, want %+v", b, w)
			}
			if first, n, ok := xr.Reported(b.BeginSeq, b.EndSeq, b.T); !ok || n != len(b.ReceiptTime) || first != b.BeginSeq {
				t.Errorf("%+v has %d numbers from %d on", b, n, first)
			}
			roundTrip(t, b)
		}
	}
	check(0)
	blocks = tr.ReceiptTimes(3*12 + 6*4 - 1)
	want = []rtcp.PacketReceiptTimesReportBlock{
		{SSRC: source, BeginSeq: 10, EndSeq: 15, ReceiptTime: []uint32{100, 300, 400}},
		{SSRC: source, BeginSeq: 18, EndSeq: 19, ReceiptTime: []uint32{700}},
	}
	check(1)
}

// §4.6: least, greatest, mean and deviation of the differences of transit times,
// and of TTLs; only what is asked for.
func TestStatistics(t *testing.T) {
	tr := xr.NewTrace(source, 64)
	receipts := []uint32{0, 90, 210, 290, 390} // transit times 0, -10, 10, -10, -10
	for i, at := range receipts {
		a := xr.Arrival{Seq: uint16(i), Timestamp: uint32(100 * i), Receipt: at, TTL: []uint8{60, 62, 61, 61, 64}[i]}
		tr.Record(a)
		tr.Record(a) // duplicates don't count
	}
	s := roundTrip(t, tr.Summary(xr.Fields{Jitter: true, TTL: rtcp.ToHIPv6}))
	// Differences 10, 20, 20, 0: mean 12.5, deviation sqrt(900/4 - 12.5²) = 8.29.
	if s.MinJitter != 0 || s.MaxJitter != 20 || s.MeanJitter != 13 || s.DevJitter != 8 {
		t.Errorf("jitter %+v", s)
	}
	if s.MinTTLOrHL != 60 || s.MaxTTLOrHL != 64 || s.MeanTTLOrHL != 62 || s.DevTTLOrHL != 1 { // 61.6, 1.36
		t.Errorf("hop limit %+v", s)
	}
	if s.LossReports || s.DuplicateReports || s.LostPackets != 0 || s.DupPackets != 0 {
		t.Errorf("what wasn't asked for: %+v", s)
	}
	if s := tr.Summary(xr.Fields{Duplicates: true}); s.MaxJitter != 0 || s.MaxTTLOrHL != 0 || s.DupPackets != 5 {
		t.Errorf("what wasn't asked for: %+v", s)
	}
	tr.Advance()
	tr.Record(xr.Arrival{Seq: 5, Timestamp: 500, Receipt: 493, TTL: 9}) // transit -7: difference 3
	if s := tr.Summary(xr.Fields{Jitter: true, TTL: rtcp.ToHIPv4}); s.MinJitter != 3 || s.MaxJitter != 3 || s.MaxTTLOrHL != 9 || s.DevJitter != 0 {
		t.Errorf("the next interval: %+v", s)
	}
}

// A big difference, as after a change of the clock, doesn't overflow.
func TestStatisticsOfJumps(t *testing.T) {
	tr := xr.NewTrace(source, 64)
	tr.Record(xr.Arrival{Seq: 1})
	tr.Record(xr.Arrival{Seq: 2, Receipt: 1 << 31})
	if s := tr.Summary(xr.Fields{Jitter: true}); s.MaxJitter != 1<<31 || math.Abs(float64(s.MeanJitter)-1<<31) > 1 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkRecord(b *testing.B) {
	tr := xr.NewTrace(source, 4096)
	m, bursts := xr.NewMarkov(xr.Gmin, 1), xr.NewBursts(xr.Gmin, 1)
	i := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		i++
		tr.Record(xr.Arrival{Seq: uint16(i), Timestamp: 160 * i, Receipt: 160*i + i%7, TTL: 60})
		f := xr.Fate(i % 50 / 49)
		bursts.Add(f)
		m.Add(f)
	}
}
