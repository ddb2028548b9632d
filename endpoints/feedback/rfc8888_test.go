package feedback_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/packet"
)

// The octets of RFC 8888 §3.1's figure for four packets, numbers 65534 to 1, of which the
// second is lost and the last two are marked: num_reports is their count, 4, as erratum
// 8166 has it, and not the distance of the first and the last; offsets are in 1/1024 s
// before the report.
//
// conformance: CC-7.1-11
func TestRFC8888Octets(t *testing.T) {
	const want = "8bcd0006" + // V=2, FMT=11, PT=205, 7 words in all
		"00000001" + // SSRC of the sender of the feedback
		"0000002a" + // SSRC of the media
		"fffe0004" + // begin_seq 65534, num_reports 4
		"8200" + // R, Not-ECT, 512/1024 s
		"0000" + // lost
		"e100" + // R, CE, 256/1024 s
		"a001" + // R, ECT(1), 1/1024 s
		"00000000" // report timestamp, set below
	var r feedback.CCFBRecorder
	at := ms(10_000)
	r.Record(ms(9_500), 42, 65534, packet.NotECT)
	r.Record(ms(9_750), 42, 0, packet.CE)
	r.Record(ms(9_999), 42, 1, packet.ECT1)
	m := r.Build(at, 1, 1200)
	m.ReportTimestamp = 0 // middle of the wall clock's NTP timestamp
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	var back rtcp.CCFeedbackReport
	if err := back.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	again, err := back.Marshal()
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("read and written again: %x, %v", again, err)
	}
	if blocks := back.ReportBlocks[0].MetricBlocks; len(blocks) != 4 || blocks[1].Received || blocks[2].ArrivalTimeOffset != 256 {
		t.Errorf("%+v", blocks)
	}
}
