package xr_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/ecn"
	"rtpfabric/endpoints/xr"
)

var ecnSources = []xr.ECNSource{
	{SSRC: 0x11121314, Counters: ecn.Counters{ECT0: 0x00012345, ECT1: 0x80000001, CE: 0x0102, NotECT: 0xfffe, Lost: 0x0304, Duplicates: 0x0506}},
	{SSRC: 0x21222324, Counters: ecn.Counters{NotECT: 1}},
}

const (
	ecnFirst  = "11121314 00012345 80000001 0102fffe 03040506"
	ecnSecond = "21222324 00000000 00000000 00000001 00000000"
)

// RFC 6679 §5.2, figures 3 and 4: a block has five words for each source, and may have
// none.
func TestECNSummary(t *testing.T) {
	for _, c := range []struct {
		sources []xr.ECNSource
		form    string
	}{
		{ecnSources, "80cf000c 00000005 0d00000a" + ecnFirst + ecnSecond},
		{ecnSources[:1], "80cf0007 00000005 0d000005" + ecnFirst},
		{nil, "80cf0002 00000005 0d000000"},
	} {
		x := rtcp.ExtendedReport{SenderSSRC: 5, Reports: []rtcp.ReportBlock{xr.ECNSummary(c.sources)}}
		got, err := x.Marshal()
		if want := octets(t, c.form); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%x, %v, want\n%x", got, err, want)
		}
		if n := 8 + xr.ECNSummarySize + len(c.sources)*xr.ECNSourceSize; len(got) != n {
			t.Errorf("%d octets, want %d", len(got), n)
		}
		read, skipped, err := xr.Unmarshal(octets(t, c.form))
		if err != nil || skipped != 0 || len(read.Reports) != 1 {
			t.Fatalf("%+v, %d skipped, %v", read, skipped, err)
		}
		back, ok := xr.ReadECNSummary(nil, read.Reports[0].(*rtcp.UnknownReportBlock))
		if !ok || !slices.Equal(back, c.sources) {
			t.Errorf("%+v, %v, want %+v", back, ok, c.sources)
		}
	}
}

// §5.2: reserved bits are ignored, blocks whose length is no multiple of five are
// discarded, and other blocks aren't summaries.
func TestECNSummaryMalformed(t *testing.T) {
	x, skipped, err := xr.Unmarshal(octets(t, "80cf000e 00000005 0dff0005"+ecnFirst+"0d000004 00000001 00000002 00000003 00000004"+unknownBlock))
	if err != nil || skipped != 1 || len(x.Reports) != 2 {
		t.Fatalf("%+v, %d skipped, %v", x, skipped, err)
	}
	if got, ok := xr.ReadECNSummary(nil, x.Reports[0].(*rtcp.UnknownReportBlock)); !ok || !slices.Equal(got, ecnSources[:1]) {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := xr.ReadECNSummary(nil, x.Reports[1].(*rtcp.UnknownReportBlock)); ok {
		t.Error("another block is taken for a summary")
	}
}

// Counters are found behind other blocks, good or bad, and not beyond the packet's end.
func TestAppendECN(t *testing.T) {
	b := octets(t, "80cf0013 00000005"+unknownBlock+"0d000001 11121314"+"0d00000a"+ecnFirst+ecnSecond+referenceTime)
	if got := xr.AppendECN(nil, b); !slices.Equal(got, ecnSources) {
		t.Errorf("%+v", got)
	}
	for n := range len(b) {
		want := 0
		if n >= 8+8+8+4+40 {
			want = 2
		}
		if got := xr.AppendECN(nil, b[:n]); len(got) != want {
			t.Errorf("found %d in %d octets", len(got), n)
		}
	}
}
