package wire_test

import (
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/rng"
)

// Feedback is written as pion does, behind whatever is there.
func TestAppendCCFB(t *testing.T) {
	random := rng.New(1).Stream("ccfb")
	for range 1000 {
		r := &rtcp.CCFeedbackReport{SenderSSRC: random.Uint32(), ReportTimestamp: random.Uint32()}
		for range random.Uint32() % 4 {
			b := rtcp.CCFeedbackReportBlock{MediaSSRC: random.Uint32(), BeginSequence: uint16(random.Uint32())}
			for range random.Uint32() % 8 {
				b.MetricBlocks = append(b.MetricBlocks, rtcp.CCFeedbackMetricBlock{
					Received: random.Uint32()%2 == 0, ECN: rtcp.ECN(random.Uint32() % 4), ArrivalTimeOffset: uint16(random.Uint32()),
				})
			}
			r.ReportBlocks = append(r.ReportBlocks, b)
		}
		want := "before" + string(marshal(t, r))
		if got := string(wire.AppendCCFB([]byte("before"), r)); got != want {
			t.Fatalf("%+v: %x, not %x", r, got, want)
		}
	}
}
