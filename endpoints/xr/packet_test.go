package xr_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/xr"
)

func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// roundTrip sends a block through the octets of a packet, which two parsers read.
func roundTrip[B rtcp.ReportBlock](t *testing.T, block B) B {
	t.Helper()
	x := &rtcp.ExtendedReport{SenderSSRC: 5, Reports: []rtcp.ReportBlock{block}}
	b, err := x.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != xr.Size(x) || len(b)%4 != 0 {
		t.Errorf("%d octets, Size says %d", len(b), xr.Size(x))
	}
	var theirs rtcp.ExtendedReport
	if err := theirs.Unmarshal(b); err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	ours, skipped, err := xr.Unmarshal(b)
	if err != nil || skipped != 0 || !reflect.DeepEqual(*ours, theirs) || len(ours.Reports) != 1 {
		t.Fatalf("%x: %+v, %d skipped, %v; pion reads %+v", b, ours, skipped, err, theirs)
	}
	got, ok := ours.Reports[0].(B)
	if !ok || !reflect.DeepEqual(got, block) {
		t.Fatalf("%+v becomes %+v", block, ours.Reports[0])
	}
	return got
}

const (
	referenceTime = "04000002 00000001 00000002"
	unknownBlock  = "63ab0001 deadbeef"
)

// §3, §4: blocks of unknown types are passed over by their length, and so are
// known ones that can't be; the others count.
//
// conformance: MON-8-3
func TestBlocksAreSkippedByLength(t *testing.T) {
	for _, odd := range []string{
		"04000001 00000001",                   // too short a reference time
		"04000003 00000001 00000002 00000003", // too long a one
		"05000001 00000001",                   // not whole sub-blocks
		"06000001 00000001",                   // statistics
		"07000001 00000001",                   // VoIP metrics
		"0600000a" + strings.Repeat("00000000", 10),
		"07000009" + strings.Repeat("00000000", 9),
		"06680009 00000001 00010002 00000001" + strings.Repeat("00000000", 6),
		"06a80009 00000001 00010002 00000000 00000001" + strings.Repeat("00000000", 5),
		"01000001 00000001", // RLE without a range
		"02000000", "03000000",
		"06800009" + strings.Repeat("00000001", 9),                   // TTLs that aren't flagged
		"06180009 00000001 00010002" + strings.Repeat("00000000", 7), // ToH of 3
		"06e00009 00000001 00010002" + strings.Repeat("00000000", 6) + "00000001",
	} {
		body := odd + unknownBlock + referenceTime + "00000000"
		b := octets(t, "80cf0000 00000005"+body)
		b[3] = byte(len(b)/4 - 1)
		x, skipped, err := xr.Unmarshal(b)
		if err != nil || skipped != 1 || len(x.Reports) != 3 {
			t.Errorf("%s: %+v, %d skipped, %v", odd, x, skipped, err)
			continue
		}
		if u, ok := x.Reports[0].(*rtcp.UnknownReportBlock); !ok || !bytes.Equal(u.Bytes, octets(t, "deadbeef")) {
			t.Errorf("%+v", x.Reports[0])
		}
		if r, ok := x.Reports[1].(*rtcp.ReceiverReferenceTimeReportBlock); !ok || r.NTPTimestamp != 1<<32|2 {
			t.Errorf("%+v", x.Reports[1])
		}
	}
	// §2: reserved bits are ignored, and there may be no block at all.
	if x, skipped, err := xr.Unmarshal(octets(t, "9fcf0001 00000005")); err != nil || skipped != 0 || x.SenderSSRC != 5 || len(x.Reports) != 0 {
		t.Errorf("%+v, %d skipped, %v", x, skipped, err)
	}
}

func TestMalformedPackets(t *testing.T) {
	for form, want := range map[string]error{
		"": xr.ErrNotXR, "80cf0000": xr.ErrNotXR, "40cf0001 00000005": xr.ErrNotXR, "80ce0001 00000005": xr.ErrNotXR,
		"80cf0002 00000005": xr.ErrLength, "80cf0001 00000005 04000000": xr.ErrLength,
		"80cf0002 00000005 04000001": xr.ErrLength,
	} {
		if _, _, err := xr.Unmarshal(octets(t, form)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", form, err, want)
		}
	}
	x, skipped, err := xr.Unmarshal(octets(t, "80cf0005 00000005"+referenceTime+"01000009"))
	if !errors.Is(err, xr.ErrLength) || len(x.Reports) != 1 || skipped != 1 {
		t.Errorf("what comes before is lost: %+v, %d, %v", x, skipped, err)
	}
}

// §4.7: seven words of metrics.
func TestVoIPMetrics(t *testing.T) {
	m := xr.BurstMetrics{LossRate: 12, DiscardRate: 13, BurstDensity: 85, GapDensity: 9, BurstDuration: 120, GapDuration: 260, Gmin: 16}
	b := xr.VoIPMetrics(source, m, xr.Call{
		RoundTrip: 80 * time.Millisecond, EndSystem: 60*time.Millisecond + 999*time.Microsecond,
		SignalLevel: -18, NoiseLevel: -60, EchoLoss: 45, RFactor: 94, ExtRFactor: 100, MOSLQ: 42, MOSCQ: 10,
		Concealment: xr.Standard, Adaptivity: xr.Adaptive, AdjustmentRate: 5,
		Nominal: 40 * time.Millisecond, Maximum: 100 * time.Millisecond, AbsMaximum: 70 * time.Second,
	})
	roundTrip(t, b)
	got, err := rtcp.ExtendedReport{SenderSSRC: 5, Reports: []rtcp.ReportBlock{b}}.Marshal()
	want := octets(t, "80cf000a 00000005 07000008 11121314 0c0d5509 00780104 0050003c eec42d10 5e642a0a f5000028 0064ffff")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v, want\n%x", got, err, want)
	}

	b = xr.VoIPMetrics(source, m, xr.UnknownCall())
	for i, v := range []uint8{b.SignalLevel, b.NoiseLevel, b.RERL, b.RFactor, b.ExtRFactor, b.MOSLQ, b.MOSCQ} {
		if v != xr.Unavailable {
			t.Errorf("value %d is %d", i, v)
		}
	}
	if b.RXConfig != 0 || b.RoundTripDelay != 0 {
		t.Errorf("%+v", b)
	}
}

// §4.7.5, §4.7.7: what MUST NOT be sent isn't, and MUST be ignored; a fixed
// buffer's absolute maximum is its maximum.
func TestVoIPRanges(t *testing.T) {
	b := xr.VoIPMetrics(source, xr.BurstMetrics{Gmin: 16}, xr.Call{
		RFactor: 101, ExtRFactor: 0, MOSLQ: 9, MOSCQ: 51, AdjustmentRate: 99, Adaptivity: xr.NonAdaptive, Concealment: xr.Enhanced,
		Maximum: 50 * time.Millisecond, AbsMaximum: time.Second, RoundTrip: -time.Second,
	})
	if b.RFactor != 127 || b.ExtRFactor != 0 || b.MOSLQ != 127 || b.MOSCQ != 127 || b.RXConfig != 0xaf || b.JBAbsMax != 50 || b.RoundTripDelay != 0 {
		t.Errorf("%+v", b)
	}
	form, err := rtcp.ExtendedReport{Reports: []rtcp.ReportBlock{&rtcp.VoIPMetricsReportBlock{RFactor: 120, ExtRFactor: 100, MOSLQ: 50, MOSCQ: 0}}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	x, _, err := xr.Unmarshal(form)
	if err != nil {
		t.Fatal(err)
	}
	if b := x.Reports[0].(*rtcp.VoIPMetricsReportBlock); b.RFactor != 127 || b.ExtRFactor != 100 || b.MOSLQ != 50 || b.MOSCQ != 127 {
		t.Errorf("%+v", b)
	}
}

// Anything that is read can be written, and says the same then.
func FuzzUnmarshal(f *testing.F) {
	for _, form := range []string{
		"80cf0004 00000005" + referenceTime, "80cf0003 00000005" + unknownBlock,
		"80cf0005 00000005 01020003 11121314 35fd3629 f7e00000",
		"80cf0005 00000005 03000003 11121314 00010002 00000009",
		"80cf0005 00000005 05000003 00000007 00000001 00000002",
		"80cf000a 00000005 07000008 11121314 0c0d5509 00780104 0050003c eec42d10 5e642a0a f5000028 0064ffff",
		"80cf0007 00000005 0d000005" + ecnFirst, "80cf0002 00000005 0d000000",
		"80cf000b 00000005 06e80009 11121314 00010009" + strings.Repeat("00000001", 7),
	} {
		f.Add(octets(f, form))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		x, _, err := xr.Unmarshal(b)
		if !bytes.Equal(b, before) {
			t.Fatal("the packet has changed")
		}
		if err != nil {
			return
		}
		for _, block := range x.Reports {
			if u, ok := block.(*rtcp.UnknownReportBlock); ok {
				if list, ok := xr.ReadECNSummary(nil, u); ok != (u.BlockType == xr.ECNSummaryReportBlockType) || 20*len(list) > len(u.Bytes) {
					t.Fatalf("%d sources, %v, of %x", len(list), ok, u.Bytes)
				}
			}
			if l, ok := block.(*rtcp.LossRLEReportBlock); ok {
				if _, n, ok := xr.Reported(l.BeginSeq, l.EndSeq, l.T); ok {
					_, _ = xr.Decode(nil, l.Chunks, n)
				}
			}
		}
		form, err := x.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, skipped, err := xr.Unmarshal(form)
		if err != nil || skipped != 0 || len(again.Reports) != len(x.Reports) {
			t.Fatalf("%+v becomes %+v, %d skipped, %v", x, again, skipped, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x40, 21, 0xaf, 0xff, 0x40, 9, 0, 0}, uint16(45))
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		var chunks []rtcp.Chunk
		for ; len(b) >= 2; b = b[2:] {
			chunks = append(chunks, rtcp.Chunk(b[0])<<8|rtcp.Chunk(b[1]))
		}
		trace, err := xr.Decode(nil, chunks, int(n))
		if err != nil {
			return
		}
		if len(trace) != int(n) {
			t.Fatalf("%d events, want %d", len(trace), n)
		}
		again := xr.Encode(nil, trace)
		back, err := xr.Decode(nil, again, int(n))
		if err != nil || !reflect.DeepEqual(back, trace) {
			t.Fatalf("%v becomes %v, %v", chunks, again, err)
		}
	})
}
