package feedback_test

import (
	"testing"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints/feedback"
	"rtpfabric/sim/packet"
)

// Messages about what was never sent, or long ago, have no effect.
func TestUnknownPackets(t *testing.T) {
	metrics := make([]rtcp.CCFeedbackMetricBlock, 5000)
	for i := range metrics {
		metrics[i].Received = i%2 == 0
	}
	garbage := []*rtcp.CCFeedbackReport{
		{},
		{ReportBlocks: []rtcp.CCFeedbackReportBlock{{MediaSSRC: 99, MetricBlocks: metrics}}},
		{ReportTimestamp: 1 << 31, ReportBlocks: []rtcp.CCFeedbackReportBlock{{MediaSSRC: 7, BeginSequence: 30000, MetricBlocks: metrics}}},
		{ReportBlocks: []rtcp.CCFeedbackReportBlock{{MediaSSRC: 7}}},
	}
	for i, m := range garbage {
		var empty, h feedback.History
		if r := empty.Receiver("").OnCCFB(ms(1000), m); len(r.Packets) != 0 || r.RTT != 0 {
			t.Errorf("RFC 8888 message %d, nothing sent: %+v", i, r)
		}
		sendAll(&h, 50, 0)
		if r := h.Receiver("").OnCCFB(ms(1000), m); len(r.Packets) != 0 || r.RTT != 0 {
			t.Errorf("RFC 8888 message %d: %+v", i, r)
		}
	}
	run := &rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 8191}
	strange := []*rtcp.TransportLayerCC{
		{},
		{BaseSequenceNumber: 1000, PacketStatusCount: 65535, PacketChunks: []rtcp.PacketStatusChunk{run, run}},
		{BaseSequenceNumber: 60000, PacketStatusCount: 9, PacketChunks: []rtcp.PacketStatusChunk{run}, RecvDeltas: []*rtcp.RecvDelta{{}, {}}},
		{BaseSequenceNumber: 10, PacketStatusCount: 3, PacketChunks: []rtcp.PacketStatusChunk{run}}, // no deltas
	}
	for i, m := range strange {
		var empty, h feedback.History
		if r := empty.Receiver("").OnTWCC(ms(1000), m); len(r.Packets) != 0 || r.RTT != 0 {
			t.Errorf("TWCC message %d, nothing sent: %+v", i, r)
		}
		sendAll(&h, 50, 0)
		if r := h.Receiver("").OnTWCC(ms(1000), m); len(r.Packets) != 0 || r.RTT != 0 {
			t.Errorf("TWCC message %d: %+v", i, r)
		}
	}
	// Beyond the memory: old packets aren't taken for new ones.
	var h feedback.History
	old := sendAll(&h, 30000, 0)
	var r feedback.CCFBRecorder
	r.Record(ms(1), 7, old[0].rtp, packet.NotECT, nil)
	if got := h.Receiver("").OnCCFB(ms(150001), r.Build(ms(150000), 1, 1200)); len(got.Packets) != 0 {
		t.Errorf("a forgotten packet: %+v", got.Packets)
	}
}

// RFC 8888 §3.1: what was reported received "MUST also be reported as received
// in any overlapping reports"; a number from far behind must not spoil that.
func TestStrayNumberSpoilsNothing(t *testing.T) {
	for _, back := range []uint16{2048, 2049, 2050, 4096, 10000, 30000} {
		var r feedback.CCFBRecorder
		for i := range 3000 {
			r.Record(ms(float64(i)), 7, uint16(40000+i), packet.NotECT, nil)
		}
		for r.Pending() {
			r.Build(ms(3000), 1, 1200)
		}
		last := uint16(40000 + 2999)
		r.Record(ms(3001), 7, last-back, packet.NotECT, nil)
		r.Record(ms(3002), 7, last-3, packet.NotECT, nil) // a duplicate
		r.Record(ms(3003), 7, last+1, packet.NotECT, nil)
		for r.Pending() {
			m := r.Build(ms(3005), 1, 1200)
			for _, b := range m.ReportBlocks {
				for i, metric := range b.MetricBlocks {
					if seq := b.BeginSequence + uint16(i); seq-(last-2000) <= 2001 && !metric.Received {
						t.Fatalf("a packet from %d back: %d is reported lost, which was received", back, seq)
					}
				}
			}
		}
	}
}

// A jump of the sequence number makes no endless message.
func TestJump(t *testing.T) {
	var r feedback.CCFBRecorder
	r.Record(0, 7, 0, packet.NotECT, nil)
	r.Record(ms(1), 7, 30000, packet.NotECT, nil)
	n := 0
	for r.Pending() {
		m := r.Build(ms(2), 1, 1200)
		n++
		for _, b := range m.ReportBlocks {
			if len(b.MetricBlocks) > 16384 {
				t.Errorf("%d metric blocks", len(b.MetricBlocks))
			}
		}
		if n > 60 {
			t.Fatal("no end of messages")
		}
	}
}
