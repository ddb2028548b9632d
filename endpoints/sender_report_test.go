package endpoints_test

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/simtime"
)

// RFC 3550 §6.4.1: the round-trip time needs no synchronised clocks.
func TestRoundTripTime(t *testing.T) {
	for _, offsets := range [][2]time.Duration{
		{}, {37 * time.Second, -5 * time.Second}, {-5 * time.Second, 37 * time.Second}, {-90 * time.Second, -20 * time.Hour},
	} {
		for _, delay := range []time.Duration{0, 100 * time.Microsecond, 20 * time.Millisecond, 700 * time.Millisecond} {
			c := newCall(t, setup{streams: []stream{videoFromA, backFromB}, offsets: offsets, delay: max(delay, 1)})
			c.run(20 * time.Second)
			for i := range c.sessions {
				n := 0
				for _, e := range c.events[i] {
					if e.Kind != endpoints.RTTMeasured {
						continue
					}
					n++
					if d := e.Delay - 2*delay; d < -100*time.Microsecond || d > 100*time.Microsecond {
						t.Fatalf("offsets %v: RTT %v, want %v ± 0.1 ms", offsets, e.Delay, 2*delay)
					}
				}
				if n < 5 {
					t.Errorf("offsets %v, delay %v: %d measurements", offsets, delay, n)
				}
				if d := c.sessions[i].RTT() - 2*delay; d < -100*time.Microsecond || d > 100*time.Microsecond {
					t.Errorf("RTT() = %v", c.sessions[i].RTT())
				}
			}
		}
	}
}

// RFC 3550 §6.4.1: LSR and DLSR are zero before the first SR.
func TestNoRoundTripTimeWithoutSR(t *testing.T) {
	c := newCall(t, setup{streams: []stream{{name: "none", kind: endpoints.Audio, pt: 97}}})
	c.inject(1, audioPacket(t, 77, 1, 0, 97, false))
	c.run(3 * time.Second)
	blocks := c.blocks(1)
	if len(blocks) == 0 || blocks[0].LastSenderReport != 0 || blocks[0].Delay != 0 {
		t.Errorf("blocks %+v", blocks)
	}
	if c.sessions[0].RTT() != 0 || c.sessions[1].RTT() != 0 {
		t.Error("a round-trip time without SRs")
	}
}

// RFC 3550 §6.4.1: an SR's timestamps denote one instant, by the wall clock and
// by the media clock, which is also that of the RTP packets.
//
// conformance: RTP-4.1-5
func TestSRTimestampsAreOnOneLine(t *testing.T) {
	for _, offset := range []time.Duration{0, 37 * time.Second, -5 * time.Second} {
		c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, offsets: [2]time.Duration{offset, 0}})
		c.run(60 * time.Second)
		var skew []float64
		for i, clock := range []float64{90000, 48000} {
			ssrc := c.sessions[0].Sections()[i].SSRC()
			srs := c.srs(ssrc)
			if len(srs) < 50 {
				t.Fatalf("%d SRs of a minute", len(srs))
			}
			first := srs[0]
			wall := func(sr *rtcp.SenderReport) float64 { return float64(int64(sr.NTPTime-first.NTPTime)) / (1 << 32) }
			for _, sr := range srs {
				// Ticks are whole: what is cut off both stamps is up to one.
				if d := float64(int32(sr.RTPTime-first.RTPTime)) - wall(sr)*clock; math.Abs(d) > 1 {
					t.Fatalf("offset %v, %.0f Hz: %.2f ticks off the line after %.1f s", offset, clock, d, wall(sr))
				}
			}
			last := srs[len(srs)-1]
			slope := float64(last.RTPTime-first.RTPTime) / wall(last)
			if math.Abs(slope-clock) > 2/wall(last) {
				t.Errorf("offset %v: slope %.4f, want %.0f", offset, slope, clock)
			}
			// The wall clock is the endpoint's.
			at := c.rtcps(0)[0].at
			for _, p := range c.rtcps(0) {
				if sr, ok := p.messages[0].(*rtcp.SenderReport); ok && sr.SSRC == ssrc {
					if d := simtime.NTP(sr.NTPTime).Time().Sub(p.at) - offset; d < -time.Microsecond || d > time.Microsecond {
						t.Fatalf("offset %v: the SR of %v says %v", offset, p.at, simtime.NTP(sr.NTPTime).Time())
					}
				}
			}
			_ = at
			// The first packet of a frame leaves when the frame is taken: the
			// line says when that was.
			for _, p := range c.rtps() {
				if p.SSRC != ssrc || p.at.Duration()%(40*time.Millisecond) != 0 {
					continue
				}
				taken := float64(simtime.NTP(first.NTPTime).Time()) + float64(int32(p.Timestamp-first.RTPTime))/clock*1e9
				skew = append(skew, taken-float64(p.at.Add(offset)))
			}
		}
		for _, s := range skew {
			if math.Abs(s) > 2e9/48000 {
				t.Fatalf("offset %v: a frame's timestamp is %.0f ns off its time", offset, s)
			}
		}
		if len(skew) < 1000 {
			t.Errorf("only %d frames checked", len(skew))
		}
	}
}

// RFC 3550 §6.4.1: packets and payload octets, without headers and padding.
func TestSRCounts(t *testing.T) {
	for _, f := range []endpoints.Feedback{endpoints.FeedbackNone, endpoints.FeedbackTWCC} {
		c := newCall(t, setup{streams: []stream{videoFromA}, protection: protect.None, feedback: f})
		c.run(10 * time.Second)
		packets, octets := uint32(0), uint32(0)
		media := c.rtps()
		n := 0
		for _, p := range c.rtcps(0) {
			sr, ok := p.messages[0].(*rtcp.SenderReport)
			if !ok {
				continue
			}
			for len(media) > 0 && media[0].at <= p.at {
				packets++
				octets += uint32(len(media[0].Payload))
				media = media[1:]
			}
			n++
			if sr.PacketCount != packets || sr.OctetCount != octets {
				t.Fatalf("SR at %v: %d packets, %d octets; want %d, %d", p.at, sr.PacketCount, sr.OctetCount, packets, octets)
			}
		}
		if n < 20 {
			t.Errorf("%d SRs", n)
		}
	}
}
