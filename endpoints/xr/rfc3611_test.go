package xr_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/xr"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

const source = 0x11121314

func ms(x float64) simtime.Time { return simtime.Time(x * 1e6) }

// events reads a trace as the RFC writes it.
func events(s string) (out []bool) {
	for _, c := range s {
		if c == '0' || c == '1' {
			out = append(out, c == '1')
		}
	}
	return out
}

func wantChunks(t *testing.T, trace []bool, want ...rtcp.Chunk) {
	t.Helper()
	got := xr.Encode(nil, trace)
	if !slices.Equal(got, want) {
		t.Errorf("chunks %v, want %v", got, want)
	}
	back, err := xr.Decode(nil, got, len(trace))
	if err != nil || !slices.Equal(back, trace) {
		t.Errorf("%v are read as %v, %v", got, back, err)
	}
}

// §4.1, the examples: 45 packets of which the 22nd and 24th, and then the 44th
// too, have been lost.
func TestRunLengthExamples(t *testing.T) {
	const run21, run9 = 1<<14 | 21, 1<<14 | 9
	wantChunks(t, events("1111 1111 1111 1111 1111 1010 1111 1111 1111 1111 1111 1"),
		run21, 0b1_0101_1111_1111_111<<0, run9, 0)
	wantChunks(t, events("1111 1111 1111 1111 1111 1010 1111 1111 1111 1111 1110 1"),
		run21, 0b1_0101_1111_1111_111, 0b1_1111_1110_1000_000, 0)
	wantChunks(t, events("1111 1011 110"), 0b1_1111_1011_1100_000, 0)
}

// §4.1.1, §4.1.3: runs of 1 to 16,383; a null chunk makes the number even.
func TestRunLengths(t *testing.T) {
	run := func(n int, event bool) []bool {
		out := make([]bool, n)
		for i := range out {
			out[i] = event
		}
		return out
	}
	wantChunks(t, nil)
	wantChunks(t, run(1, false), 1, 0)
	wantChunks(t, run(16383, false), 16383, 0)
	wantChunks(t, run(16384, true), 1<<14|16383, 1<<14|1)
	wantChunks(t, append(run(15, true), run(15, false)...), 1<<14|15, 15)
	wantChunks(t, append(run(14, true), run(16, false)...), 0xfffe, 15)
}

// What an encoder may not write is refused.
func TestChunksThatCantBe(t *testing.T) {
	for _, c := range []struct {
		chunks []rtcp.Chunk
		events int
	}{
		{[]rtcp.Chunk{0, 1<<14 | 15}, 15}, // null isn't last
		{[]rtcp.Chunk{1<<14 | 15}, 15},    // odd
		{[]rtcp.Chunk{1<<14 | 15, 0}, 16}, // too few
		{[]rtcp.Chunk{1<<14 | 16, 0}, 15}, // a run too long
		{[]rtcp.Chunk{1<<14 | 15, 1<<14 | 1}, 15},
		{[]rtcp.Chunk{1<<14 | 15, 1 << 15}, 15}, // a vector of nothing
		{[]rtcp.Chunk{1 << 14, 0}, 0},           // a run of nothing
		{[]rtcp.Chunk{0, 0}, 0},
		{[]rtcp.Chunk{1, 0}, 0},
	} {
		if got, err := xr.Decode(nil, c.chunks, c.events); !errors.Is(err, xr.ErrBlock) {
			t.Errorf("%v for %d events: %v, %v", c.chunks, c.events, got, err)
		}
	}
	got, err := xr.Decode(nil, []rtcp.Chunk{0xffff, 0}, 3) // §4.1: what is beyond MUST be ignored
	if err != nil || !slices.Equal(got, events("111")) {
		t.Errorf("%v, %v", got, err)
	}
}

// Any trace comes back, and never needs more chunks than vectors would.
func TestEncodingRoundTrip(t *testing.T) {
	r := rng.New(2).Stream("traces")
	for range 500 {
		trace := make([]bool, r.Uint32()%3000)
		stay := r.Uniform(0.3, 1)
		event := true
		for i := range trace {
			if !r.Bool(stay) {
				event = !event
			}
			trace[i] = event
		}
		chunks := xr.Encode(nil, trace)
		if most := (len(trace)+14)/15 + 1; len(chunks) > most || len(chunks)%2 != 0 {
			t.Fatalf("%d chunks for %d events", len(chunks), len(trace))
		}
		back, err := xr.Decode(nil, chunks, len(trace))
		if err != nil || !slices.Equal(back, trace) {
			t.Fatalf("%v comes back as %v, %v", trace, back, err)
		}
	}
}

// §4.1: with a thinning value of 2 eleven of the 45 numbers from 13,821 on are
// reported upon.
func TestThinningExample(t *testing.T) {
	for _, c := range []struct {
		begin, end uint16
		thinning   uint8
		first      uint16
		n          int
		ok         bool
	}{
		{13821, 13866, 2, 13824, 11, true},
		{13821, 13866, 0, 13821, 45, true},
		{13824, 13864, 2, 13824, 10, true},
		{65530, 10, 3, 0, 2, true},
		{1, 8, 3, 8, 0, true},
		{1, 9, 3, 8, 1, true},
		{5, 5, 0, 5, 0, true},
		{0, 65533, 15, 0, 2, true},
		{0, 65534, 0, 0, 0, false}, // §4.1: MUST NOT
		{0, 9, 16, 0, 0, false},
	} {
		first, n, ok := xr.Reported(c.begin, c.end, c.thinning)
		if first != c.first && c.n > 0 || n != c.n || ok != c.ok {
			t.Errorf("%+v: %d numbers from %d on, %v", c, n, first, ok)
		}
	}
}

// §4.1, §A.1: a number is taken for the one closest to the last one, ahead or
// behind; if both are as close, for that without a rollover.
func TestExtend(t *testing.T) {
	const base = 5 << 16
	for _, c := range []struct {
		reference uint64
		seq       uint16
		want      uint64
	}{
		{base + 65535, 0, base + 65536},
		{base, 65535, base - 1},
		{base + 100, 100, base + 100},
		{base + 100, 32867, base + 32867},
		{base + 100, 32869, base - 32667},
		{base + 100, 32868, base + 32868}, // a tie
		{base + 40000, 7232, base + 7232}, // and one behind
	} {
		if got := xr.Extend(c.reference, c.seq); got != c.want {
			t.Errorf("%d after %d is %d, want %d", c.seq, c.reference, got, c.want)
		}
	}
}

// §4.7.2, the example: 64 packets of 10 ms. The text rounds the densities on the
// way, 84 and 10, and adds the gaps, 230 ms and 290 ms, where the field has their
// mean; the pattern is printed without one of the packets of the second gap.
func TestBurstExample(t *testing.T) {
	const pattern = "11110111111111111111111X111X10111101111111111111111111X111111111"
	b, m := xr.NewBursts(xr.Gmin, 10*time.Millisecond), xr.NewMarkov(xr.Gmin, 10*time.Millisecond)
	for _, c := range pattern {
		f := map[rune]xr.Fate{'1': xr.Played, '0': xr.Lost, 'X': xr.Discarded}[c]
		b.Add(f)
		m.Add(f)
	}
	want := xr.BurstMetrics{
		LossRate: 12, DiscardRate: 12, BurstDensity: 85, GapDensity: 9,
		BurstDuration: 120, GapDuration: 260, Gmin: 16,
	}
	if got := b.Metrics(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// §A.2 takes the four packets before the first loss for the beginning of a
	// burst. c11 = 18+19, c13 = c14 = 1, c22 = 3+2+0+3, c23 = 4, c33 = 0, and
	// c31 + c32 = 5: 56 in all. p32 = 4/5, p23 = 1/3.
	want = xr.BurstMetrics{
		LossRate: 13, DiscardRate: 13, BurstDensity: 75, GapDensity: 6,
		BurstDuration: 170, GapDuration: 390, Gmin: 16,
	}
	if got := m.Metrics(); got != want {
		t.Errorf("§A.2: %+v, want %+v", got, want)
	}
}

// §4.4, §4.5: RTT = A - LRR - DLRR, for who sends no media.
func TestRoundTripTime(t *testing.T) {
	r := xr.NewRoundTrip(7)
	var s xr.Responder
	if s.Pending() || s.Block(ms(0), 100) != nil {
		t.Error("an answer to nothing")
	}
	s.OnReferenceTime(ms(930), 7, roundTrip(t, r.Block(ms(900))))
	s.OnReferenceTime(ms(1030), 7, roundTrip(t, r.Block(ms(1000))))          // the last one counts
	s.OnReferenceTime(ms(1031), 8, &rtcp.ReceiverReferenceTimeReportBlock{}) // it has no clock
	if !s.Pending() {
		t.Error("no answer is pending")
	}
	b := roundTrip(t, s.Block(ms(1530), 100))
	if len(b.Reports) != 1 || b.Reports[0].DLRR != 32768 {
		t.Errorf("%+v", b)
	}
	rtt, ok := r.OnDLRR(ms(1575), b)
	if d := rtt - 75*time.Millisecond; !ok || d < -50*time.Microsecond || d > 50*time.Microsecond {
		t.Errorf("round-trip time %v, %v, want 75 ms", rtt, ok)
	}
	if rtt, ok := r.OnDLRR(ms(1500), b); !ok || rtt != time.Microsecond {
		t.Errorf("round-trip time %v, %v: clocks are coarse, but it isn't negative", rtt, ok)
	}
	if s.Pending() {
		t.Error("an answer is pending twice")
	}
	for i, foreign := range []rtcp.DLRRReport{{SSRC: 9, LastRR: b.Reports[0].LastRR}, {SSRC: 7}, {SSRC: 7, LastRR: 12345}} {
		if rtt, ok := r.OnDLRR(ms(1575), &rtcp.DLRRReportBlock{Reports: []rtcp.DLRRReport{foreign}}); ok {
			t.Errorf("answer %d gives %v", i, rtt)
		}
	}
	for i := range 8 {
		r.Block(ms(2000 + float64(i)))
	}
	if _, ok := r.OnDLRR(ms(2075), b); ok {
		t.Error("an answer to what was asked long ago")
	}
}

// §4.5, §5.1: one sub-block for each receiver, as many as there is room for, the
// others next time.
func TestAnswersGoRound(t *testing.T) {
	var s xr.Responder
	ask := func(at float64, ssrcs ...uint32) {
		for _, ssrc := range ssrcs {
			s.OnReferenceTime(ms(at), ssrc, xr.NewRoundTrip(ssrc).Block(ms(at)))
		}
	}
	answer := func(size int, want ...uint32) {
		t.Helper()
		var got []uint32
		if b := s.Block(ms(100), size); b != nil {
			got = b.DestinationSSRC()
			if x := (&rtcp.ExtendedReport{Reports: []rtcp.ReportBlock{b}}); xr.Size(x)-8 > size {
				t.Errorf("%d octets", xr.Size(x)-8)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("answers %v, want %v", got, want)
		}
	}
	ask(1, 1, 2, 3, 4, 5)
	answer(15)
	answer(28, 1, 2)
	ask(2, 1, 2, 4)
	answer(39, 3, 4)
	s.OnGone(5)
	ask(3, 3)
	answer(1000, 1, 2, 3)
	answer(1000)
	for ssrc := range uint32(2000) {
		ask(4, ssrc)
	}
	n := 0
	for s.Pending() {
		n += len(s.Block(ms(100), 1200).Reports)
	}
	if n != 1024 {
		t.Errorf("%d are remembered", n)
	}
}
