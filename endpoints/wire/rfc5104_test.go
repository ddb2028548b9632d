package wire_test

import (
	"math"
	"slices"
	"testing"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// §4.2.1.1, figure 2: 35 kbit/s is 35000 * 2^0, below 2^17; 1 Mbit/s is
// 125000 * 2^3.
func TestTMMBR(t *testing.T) {
	m := &wire.TMMBR{SenderSSRC: 0x01020304, Limits: []wire.Limit{
		{SSRC: 0x11121314, MxTBR: 35 * units.Kbps, Overhead: 40},
		{SSRC: 0x21222324, MxTBR: 1 * units.Mbps, Overhead: 511},
	}}
	// 35000<<9 | 40 = 0x01117028; 3<<26 | 125000<<9 | 511 = 0x0FD091FF.
	same(t, m, "83cd0006 01020304 00000000 11121314 01117028 21222324 0fd091ff")
	if got := m.DestinationSSRC(); !slices.Equal(got, []uint32{0x11121314, 0x21222324}) {
		t.Errorf("destinations %08x", got)
	}
	refused(t, &wire.TMMBR{}, wire.ErrCount) // "SHALL contain one or more FCI entries"
	rejected(t, wire.ErrCount, "83cd0002 01020304 00000000")
	rejected(t, wire.ErrLength, "83cd0003 01020304 00000000 11121314")
}

// §4.2.2.1, figure 3; an empty set is a message, too (§4.2.2.2).
func TestTMMBN(t *testing.T) {
	same(t, &wire.TMMBN{SenderSSRC: 0x01020304, Limits: []wire.Limit{
		{SSRC: 0x11121314, MxTBR: 40 * units.Kbps, Overhead: 60},
	}}, "84cd0004 01020304 00000000 11121314 0138803c")
	same(t, &wire.TMMBN{SenderSSRC: 5}, "84cd0002 00000005 00000000")
}

// §4.2.1.1: MxTBR = mantissa * 2^exp with 17 bits of mantissa. Rounding must
// never raise a limit, and must lose less than 2^-16 of it.
func TestMxTBR(t *testing.T) {
	for rate, want := range map[units.BitRate]units.BitRate{
		0: 0, 1: 1, 131071: 131071, 131072: 131072, 131073: 131072, 262143: 262142,
		1_000_001: 1_000_000, 2*units.Gbps + 12345: 122071 << 14,
		math.MaxInt64: wire.MaxMxTBR, wire.MaxMxTBR: wire.MaxMxTBR, -5: 0,
	} {
		if got := wire.RoundMxTBR(rate); got != want {
			t.Errorf("%d becomes %d, want %d", rate, got, want)
		}
	}
	for r := units.BitRate(1); r < math.MaxInt64/3; r = r*3 + 7 {
		got := wire.RoundMxTBR(r)
		if got > r || float64(r-got) > float64(r)/(1<<16) {
			t.Errorf("%d becomes %d", r, got)
		}
		if wire.RoundMxTBR(got) != got {
			t.Errorf("%d isn't stable", got)
		}
		b := marshal(t, &wire.TMMBN{Limits: []wire.Limit{{MxTBR: r}}})
		if read := unmarshal(t, b).(*wire.TMMBN).Limits[0].MxTBR; read != got {
			t.Errorf("%d is read as %d, want %d", r, read, got)
		}
	}
}

// Other encoders may use exponents that aren't the least; what is beyond 63
// bits becomes the greatest rate.
func TestForeignExponents(t *testing.T) {
	for word, want := range map[string]units.BitRate{
		"04000200": 2,             // 1 * 2^1
		"fffffe00": wire.MaxMxTBR, // 131071 * 2^63
		"fc000000": 0,             // 0 * 2^63
		"f8000200": 1 << 62,
		"fc000200": wire.MaxMxTBR, // 2^63
	} {
		m := unmarshal(t, bytes(t, "84cd0004 00000001 00000000 00000002 "+word)).(*wire.TMMBN)
		if got := m.Limits[0].MxTBR; got != want {
			t.Errorf("%s is %d, want %d", word, got, want)
		}
	}
}

func TestLimitFields(t *testing.T) {
	for _, l := range []wire.Limit{{Overhead: 512}, {Overhead: -1}, {MxTBR: -1}} {
		refused(t, &wire.TMMBN{Limits: []wire.Limit{l}}, wire.ErrRange)
		refused(t, &wire.TMMBR{Limits: []wire.Limit{l}}, wire.ErrRange)
	}
	refused(t, &wire.TMMBN{Limits: make([]wire.Limit, 8191)}, wire.ErrCount)
}

// §4.3.2.1, figure 5.
func TestTSTR(t *testing.T) {
	same(t, &wire.TSTR{SenderSSRC: 0x01020304, TradeOffs: []wire.TradeOff{
		{SSRC: 0x11121314, Seq: 255, Index: 31}, {SSRC: 0x21222324, Seq: 0, Index: 0},
	}}, "85ce0006 01020304 00000000 11121314 ff00001f 21222324 00000000")
	// Reserved bits SHALL be ignored on reception.
	m := unmarshal(t, bytes(t, "85ce0004 01020304 00000000 11121314 07ffffe9")).(*wire.TSTR)
	if got, want := m.TradeOffs[0], (wire.TradeOff{SSRC: 0x11121314, Seq: 7, Index: 9}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	refused(t, &wire.TSTR{}, wire.ErrCount)
	refused(t, &wire.TSTR{TradeOffs: []wire.TradeOff{{Index: 32}}}, wire.ErrRange)
	rejected(t, wire.ErrCount, "85ce0002 01020304 00000000")
	rejected(t, wire.ErrLength, "85ce0003 01020304 00000000 11121314")
}

// §4.3.3.1, figure 6, and §4.3.3.2: one index in all entries.
func TestTSTN(t *testing.T) {
	same(t, &wire.TSTN{SenderSSRC: 0x01020304, TradeOffs: []wire.TradeOff{
		{SSRC: 0x11121314, Seq: 1, Index: 16}, {SSRC: 0x21222324, Seq: 200, Index: 16},
	}}, "86ce0006 01020304 00000000 11121314 01000010 21222324 c8000010")
	refused(t, &wire.TSTN{TradeOffs: []wire.TradeOff{{Index: 1}, {Index: 2}}}, wire.ErrRange)
	refused(t, &wire.TSTN{}, wire.ErrCount)
}
