package endpoints_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/simtime"
)

// A stream that pauses goes on with the next sequence number and a timestamp that
// has moved by the pause; nothing is reported lost, jitter stays, and the SSRC,
// which goes on reporting, is no newcomer (RFC 8108 §6.2).
//
// conformance: RTP-4.1-20
func TestPause(t *testing.T) {
	pausing := audioFromA
	pausing.pause = endpoints.Pause{From: simtime.At(2 * time.Second), To: simtime.At(42 * time.Second)}
	c := newCall(t, setup{streams: []stream{pausing}})
	c.run(45 * time.Second)
	packets := c.rtps()
	jump := 0
	for i := 1; i < len(packets); i++ {
		if packets[i].SequenceNumber != packets[i-1].SequenceNumber+1 {
			t.Fatalf("packet %d follows %d", packets[i].SequenceNumber, packets[i-1].SequenceNumber)
		}
		gap := packets[i].at.Sub(packets[i-1].at)
		if ticks := packets[i].Timestamp - packets[i-1].Timestamp; int64(ticks) != int64(gap)*48000/int64(time.Second) {
			t.Errorf("after %v the timestamp has moved by %d", gap, ticks)
		}
		if gap > time.Second {
			jump++
		}
	}
	if jump != 1 {
		t.Errorf("%d pauses", jump)
	}
	for _, b := range c.blocks(1) {
		if b.TotalLost != 0 || b.FractionLost != 0 || b.Jitter > 2 {
			t.Errorf("%+v", b)
		}
	}
	reports := 0
	for _, p := range c.rtcps(0) {
		if p.at > simtime.At(3*time.Second) && p.at < simtime.At(42*time.Second) {
			reports++
		}
	}
	if reports < 100 || c.count(1, endpoints.ParticipantTimedOut) != 0 || c.sessions[1].Members() != 2 {
		t.Errorf("%d reports in the pause, %d members", reports, c.sessions[1].Members())
	}
}

// Figure 5 of the draft: one session on one flow with an audio stream and two videos
// one way, and one of each the other way. Every SSRC has sequence numbers and
// timestamps of its own, and RTCP flows both ways.
//
// conformance: TOP-A.1-1, TOP-A.1-3, TOP-A.1-4, TOP-A.1-5, IMP-12.2-1, IMP-12.2-2
func TestFigure5(t *testing.T) {
	audio := stream{name: "audio", kind: endpoints.Audio, from: "AB", pt: 111}
	first := stream{name: "video", kind: endpoints.Video, from: "AB", pt: 96}
	second := stream{name: "second", kind: endpoints.Video, from: "A", pt: 96}
	c := newCall(t, setup{streams: []stream{audio, first, second}, extensions: withMID})
	c.run(5 * time.Second)
	type space struct {
		seq uint16
		ts  uint32
	}
	first1, count := map[uint32]space{}, map[uint32]int{}
	for _, p := range c.rtps() {
		if _, known := first1[p.SSRC]; !known {
			first1[p.SSRC] = space{p.SequenceNumber, p.Timestamp}
		}
		if want := first1[p.SSRC].seq + uint16(count[p.SSRC]); p.SequenceNumber != want {
			t.Fatalf("SSRC %x: packet %d, want %d", p.SSRC, p.SequenceNumber, want)
		}
		count[p.SSRC]++
	}
	if len(count) != 3 || len(c.flows()) != 1 {
		t.Errorf("A sends %d streams on %d flows", len(count), len(c.flows()))
	}
	starts := map[space]bool{}
	for _, s := range first1 {
		starts[s] = true
	}
	if len(starts) != 3 {
		t.Errorf("streams start alike: %v", first1)
	}
	shown := map[string]int{}
	for i := range c.ends {
		if c.sessions[i].Counts().RTCPReceived == 0 {
			t.Errorf("end %d got no RTCP", i)
		}
		for _, e := range c.events[i] {
			if e.Kind == endpoints.FrameRendered {
				shown[string(rune('A'+i))+e.Section.Name()]++
			}
		}
	}
	for name, want := range map[string]int{"Baudio": 240, "Bvideo": 115, "Bsecond": 115, "Aaudio": 240, "Avideo": 115} {
		if shown[name] < want {
			t.Errorf("%s: %d frames played, want %d", name, shown[name], want)
		}
	}
}

// Figure 4: the same media in two sessions on two flows.
//
// conformance: TOP-A.1-2
func TestFigure4(t *testing.T) {
	audio := stream{name: "audio", kind: endpoints.Audio, from: "AB", pt: 111}
	video := stream{name: "video", kind: endpoints.Video, from: "AB", pt: 96}
	c := newCall(t, setup{streams: []stream{audio, video}, apart: true})
	c.run(3 * time.Second)
	if n := len(c.flows()); n != 2 {
		t.Errorf("%d flows", n)
	}
	for i := range c.ends {
		conn := c.ends[i].Connections()[0]
		for _, s := range conn.Sessions() {
			if s.Members() != 2 || s.Counts().RTCPReceived == 0 {
				t.Errorf("%s: %d members, %+v", s.Name(), s.Members(), s.Counts())
			}
		}
		// One CNAME ties them together (RFC 8834 §4.9).
		a, b := conn.Sessions()[0].Sections()[0].SSRC(), conn.Sessions()[1].Sections()[0].SSRC()
		if x, y := c.lastCNAME(i, a), c.lastCNAME(i, b); x == "" || x != y {
			t.Errorf("CNAMEs %q and %q", x, y)
		}
	}
}

// SSRCs that are known from signalling alone are no members, and nobody reports on
// them (RFC 5576 §9).
//
// conformance: SSR-4.8-7, SSR-4.8-1
func TestSignalledSourcesAreNoMembers(t *testing.T) {
	told := stream{name: "video", kind: endpoints.Video, from: "A", pt: 96, start: 5 * time.Second, ssrc: [2]uint32{0x1234, 0}, told: true}
	c := newCall(t, setup{streams: []stream{told, audioFromA}})
	// Nobody has sent anything yet: the end knows its own two SSRCs.
	if n := c.sessions[1].Members(); n != 2 {
		t.Errorf("%d members before the first packet", n)
	}
	c.run(4 * time.Second)
	for _, b := range c.blocks(1) {
		if b.SSRC == 0x1234 {
			t.Errorf("a report on a stream that hasn't begun: %+v", b)
		}
	}
	c.run(4 * time.Second)
	if got := c.sectionOf(0x1234); got != "video" {
		t.Errorf("SSRC 1234 was played in section %q", got)
	}
}

// What wasn't agreed on isn't sent: no header extension, no feedback message, no
// extended report, no reduced-size packet.
//
// conformance: SIG-10-5
func TestNothingThatWasNotAgreedOn(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}})
	c.path = func(p *tapped) []time.Duration {
		if !p.isRTCP() && p.payload[3]%7 == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(10 * time.Second)
	for _, p := range c.rtps() {
		if p.Extension {
			t.Fatal("a header extension")
		}
	}
	for i := range c.ends {
		for _, p := range c.rtcps(i) {
			for k, m := range p.messages {
				switch m.(type) {
				case *rtcp.SenderReport, *rtcp.ReceiverReport:
				case *rtcp.SourceDescription:
					if k == 0 {
						t.Error("a packet without a report")
					}
				default:
					t.Errorf("end %d sends a %T", i, m)
				}
			}
		}
	}
}

// A middlebox that takes all header extensions away harms nothing but what they
// say: the call goes on (RFC 8285 §4.1.1).
//
// conformance: HDR-5.2-2
func TestStrippedExtensions(t *testing.T) {
	entries := []headerext.Entry{
		{ID: 1, URI: headerext.AbsSendTime.URI()},
		{ID: 2, URI: headerext.AudioLevel.URI()},
		{ID: 3, URI: headerext.NTP64.URI()},
		{ID: midID, URI: headerext.MID.URI()},
	}
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, extensions: entries, rtcp: brisk, repair: endpoints.DefaultRepair()})
	stripped := 0
	c.mangle = func(b []byte) []byte {
		if b[1] >= 192 && b[1] <= 223 || b[0]&0x10 == 0 {
			return b
		}
		stripped++
		n := 16 + 4*int(binary.BigEndian.Uint16(b[14:]))
		b[0] &^= 0x10
		return append(b[:12], b[n:]...)
	}
	c.run(5 * time.Second)
	if n := c.sessions[1].Counts(); stripped < 200 || n.Malformed+n.Unassociated != 0 {
		t.Errorf("%d packets stripped; %+v", stripped, n)
	}
	if n := c.count(1, endpoints.FrameRendered); n < 115+240 {
		t.Errorf("%d frames played", n)
	}
}

// Behind a middlebox that drops RTCP unless it is compound, requests are soon made
// in compound packets, and repair works (RFC 5506 §4.2.1). Where such packets pass
// they go on.
//
// conformance: TIM-4.6-5
func TestReducedSizeIsGivenUp(t *testing.T) {
	for _, blocked := range []bool{true, false} {
		c := newCall(t, setup{streams: []stream{repaired, talkback}, rtcp: brisk, repair: endpoints.DefaultRepair()})
		c.path = func(p *tapped) []time.Duration {
			switch {
			case blocked && p.from == 1 && p.isRTCP() && p.payload[1] != 200 && p.payload[1] != 201:
				return nil
			case p.from == 0 && !p.isRTCP() && p.payload[1]&0x7f == repaired.pt && p.payload[3]%25 == 0 && p.at > 1e9:
				return nil
			}
			return []time.Duration{0}
		}
		c.run(10 * time.Second)
		given := c.count(1, endpoints.ReducedSizeGivenUp)
		before := c.sessions[1].RepairCounts()
		c.run(10 * time.Second)
		after := c.sessions[1].RepairCounts()
		if given > 0 != blocked {
			t.Errorf("blocked %v: given up %d times", blocked, given)
		}
		asked, restored := after.Requested-before.Requested, after.Restored-before.Restored
		if asked == 0 || float64(restored) < 0.7*float64(asked) {
			t.Errorf("blocked %v: %d packets asked for in the second half, %d restored", blocked, asked, restored)
		}
	}
}
