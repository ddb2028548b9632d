package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
)

// What an end knows of its streams is what the network did to them. Two SSRCs of one
// peer that report on a stream tell of one path: the loss counts once.
//
// conformance: MON-8-2, IMP-12.7-1
func TestStats(t *testing.T) {
	back := stream{name: "back", kind: endpoints.Audio, from: "B", pt: 112}
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA, back}, rtcp: brisk, delay: 40 * time.Millisecond})
	sent, lost := map[uint8]int{}, map[uint8]int{}
	c.path = func(p *tapped) []time.Duration {
		if p.from != 0 || p.isRTCP() {
			return []time.Duration{0}
		}
		pt := p.payload[1] & 0x7f
		if sent[pt]++; sent[pt]%20 == 0 {
			lost[pt]++
			return nil
		}
		return []time.Duration{time.Duration(sent[pt]%2) * 4 * time.Millisecond}
	}
	c.run(30 * time.Second)
	reporters := map[uint32]bool{}
	for _, p := range c.rtcps(1) {
		for _, m := range p.messages {
			switch m := m.(type) {
			case *rtcp.SenderReport:
				reporters[m.SSRC] = true
			case *rtcp.ReceiverReport:
				reporters[m.SSRC] = true
			}
		}
	}
	if len(reporters) != 3 {
		t.Fatalf("%d SSRCs report", len(reporters))
	}
	for _, m := range c.sessions[0].Sections()[:2] {
		pt := map[endpoints.Kind]uint8{endpoints.Video: videoFromA.pt, endpoints.Audio: audioFromA.pt}[m.Kind()]
		packets, octets := m.Main().Sent()
		if int(packets) != sent[pt] || octets < 20*packets {
			t.Errorf("%s: %d packets of %d, %d octets", m.Name(), packets, sent[pt], octets)
		}
		reports := m.Main().Reports()
		if len(reports) != 1 {
			t.Fatalf("%s: %d peers, want 1: %+v", m.Name(), len(reports), reports)
		}
		r := reports[0]
		if !reporters[r.By] || r.CNAME != c.ends[1].Connections()[0].CNAME() || c.now.Sub(r.At) > 2*time.Second {
			t.Errorf("%s: %+v at %v", m.Name(), r, c.now)
		}
		if int(r.Lost) < lost[pt]*9/10 || int(r.Lost) > lost[pt] || r.FractionLost > 0.2 {
			t.Errorf("%s: %d of %d losses are known, %.3f at last", m.Name(), r.Lost, lost[pt], r.FractionLost)
		}
		if r.RTT.Round(time.Millisecond) != 2*c.delay {
			t.Errorf("%s: round-trip time %v", m.Name(), r.RTT)
		}
		// Every other packet is 4 ms late.
		if r.Jitter < 2*time.Millisecond || r.Jitter > 5*time.Millisecond {
			t.Errorf("%s: jitter %v", m.Name(), r.Jitter)
		}
	}
	for _, r := range c.sessions[1].Received(nil) {
		pt := map[string]uint8{"video": videoFromA.pt, "audio": audioFromA.pt}[r.Section.Name()]
		if r.CNAME != c.ends[0].Connections()[0].CNAME() || r.Ended || int(r.Lost) > lost[pt] || int(r.Lost) < lost[pt]-1 || int(r.Packets) < sent[pt]-lost[pt]-5 {
			t.Errorf("%+v; %d sent, %d lost", r, sent[pt], lost[pt])
		}
	}
	if n := len(c.sessions[1].Received(nil)); n != 2 {
		t.Errorf("%d streams received", n)
	}
}

// An end tells of its own streams only: what a peer says of somebody else's isn't kept.
//
// conformance: MON-8-4
func TestStatsOfOthers(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA}, rtcp: brisk})
	c.run(5 * time.Second)
	b, err := (&rtcp.ReceiverReport{
		SSRC:    c.sessions[1].Sections()[0].SSRC(),
		Reports: []rtcp.ReceptionReport{{SSRC: 0xabcdef, FractionLost: 200, TotalLost: 1000}},
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.inject(0, b)
	for _, s := range c.sessions[0].Streams() {
		for _, r := range s.Reports() {
			if r.Lost != 0 || r.FractionLost > 0 {
				t.Errorf("%08x: %+v", s.SSRC(), r)
			}
		}
	}
	for _, r := range c.sessions[0].Received(nil) {
		if r.SSRC == 0xabcdef {
			t.Errorf("%+v", r)
		}
	}
}
