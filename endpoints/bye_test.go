package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/simtime"
)

// RFC 3550 §6.3.7, §6.6: BYE is the last of an SSRC; the peer forgets it.
//
// conformance: RTP-4.1-7
func TestByeIsTheLastPacket(t *testing.T) {
	video, audio := videoFromA, audioFromA
	video.stop, audio.stop = 5*time.Second, 3*time.Second
	for _, aggregate := range []bool{false, true} {
		conf := quick
		conf.Aggregate = aggregate
		c := newCall(t, setup{streams: []stream{video, audio}, rtcp: conf})
		c.run(2900 * time.Millisecond)
		if n := c.sessions[1].Members(); n != 4 {
			t.Fatalf("%d members, want 4", n)
		}
		c.run(7 * time.Second)
		ssrcs := []uint32{c.sessions[0].Sections()[0].SSRC(), c.sessions[0].Sections()[1].SSRC()}
		byes := map[uint32]int{}
		for i := range c.log {
			p := &c.log[i]
			if p.from != 0 {
				continue
			}
			if !p.isRTCP() {
				var ssrc uint32
				for _, b := range p.payload[8:12] {
					ssrc = ssrc<<8 | uint32(b)
				}
				if byes[ssrc] != 0 {
					t.Fatalf("RTP of SSRC %d after its BYE", ssrc)
				}
				continue
			}
			messages := c.parse(p.payload)
			for _, m := range messages {
				for _, ssrc := range senders(m) {
					if byes[ssrc] != 0 {
						t.Fatalf("RTCP %T of SSRC %d after its BYE", m, ssrc)
					}
				}
			}
			if bye, ok := messages[len(messages)-1].(*rtcp.Goodbye); ok {
				for _, ssrc := range bye.Sources {
					byes[ssrc]++
				}
				checkCompound(t, messages)
			}
		}
		for i, ssrc := range ssrcs {
			if byes[ssrc] != 1 {
				t.Errorf("%d BYEs of SSRC %d", byes[ssrc], ssrc)
			}
			j := slices.IndexFunc(c.events[1], func(e endpoints.Event) bool { return e.Kind == endpoints.ByeReceived && e.SSRC == ssrc })
			stop := []time.Duration{video.stop, audio.stop}[i] + 20*time.Millisecond
			if j < 0 || c.events[1][j].At.Duration() < stop || c.events[1][j].At.Duration() > stop+50*time.Millisecond {
				t.Errorf("the peer doesn't see the BYE of stream %d at %v", i, stop)
			}
		}
		if n := c.sessions[1].Members(); n != 2 {
			t.Errorf("%d members after both BYEs, want the peer's own two", n)
		}
		if n := c.count(0, endpoints.ByeSent); n != 2 {
			t.Errorf("%d BYE events", n)
		}
	}
}

// senders returns the SSRCs that speak in a message.
func senders(m rtcp.Packet) (out []uint32) {
	switch m := m.(type) {
	case *rtcp.SenderReport:
		return []uint32{m.SSRC}
	case *rtcp.ReceiverReport:
		return []uint32{m.SSRC}
	case *rtcp.SourceDescription:
		for _, c := range m.Chunks {
			out = append(out, c.Source)
		}
	case *rtcp.CCFeedbackReport:
		return []uint32{m.SenderSSRC}
	case *rtcp.TransportLayerCC:
		return []uint32{m.SenderSSRC}
	}
	return out
}

// A packet of a stream that overtakes its BYE doesn't bring it back.
//
// conformance: RTP-4.1-7
func TestStragglersAfterBye(t *testing.T) {
	audio := audioFromA
	audio.stop = 2 * time.Second
	c := newCall(t, setup{streams: []stream{audio}})
	c.path = func(p *tapped) []time.Duration {
		if !p.isRTCP() && p.at > simtime.At(1900*time.Millisecond) {
			return []time.Duration{50 * time.Millisecond}
		}
		return []time.Duration{0}
	}
	c.run(4 * time.Second)
	if n := c.sessions[1].Members(); n != 1 {
		t.Errorf("%d members after the BYE and some stragglers", n)
	}
}

// RFC 3550 §6.3.7: who never sent anything leaves without a BYE.
//
// conformance: RTP-4.1-7
func TestNoByeFromOneWhoNeverSent(t *testing.T) {
	audio := audioFromA
	audio.start, audio.stop = time.Hour, 100*time.Millisecond
	conf := endpoints.RTCPConfig{Bandwidth: quick.Bandwidth, Minimum: 5 * time.Second}
	c := newCall(t, setup{streams: []stream{audio}, rtcp: conf})
	c.run(20 * time.Second)
	for i := range c.log {
		if c.log[i].from == 0 {
			t.Fatalf("a packet at %v: %x", c.log[i].at, c.log[i].payload)
		}
	}
	if len(c.rtcps(1)) == 0 {
		t.Error("nor did the other end say anything")
	}
}

// RFC 8108 §6.2: an end that stops sending goes on reporting for as long as its
// peer sends; only the SSRCs that it has besides say BYE.
func TestEndThatStopsSendingStillReports(t *testing.T) {
	both := func(name string, pt uint8) stream {
		return stream{name: name, kind: endpoints.Audio, from: "AB", pt: pt, stop: 2 * time.Second, stays: "B"}
	}
	c := newCall(t, setup{streams: []stream{both("one", 96), both("two", 97)}})
	c.run(3 * time.Second)
	early := c.sessions[0].Counts().RTCPSent
	c.run(10 * time.Second)
	if late := c.sessions[0].Counts().RTCPSent; late < early+20 {
		t.Errorf("%d RTCP packets after 3 s and %d after 10 s: it stopped reporting", early, late)
	}
	if n := c.count(0, endpoints.ByeSent); n != 1 {
		t.Errorf("%d BYEs, want one of two SSRCs", n)
	}
}

// RFC 3550 §6.3.5 by way of RFC 8108 §7.1.4, at the level of the endpoint.
//
// conformance: RTP-4.1-15
func TestSilentPeerTimesOut(t *testing.T) {
	conf := quick
	conf.TrrInterval = 60 * time.Millisecond
	c := newCall(t, setup{streams: []stream{videoFromA}, rtcp: conf})
	c.run(10 * time.Second)
	if c.sessions[1].Members() != 2 {
		t.Fatalf("%d members", c.sessions[1].Members())
	}
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(24900 * time.Millisecond)
	if n := c.count(1, endpoints.ParticipantTimedOut); n != 0 || c.sessions[1].Members() != 2 {
		t.Errorf("%d time-outs within 25 s", n)
	}
	c.run(time.Second)
	if n := c.count(1, endpoints.ParticipantTimedOut); n != 1 || c.sessions[1].Members() != 1 {
		t.Errorf("%d time-outs after 25 s, %d members", n, c.sessions[1].Members())
	}
	// It comes back when it is heard again.
	c.path = nil
	c.run(time.Second)
	if c.sessions[1].Members() != 2 {
		t.Errorf("%d members when it's back", c.sessions[1].Members())
	}
}
