package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/units"
)

// One SSRC of an end reports on the peer's streams and none of its own; the others
// have no blocks and name it; it names the group, also after its predecessor has
// left (RFC 8861 §3).
//
// conformance: SSR-4.1-1
func TestReportingGroup(t *testing.T) {
	first := stream{name: "first", kind: endpoints.Video, from: "A", pt: 96, stop: 3 * time.Second}
	rtcps := quick
	rtcps.Groups, rtcps.Aggregate = true, true
	c := newCall(t, setup{streams: []stream{first, audioFromA, backFromB}, rtcp: rtcps})
	c.run(6 * time.Second)
	var left time.Duration
	for _, e := range c.events[0] {
		if e.Kind == endpoints.ByeSent {
			left = e.At.Duration()
		}
	}
	sections := c.sessions[0].Sections()
	group, after := "", 0
	for _, p := range c.rtcps(0) {
		reporter := sections[0].SSRC()
		if p.at.Duration() >= left {
			reporter = sections[1].SSRC()
			after++
		}
		reports, refers := map[uint32]int{}, map[uint32]uint32{}
		named := map[uint32]string{}
		for _, m := range p.messages {
			switch m := m.(type) {
			case *rtcp.SenderReport:
				reports[m.SSRC] = len(m.Reports)
			case *rtcp.ReceiverReport:
				reports[m.SSRC] = len(m.Reports)
			case *wire.RGRS:
				refers[m.SenderSSRC] = m.ReportingSources[0]
			case *rtcp.SourceDescription:
				for _, chunk := range m.Chunks {
					named[chunk.Source], _ = wire.Item(m, chunk.Source, wire.SDESRGRP)
				}
			}
			if _, bye := m.(*rtcp.Goodbye); bye {
				reports = nil // whoever leaves belongs to no group any more
			}
		}
		for ssrc, blocks := range reports {
			switch {
			case ssrc != reporter && (blocks != 0 || refers[ssrc] != reporter || named[ssrc] != ""):
				t.Errorf("at %v: %x has %d blocks, refers to %x and names group %q", p.at, ssrc, blocks, refers[ssrc], named[ssrc])
			case ssrc == reporter && (blocks > 1 || refers[ssrc] != 0 || named[ssrc] == ""):
				t.Errorf("at %v: the reporting source has %d blocks, refers to %x and names group %q", p.at, blocks, refers[ssrc], named[ssrc])
			case ssrc == reporter && group != "" && named[ssrc] != group:
				t.Errorf("at %v: the group's name changed from %q to %q", p.at, group, named[ssrc])
			case ssrc == reporter:
				group = named[ssrc]
			}
		}
	}
	if left == 0 || after < 10 {
		t.Errorf("a stream left at %v; %d reports after it", left, after)
	}
	if n := c.sessions[1].Counts(); n.UnknownRTCP+n.Malformed != 0 {
		t.Errorf("the peer doesn't know what it gets: %+v", n)
	}
	if c.sessions[0].RTT() == 0 || c.sessions[1].RTT() == 0 {
		t.Error("no round-trip time")
	}
}

// RFC 8834 §13: parameters that would silence RTCP or let it exceed the media are
// ignored, others aren't.
//
// conformance: PRF-4.2-7
func TestHarmfulParametersAreIgnored(t *testing.T) {
	const media = 512 * units.Kbps
	for _, tt := range []struct {
		name    string
		config  endpoints.RTCPConfig
		ignored bool
	}{
		{"the usual 5 %", endpoints.RTCPConfig{Bandwidth: media / 20}, false},
		{"T_rr_interval of 4 s", endpoints.RTCPConfig{Bandwidth: media / 20, TrrInterval: 4 * time.Second}, false},
		{"T_rr_interval of a minute", endpoints.RTCPConfig{Bandwidth: media / 20, TrrInterval: time.Minute}, true},
		{"nothing for receivers", endpoints.RTCPConfig{Bandwidth: media / 20, SenderShare: 1}, true},
		{"nothing for senders", endpoints.RTCPConfig{Bandwidth: media / 20, SenderShare: -1}, true},
		{"RR:0 and RS:1", endpoints.RTCPConfig{Bandwidth: 1, SenderShare: 1}, true},
		{"more than the media", endpoints.RTCPConfig{Bandwidth: 2 * media}, true},
		{"little, but enough", endpoints.RTCPConfig{Bandwidth: units.Kbps}, false},
		{"5 % of little", endpoints.RTCPConfig{Bandwidth: 50, Media: 1000}, false},
	} {
		c := tt.config
		if c.AVPF = true; c.Media == 0 {
			c.Media = media
		}
		call := newCall(t, setup{streams: []stream{videoFromA}, rtcp: c})
		call.run(time.Second)
		if n := call.count(1, endpoints.ParametersIgnored); n > 0 != tt.ignored {
			t.Errorf("%s: ignored %d times", tt.name, n)
		}
		if tt.ignored {
			call.run(3 * rtcptiming.FixedMinimum)
			for i := range call.ends {
				if call.sessions[i].Counts().RTCPSent == 0 {
					t.Errorf("%s: end %d sends no RTCP", tt.name, i)
				}
			}
		}
	}
}
