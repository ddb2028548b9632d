package endpoints_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/units"
)

// checkCompound checks RFC 3550 §6.1: an SR or RR comes first, then reports,
// and an SDES packet with the CNAME of every reporter.
func checkCompound(t *testing.T, messages []rtcp.Packet) {
	t.Helper()
	reporters, named := map[uint32]bool{}, map[uint32]bool{}
	for i, m := range messages {
		switch m := m.(type) {
		case *rtcp.SenderReport:
			reporters[m.SSRC] = true
		case *rtcp.ReceiverReport:
			reporters[m.SSRC] = true
		case *rtcp.SourceDescription:
			for _, c := range m.Chunks {
				for _, item := range c.Items {
					named[c.Source] = named[c.Source] || item.Type == rtcp.SDESCNAME
				}
			}
		}
		if i == 0 && len(reporters) == 0 {
			t.Fatalf("a compound packet starts with %T", m)
		}
	}
	for ssrc := range reporters {
		if !named[ssrc] {
			t.Fatalf("SSRC %d reports without a CNAME", ssrc)
		}
	}
}

// RFC 3550 §6.1. Each SSRC reports within one interval, whether it sends or
// not, and keeps its SSRC.
//
// conformance: TIM-4.6-1, RTP-4.1-2, RTP-4.1-3, RTP-4.1-23
func TestCompoundPackets(t *testing.T) {
	for _, f := range []endpoints.Feedback{endpoints.FeedbackNone, endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
		for _, aggregate := range []bool{false, true} {
			conf := quick
			conf.Aggregate = aggregate
			c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, rtcp: conf, feedback: f})
			c.run(10 * time.Second)
			for i := range c.sessions {
				own := map[uint32]int{}
				for _, p := range c.rtcps(i) {
					checkCompound(t, p.messages)
					if p.tap.size > 1280 {
						t.Errorf("an RTCP packet of %v", p.tap.size)
					}
					for _, m := range p.messages {
						switch m := m.(type) {
						case *rtcp.SenderReport:
							own[m.SSRC]++
							if i == 1 {
								t.Error("an SR of an end that sends nothing")
							}
						case *rtcp.ReceiverReport:
							own[m.SSRC]++
						}
					}
				}
				for _, s := range c.sessions[i].Sections() {
					if own[s.SSRC()] < 10 {
						t.Errorf("%s, aggregated %v: SSRC %d of end %d reports %d times in 10 s", f, aggregate, s.SSRC(), i, own[s.SSRC()])
					}
					delete(own, s.SSRC())
				}
				if len(own) != 0 {
					t.Errorf("reports of strangers: %v", own)
				}
			}
		}
	}
}

// RFC 8108 §5.1: an SSRC reports on its endpoint's others, too; and everybody
// counts every SSRC as a member.
//
// conformance: RTP-4.1-3
func TestCrossReports(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA, backFromB}})
	c.run(5 * time.Second)
	if a, b := c.sessions[0].Members(), c.sessions[1].Members(); a != 6 || b != 6 {
		t.Errorf("%d and %d members, want 6", a, b)
	}
	sec := [2][]*endpoints.Section{c.sessions[0].Sections(), c.sessions[1].Sections()}
	sending := []uint32{sec[0][0].SSRC(), sec[0][1].SSRC(), sec[1][2].SSRC()}
	type pair struct{ reporter, source uint32 }
	got := map[pair]int{}
	for i := range c.sessions {
		for _, b := range c.blocks(i) {
			got[pair{b.reporter, b.SSRC}]++
			if b.FractionLost != 0 || b.TotalLost != 0 {
				t.Fatalf("a block about loss: %+v", b)
			}
		}
	}
	for i := range sec {
		for _, s := range sec[i] {
			for _, source := range sending {
				if source == s.SSRC() {
					continue
				}
				if n := got[pair{s.SSRC(), source}]; n < 5 {
					t.Errorf("SSRC %d reports on %d %d times", s.SSRC(), source, n)
				}
				delete(got, pair{s.SSRC(), source})
			}
		}
	}
	if len(got) != 0 {
		t.Errorf("unexpected blocks (or about itself): %v", got)
	}
	// A co-located source is received perfectly: its extended highest number
	// is that of the last packet that left.
	media := c.rtps()
	checked := 0
	for _, b := range c.blocks(0) {
		if b.reporter != sec[0][0].SSRC() || b.SSRC != sec[0][1].SSRC() {
			continue
		}
		last := uint32(0)
		for _, p := range media {
			if p.SSRC == b.SSRC && p.at <= b.at {
				last = uint32(p.SequenceNumber)
			}
		}
		checked++
		if b.LastSequenceNumber != last {
			t.Fatalf("co-located source: highest %d, want %d", b.LastSequenceNumber, last)
		}
	}
	if checked == 0 {
		t.Error("no report of video on audio")
	}
}

// RFC 3550 §6.4.1: padding stands in the last packet, its last octet counts it,
// in multiples of four.
func TestPadding(t *testing.T) {
	for _, to := range []units.Bytes{100, 128, 200} {
		for _, f := range []endpoints.Feedback{endpoints.FeedbackNone, endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
			conf := quick
			conf.PadTo, conf.ReducedSize = to, true
			c := newCall(t, setup{streams: []stream{videoFromA}, rtcp: conf, feedback: f})
			c.run(5 * time.Second)
			padded := 0
			for i := range c.log {
				p := &c.log[i]
				if !p.isRTCP() {
					continue
				}
				b := p.payload
				for len(b) > 0 {
					n := 4 * (int(b[2])<<8 + int(b[3]) + 1)
					if n > len(b) {
						t.Fatalf("lengths of %x don't fit", p.payload)
					}
					if b[0]&0x20 != 0 {
						count := int(b[n-1])
						if n != len(b) || count == 0 || count%4 != 0 || count > n-4 {
							t.Fatalf("padding of %d in %x", count, p.payload)
						}
						padded++
					}
					b = b[n:]
				}
				if units.Bytes(len(p.payload)) < to {
					t.Errorf("PadTo %v, %s: a packet of %d octets", to, f, len(p.payload))
				}
			}
			for i := range c.sessions {
				if n := c.sessions[i].Counts(); n.Malformed != 0 || n.RTCPReceived < 10 {
					t.Errorf("PadTo %v, %s: %+v", to, f, n)
				}
			}
			if padded == 0 {
				t.Errorf("PadTo %v, %s: no packet has padding", to, f)
			}
		}
	}
}

// RFC 8108 §5.3.2: aggregation puts the reports of an end into one packet, as
// far as they fit.
//
// conformance: RTP-4.1-18
func TestAggregation(t *testing.T) {
	var streams []stream
	for i := range 8 {
		from := "A"
		if i%2 == 1 {
			from = "AB"
		}
		streams = append(streams, stream{name: fmt.Sprint(i), kind: endpoints.Audio, from: from, pt: uint8(96 + i)})
	}
	reports := map[bool]float64{}
	packets := map[bool]int{}
	for _, aggregate := range []bool{false, true} {
		conf := endpoints.RTCPConfig{AVPF: true, Bandwidth: 100 * units.Kbps, Aggregate: aggregate}
		c := newCall(t, setup{streams: streams, rtcp: conf, protection: protect.None})
		c.run(60 * time.Second)
		for i := range c.sessions {
			for _, p := range c.rtcps(i) {
				checkCompound(t, p.messages)
				packets[aggregate]++
				// 1200 octets before protection.
				if len(p.tap.payload) > 1200 {
					t.Fatalf("a packet of %d octets", len(p.tap.payload))
				}
				for _, m := range p.messages {
					switch m.(type) {
					case *rtcp.SenderReport, *rtcp.ReceiverReport:
						reports[aggregate]++
					}
				}
			}
			if n := c.sessions[i].Counts(); n.Malformed != 0 {
				t.Errorf("%+v", n)
			}
			if c.sessions[i].Members() != 16 {
				t.Errorf("%d members, want 16", c.sessions[i].Members())
			}
		}
	}
	if packets[true]*2 > packets[false] {
		t.Errorf("%d packets with aggregation, %d without", packets[true], packets[false])
	}
	// What aggregation saves in headers lets the reports come a little faster.
	if ratio := reports[true] / reports[false]; ratio < 0.95 || ratio > 1.25 {
		t.Errorf("%.2f times the reports with aggregation", ratio)
	}
}
