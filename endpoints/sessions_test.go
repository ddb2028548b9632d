package endpoints_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/sim/packet"
)

var (
	videoBothWays = stream{name: "video", kind: endpoints.Video, from: "AB", pt: 96, ssrc: [2]uint32{0xa, 0xb}}
	audioBothWays = stream{name: "audio", kind: endpoints.Audio, from: "AB", pt: 97, ssrc: [2]uint32{0xa, 0xb}}
)

// flows returns the UDP flows that packets took, in the direction from A to B,
// with the kinds of packets on each: 1 RTP, 2 RTCP, 3 both.
func (c *call) flows() map[[2]packet.Addr]int {
	flows := map[[2]packet.Addr]int{}
	for i := range c.log {
		p := &c.log[i]
		f := [2]packet.Addr{p.src, p.dst}
		if p.from == 1 {
			f = [2]packet.Addr{p.dst, p.src}
		}
		kind := 1
		if p.isRTCP() {
			kind = 2
		}
		flows[f] |= kind
	}
	return flows
}

// Every medium has a session, a flow, an SSRC space and RTCP bandwidth of its
// own; the same SSRC in two sessions means nothing.
//
// conformance: SES-4.4-1
func TestSessionsPerMedium(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoBothWays, audioBothWays}, apart: true})
	c.run(10 * time.Second)
	if f := c.flows(); len(f) != 2 {
		t.Errorf("%d flows", len(f))
	}
	bundled := newCall(t, setup{streams: []stream{videoBothWays, {name: "audio", kind: endpoints.Audio, from: "AB", pt: 97}}})
	bundled.run(10 * time.Second)
	for i := range c.ends {
		if n := c.count(i, endpoints.SSRCChanged); n != 0 {
			t.Errorf("end %d: %d collisions", i, n)
		}
		sent := uint64(0)
		conn := c.ends[i].Connections()[0]
		for _, s := range conn.Sessions() {
			if s.Members() != 2 {
				t.Errorf("%s has %d members", s.Name(), s.Members())
			}
			sent += s.Counts().RTCPSent
			for _, m := range s.Sections() {
				if m.SSRC() != [2]uint32{0xa, 0xb}[i] {
					t.Errorf("%s sends with SSRC %x", s.Name(), m.SSRC())
				}
			}
		}
		// Two pools of bandwidth carry more reports than one.
		if one := bundled.sessions[i].Counts().RTCPSent; float64(sent) < 1.5*float64(one) {
			t.Errorf("end %d sent %d reports in two sessions, %d in one", i, sent, one)
		}
		if got := c.count(i, endpoints.FrameRendered); got < 700 {
			t.Errorf("end %d played %d frames of 750", i, got)
		}
	}
}

// conformance: SES-4.4-2, MUX-4.5-1
func TestOneSessionForAll(t *testing.T) {
	audio := audioBothWays
	audio.ssrc = [2]uint32{}
	c := newCall(t, setup{streams: []stream{videoBothWays, audio}})
	c.run(5 * time.Second)
	f := c.flows()
	if len(f) != 1 || f[[2]packet.Addr{addrs[0], addrs[1]}] != 3 {
		t.Errorf("flows %v, want one with RTP and RTCP", f)
	}
	for i, s := range c.sessions {
		if s.Members() != 4 {
			t.Errorf("end %d knows %d members, want each of the 4 SSRCs", i, s.Members())
		}
	}
}

// conformance: MUX-4.5-2
func TestRTCPOnItsOwnPort(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoBothWays}, rtcpPort: true})
	c.run(5 * time.Second)
	control := [2]packet.Addr{addrs[0], addrs[1]}
	control[0].Port++
	control[1].Port++
	f := c.flows()
	if len(f) != 2 || f[[2]packet.Addr{addrs[0], addrs[1]}] != 1 || f[control] != 2 {
		t.Errorf("flows %v, want one of RTP and the next one of RTCP", f)
	}
	for i, s := range c.sessions {
		n := s.Counts()
		if n.RTCPReceived == 0 || s.RTT().Round(time.Millisecond) != 2*c.delay || n.ThirdPartyCollisions+n.ThirdPartyLoops != 0 {
			t.Errorf("end %d: RTT %v, %+v", i, s.RTT(), n)
		}
		if c.ends[i].Unexpected() != 0 {
			t.Errorf("end %d: %d packets belong nowhere", i, c.ends[i].Unexpected())
		}
	}
}

// A peer without RTCP hears and says nothing of it; media flow in both directions,
// and it is a member as long as it sends.
//
// conformance: RTP-4.1-22
func TestPeerWithoutRTCP(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoBothWays}, off: "B"})
	c.run(60 * time.Second)
	if a, b := c.sessions[0].Counts(), c.sessions[1].Counts(); a.RTCPSent == 0 || a.RTCPReceived != 0 || b.RTCPSent != 0 || b.RTCPReceived != 0 {
		t.Errorf("A %+v, B %+v", a, b)
	}
	for i := range c.ends {
		if got := c.count(i, endpoints.FrameRendered); got < 1490 {
			t.Errorf("end %d played %d frames of 1500", i, got)
		}
		if n := c.count(i, endpoints.ParticipantTimedOut); n != 0 {
			t.Errorf("end %d lost %d participants", i, n)
		}
	}
}
