package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/units"
)

// More sources send than a report has blocks for: they take turns, and one that
// loses packets has a block in every report.
//
// conformance: RTP-4.1-19
func TestReportsTakeTurns(t *testing.T) {
	const sources, lossy = 40, 7
	c := newCall(t, setup{
		streams: []stream{{name: "voice", kind: endpoints.Audio, pt: 111}}, rtcp: endpoints.RTCPConfig{AVPF: true, Bandwidth: 100 * units.Kbps},
	})
	seq := [sources]uint16{}
	for range 200 {
		for i := range sources {
			seq[i]++
			if i == lossy && seq[i]%3 == 0 {
				continue
			}
			c.inject(1, audioPacket(t, uint32(1000+i), seq[i], 960*uint32(seq[i]), 111, false))
		}
		c.run(20 * time.Millisecond)
	}
	reports, last := 0, map[uint32]int{}
	for _, p := range c.rtcps(1) {
		rr, ok := p.messages[0].(*rtcp.ReceiverReport)
		if !ok || len(rr.Reports) == 0 {
			continue
		}
		reports++
		seen := map[uint32]bool{}
		for _, b := range rr.Reports {
			if seen[b.SSRC] {
				t.Fatalf("report %d has two blocks about %d", reports, b.SSRC)
			}
			seen[b.SSRC] = true
			last[b.SSRC] = reports
		}
		if !seen[1000+lossy] {
			t.Errorf("report %d has no block about the source that loses packets", reports)
		}
		for i := range uint32(sources) {
			if reports-last[1000+i] >= 2 {
				t.Errorf("report %d: none about %d in two reports", reports, 1000+i)
			}
		}
	}
	if reports < 10 {
		t.Errorf("%d reports", reports)
	}
}
