package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/units"
)

// xrs returns the blocks of the extended reports of an end.
func (c *call) xrs(from int) (blocks []rtcp.ReportBlock) {
	for _, p := range c.rtcps(from) {
		for _, m := range p.messages {
			if x, ok := m.(*rtcp.ExtendedReport); ok {
				blocks = append(blocks, x.Reports...)
			}
		}
	}
	return blocks
}

// An end that sends no media learns the round-trip time by RFC 3611 §4.4 and §4.5,
// whatever its clock shows; one that sends needs no such blocks.
//
// conformance: MON-8-3, ROB-6.1-7
func TestRoundTripOfAReceiver(t *testing.T) {
	c := newCall(t, setup{
		streams: []stream{videoFromA}, extended: endpoints.ExtendedReports{ReferenceTime: true},
		offsets: [2]time.Duration{0, time.Hour}, delay: 70 * time.Millisecond,
	})
	c.run(10 * time.Second)
	if rtt := c.sessions[1].RTT(); rtt.Round(time.Millisecond) != 2*c.delay {
		t.Errorf("round-trip time %v, want %v", rtt, 2*c.delay)
	}
	asked, answered := 0, 0
	for _, b := range c.xrs(1) {
		if _, ok := b.(*rtcp.ReceiverReferenceTimeReportBlock); ok {
			asked++
		}
	}
	for _, b := range c.xrs(0) {
		switch b := b.(type) {
		case *rtcp.DLRRReportBlock:
			answered += len(b.Reports)
		case *rtcp.ReceiverReferenceTimeReportBlock:
			t.Error("the sender asks too, before its first packet")
		}
	}
	if asked < 50 || answered < asked*8/10 || answered > asked {
		t.Errorf("%d reference times, %d answers", asked, answered)
	}
}

// The blocks say what the network did, and take the octets that E06 counts.
//
// conformance: MON-8-3, CC-7.3-5
func TestExtendedReports(t *testing.T) {
	sizes := map[string]units.Bytes{}
	for _, tt := range []struct {
		name string
		want endpoints.ExtendedReports
	}{
		{"none", endpoints.ExtendedReports{}},
		{"losses", endpoints.ExtendedReports{LossRLE: true}},
		{"losses and summary", endpoints.ExtendedReports{LossRLE: true, Summary: true}},
		{"all", endpoints.ExtendedReports{LossRLE: true, Summary: true, VoIPMetrics: true}},
	} {
		c := newCall(t, setup{streams: []stream{audioFromA}, extended: tt.want})
		lost := 0
		c.path = func(p *tapped) []time.Duration {
			if p.from == 0 && !p.isRTCP() && int(p.payload[3])%10 == 3 {
				lost++
				return nil
			}
			return []time.Duration{0}
		}
		c.run(10 * time.Second)
		sum, n := units.Bytes(0), 0
		for _, p := range c.rtcps(1) {
			if p.at.Duration() > 2*time.Second {
				sum += p.tap.size
				n++
			}
		}
		sizes[tt.name] = sum / units.Bytes(n)
		reported := 0
		var voip *rtcp.VoIPMetricsReportBlock
		for _, b := range c.xrs(1) {
			switch b := b.(type) {
			case *rtcp.StatisticsSummaryReportBlock:
				reported += int(b.LostPackets)
			case *rtcp.VoIPMetricsReportBlock:
				voip = b
			}
		}
		if tt.want.Summary && (reported < lost*9/10 || reported > lost) {
			t.Errorf("%s: %d losses in summaries, %d lost", tt.name, reported, lost)
		}
		if tt.want.VoIPMetrics && (voip == nil || voip.LossRate < 22 || voip.LossRate > 28) {
			t.Errorf("%s: VoIP metrics %+v, want a loss rate of a tenth of 256", tt.name, voip)
		}
	}
	for _, d := range []struct {
		more, less  string
		least, most units.Bytes
	}{
		{"losses", "none", 24, 28}, {"losses and summary", "losses", 40, 40}, {"all", "losses and summary", 36, 36},
	} {
		if got := sizes[d.more] - sizes[d.less]; got < d.least || got > d.most {
			t.Errorf("%s: %v more than %s, want %v to %v", d.more, got, d.less, d.least, d.most)
		}
	}
}
