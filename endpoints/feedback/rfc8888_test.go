package feedback_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
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
	r.Record(ms(9_500), 42, 65534, packet.NotECT, nil)
	r.Record(ms(9_750), 42, 0, packet.CE, nil)
	r.Record(ms(9_999), 42, 1, packet.ECT1, nil)
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

// When not all streams find room in a report, they take turns: none waits for longer than the
// others, also if one has more than fits each time.
func TestManyStreamsTakeTurns(t *testing.T) {
	const streams, packets, many, reports, size = 200, 2, 1000, 100, 1200
	var greedy feedback.CCFBRecorder
	others, now := 0, simtime.Time(0)
	for n := range reports {
		for k := range many {
			greedy.Record(now, 1, uint16(n*many+k), packet.NotECT, nil)
		}
		greedy.Record(now, 2, uint16(n), packet.NotECT, nil)
		greedy.Record(now, 3, uint16(n), packet.NotECT, nil)
		now = now.Add(50 * time.Millisecond)
		for _, b := range greedy.Build(now, 1, size).ReportBlocks {
			if b.MediaSSRC != 1 {
				others++
			}
		}
	}
	if others < reports/2 {
		t.Errorf("of %d reports two streams are in %d beside one with more than fits", reports, others)
	}
	var r feedback.CCFBRecorder
	reported := map[uint32]int{}
	for n := range reports {
		for i := range streams {
			for k := range packets {
				r.Record(now, uint32(i), uint16(n*packets+k), packet.NotECT, nil)
			}
		}
		now = now.Add(50 * time.Millisecond)
		for _, b := range r.Build(now, 1, size).ReportBlocks {
			reported[b.MediaSSRC]++
		}
	}
	least, most := reports, 0
	for i := range streams {
		n := reported[uint32(i)]
		least, most = min(least, n), max(most, n)
	}
	if least == 0 || most-least > 2 {
		t.Errorf("of %d reports one stream is in %d and another in %d", reports, least, most)
	}
}
