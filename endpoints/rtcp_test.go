package endpoints_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

var backFromB = stream{name: "back", kind: endpoints.Video, from: "B", pt: 98}

// RFC 3550 §6.4.1: the round-trip time needs no synchronised clocks.
func TestRoundTripTime(t *testing.T) {
	for _, offsets := range [][2]time.Duration{
		{}, {37 * time.Second, -5 * time.Second}, {-5 * time.Second, 37 * time.Second}, {-90 * time.Second, -20 * time.Hour},
	} {
		for _, delay := range []time.Duration{0, 100 * time.Microsecond, 20 * time.Millisecond, 700 * time.Millisecond} {
			c := newCall(t, setup{streams: []stream{videoFromA, backFromB}, offsets: offsets, delay: max(delay, 1)})
			c.run(20 * time.Second)
			for i := range c.conns {
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
				if d := c.conns[i].RTT() - 2*delay; d < -100*time.Microsecond || d > 100*time.Microsecond {
					t.Errorf("RTT() = %v", c.conns[i].RTT())
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
	if c.conns[0].RTT() != 0 || c.conns[1].RTT() != 0 {
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
			ssrc := c.conns[0].Sections()[i].SSRC
			srs := c.srs(0, ssrc)
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
		if n := c.conns[1].Members(); n != 4 {
			t.Fatalf("%d members, want 4", n)
		}
		c.run(7 * time.Second)
		ssrcs := []uint32{c.conns[0].Sections()[0].SSRC, c.conns[0].Sections()[1].SSRC}
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
		if n := c.conns[1].Members(); n != 2 {
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
	if n := c.conns[1].Members(); n != 1 {
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

// RFC 7022 §4.2, §5; RFC 8834 §4.9: 96 random bits in base64.
//
// conformance: SSR-4.9-2, SSR-4.9-3, SSR-4.9-5
func TestCNAME(t *testing.T) {
	seen := map[string]string{}
	for seed := range uint64(20) {
		c := newCall(t, setup{seed: seed, streams: []stream{videoFromA, audioFromA, backFromB}})
		c.run(3 * time.Second)
		for i := range c.conns {
			names := map[string]map[uint32]bool{}
			for _, p := range c.rtcps(i) {
				for _, m := range p.messages {
					d, ok := m.(*rtcp.SourceDescription)
					if !ok {
						continue
					}
					for _, chunk := range d.Chunks {
						for _, item := range chunk.Items {
							if item.Type == rtcp.SDESCNAME {
								if names[item.Text] == nil {
									names[item.Text] = map[uint32]bool{}
								}
								names[item.Text][chunk.Source] = true
							}
						}
					}
				}
			}
			if len(names) != 1 {
				t.Fatalf("end %d uses the CNAMEs %v, want one", i, names)
			}
			for name, ssrcs := range names {
				raw, err := base64.StdEncoding.DecodeString(name)
				if len(name) != 16 || err != nil || len(raw) != 12 {
					t.Errorf("CNAME %q isn't 96 bits in base64", name)
				}
				if len(ssrcs) != 3 {
					t.Errorf("end %d has a CNAME for %d SSRCs, want all three", i, len(ssrcs))
				}
				here := fmt.Sprintf("end %d of seed %d", i, seed)
				if there, ok := seen[name]; ok {
					t.Errorf("%s and %s have the CNAME %s", here, there, name)
				}
				seen[name] = here
			}
		}
	}
}

// RFC 8834 §4.9: another connection of the same endpoint has another CNAME.
//
// conformance: SSR-4.9-3
func TestCNAMEOfSecondConnection(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	s := setup{streams: []stream{audioFromA}}
	conf := s.config(c, rngSource, 0, "A", "C")
	conf.Local.Port, conf.Remote.Port = 5001, 6001
	if _, err := c.ends[0].Connect(0, conf); err != nil {
		t.Fatal(err)
	}
	c.drain(0)
	c.path = func(p *tapped) []time.Duration {
		if p.src != addrs[0] && p.from == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(3 * time.Second)
	names := map[uint16]string{}
	for _, p := range c.rtcps(0) {
		for _, m := range p.messages {
			if d, ok := m.(*rtcp.SourceDescription); ok {
				names[p.tap.src.Port] = d.Chunks[0].Items[0].Text
			}
		}
	}
	if len(names) != 2 || names[5000] == names[5001] {
		t.Errorf("CNAMEs by port: %v, want two that differ", names)
	}
	a, b := c.ends[0].Connections()[0].Sections()[0].SSRC, c.ends[0].Connections()[1].Sections()[0].SSRC
	if a == b {
		t.Error("two connections have the same SSRC")
	}
}

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
			for i := range c.conns {
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
				for _, s := range c.conns[i].Sections() {
					if own[s.SSRC] < 10 {
						t.Errorf("%s, aggregated %v: SSRC %d of end %d reports %d times in 10 s", f, aggregate, s.SSRC, i, own[s.SSRC])
					}
					delete(own, s.SSRC)
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
	if a, b := c.conns[0].Members(), c.conns[1].Members(); a != 6 || b != 6 {
		t.Errorf("%d and %d members, want 6", a, b)
	}
	sec := [2][]*endpoints.Section{c.conns[0].Sections(), c.conns[1].Sections()}
	sending := []uint32{sec[0][0].SSRC, sec[0][1].SSRC, sec[1][2].SSRC}
	type pair struct{ reporter, source uint32 }
	got := map[pair]int{}
	for i := range c.conns {
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
				if source == s.SSRC {
					continue
				}
				if n := got[pair{s.SSRC, source}]; n < 5 {
					t.Errorf("SSRC %d reports on %d %d times", s.SSRC, source, n)
				}
				delete(got, pair{s.SSRC, source})
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
		if b.reporter != sec[0][0].SSRC || b.SSRC != sec[0][1].SSRC {
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
			for i := range c.conns {
				if n := c.conns[i].Counts(); n.Malformed != 0 || n.RTCPReceived < 10 {
					t.Errorf("PadTo %v, %s: %+v", to, f, n)
				}
			}
			if padded == 0 {
				t.Errorf("PadTo %v, %s: no packet has padding", to, f)
			}
		}
	}
}

// RFC 3550 §6.1, RFC 5506: a packet that starts with anything but a report is
// refused unless reduced size was agreed on.
//
// conformance: TIM-4.6-1
func TestNonCompoundIsRefused(t *testing.T) {
	sdes := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 4711, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x@y"}}}}}
	bye := &rtcp.Goodbye{Sources: []uint32{4711}}
	ccfb := &rtcp.CCFeedbackReport{SenderSSRC: 4711}
	for _, reduced := range []bool{false, true} {
		conf := quick
		conf.ReducedSize = reduced
		c := newCall(t, setup{streams: []stream{audioFromA}, rtcp: conf})
		c.run(time.Second)
		for _, m := range []rtcp.Packet{sdes, bye, ccfb} {
			before := c.conns[0].Counts()
			c.inject(0, marshal(t, m))
			want := before
			if reduced {
				want.RTCPReceived++
			} else {
				want.Malformed++
			}
			if got := c.conns[0].Counts(); got != want {
				t.Errorf("reduced size %v, %T: %+v, want %+v", reduced, m, got, want)
			}
		}
		if n := c.count(0, endpoints.ByeReceived); (n == 1) != reduced {
			t.Errorf("reduced size %v: %d BYEs took effect", reduced, n)
		}
	}
}

// RFC 3550 §A.2: what can't be RTCP.
//
// conformance: TIM-4.6-1
func TestMalformedRTCP(t *testing.T) {
	rr := marshal(t, &rtcp.ReceiverReport{SSRC: 4711})
	for name, b := range map[string][]byte{
		"version 1":                        append([]byte{0x40 | rr[0]&0x3f}, rr[1:]...),
		"truncated header":                 rr[:3],
		"truncated":                        rr[:6],
		"length beyond the end":            {0x80, 201, 0, 9, 0, 0, 0, 1},
		"octets left over":                 append(slices.Clone(rr), 1, 2),
		"garbage behind the first":         append(slices.Clone(rr), 1, 2, 3, 4),
		"version 0 behind the first":       append(slices.Clone(rr), 0, 203, 0, 0),
		"more blocks than fit":             {0x9f, 201, 0, 1, 0, 0, 0, 1},
		"no SSRC":                          {0x80, 201, 0, 0},
		"SR without sender info":           {0x80, 200, 0, 1, 0, 0, 0, 1},
		"padding of nothing":               {0xa0, 201, 0, 1, 0, 0, 0, 0},
		"padding beyond the start":         {0xa0, 201, 0, 1, 0, 0, 0, 12},
		"padding not a multiple of four":   {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3},
		"padding before the last":          append([]byte{0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4}, rr...),
		"padding that eats the whole SSRC": {0xa0, 201, 0, 1, 0, 0, 0, 4},
	} {
		c := newCall(t, setup{streams: []stream{audioFromA}})
		c.run(time.Second)
		before := c.conns[0].Counts()
		c.inject(0, b)
		got := c.conns[0].Counts()
		if name == "version 1" {
			// The first octet isn't RTP's nor RTCP's: not ours (RFC 7983).
			if got != before {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		before.Malformed++
		got.RTCPReceived = before.RTCPReceived // what precedes the malformed part may count
		if got != before {
			t.Errorf("%s: %+v, want Malformed to rise alone", name, got)
		}
	}
}

// RFC 8834 §4.1: unknown types and formats are ignored, what stands beside them
// takes effect.
//
// conformance: RTP-4.1-21, MON-8-3
func TestUnknownRTCPIsIgnored(t *testing.T) {
	unknown := map[string][]byte{
		"type 211":           {0x80, 211, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
		"type 192":           {0x81, 192, 0, 1, 1, 2, 3, 4},
		"type 223, empty":    {0x80, 223, 0, 0},
		"RTPFB of FMT 29":    {0x9d, 205, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
		"PSFB of FMT 30":     {0x9e, 206, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
		"APP":                {0x80, 204, 0, 2, 1, 2, 3, 4, 'n', 'a', 'm', 'e'},
		"XR, unknown block":  {0x80, 207, 0, 2, 1, 2, 3, 4, 99, 0, 0, 0},
		"XR, reference time": {0x80, 207, 0, 4, 1, 2, 3, 4, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8},
	}
	for name, raw := range unknown {
		c := newCall(t, setup{streams: []stream{{name: "none", kind: endpoints.Audio, pt: 97}}})
		c.inject(1, audioPacket(t, 4711, 1, 0, 97, false))
		c.run(time.Second)
		members := c.conns[1].Members()
		const ntp = 0x1122334455667788
		b := marshal(t, &rtcp.SenderReport{SSRC: 4711, NTPTime: ntp})
		b = append(b, raw...)
		b = append(b, marshal(t,
			&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 4712, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x@y"}}}}},
			&rtcp.Goodbye{Sources: []uint32{4713}},
		)...)
		before := c.conns[1].Counts()
		c.inject(1, b)
		want := before
		want.RTCPReceived++
		want.UnknownRTCP++
		if got := c.conns[1].Counts(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		if c.conns[1].Members() != members+1 {
			t.Errorf("%s: SDES had no effect", name)
		}
		if c.count(1, endpoints.ByeReceived) != 1 {
			t.Errorf("%s: BYE had no effect", name)
		}
		c.inject(1, audioPacket(t, 4711, 2, 960, 97, false))
		c.log = nil
		c.run(2 * time.Second)
		blocks := c.blocks(1)
		if len(blocks) == 0 || blocks[0].LastSenderReport != 0x33445566 {
			t.Errorf("%s: SR had no effect: %+v", name, blocks)
		}
	}
}

// RFC 5506: with reduced size agreed on, feedback goes by itself, only after a
// first compound packet; without, never.
//
// conformance: TIM-4.6-2, TIM-4.6-3, TIM-4.6-4
func TestReducedSize(t *testing.T) {
	type result struct {
		compound, single int
		size             float64 // mean of a packet with feedback, without reports
		messages         int     // with feedback
		longest          time.Duration
	}
	run := func(conf endpoints.RTCPConfig, f endpoints.Feedback) (r result) {
		conf.Bandwidth = 10 * units.Kbps
		c := newCall(t, setup{streams: []stream{audioFromA}, rtcp: conf, feedback: f})
		c.run(60 * time.Second)
		var bytes float64
		last := simtime.Time(0)
		for i, p := range c.rtcps(1) {
			_, sr := p.messages[0].(*rtcp.SenderReport)
			_, rr := p.messages[0].(*rtcp.ReceiverReport)
			if sr || rr {
				checkCompound(t, p.messages)
				r.compound++
				r.longest = max(r.longest, p.at.Sub(last))
				last = p.at
			} else {
				if i == 0 {
					t.Error("the first packet isn't compound")
				}
				r.single++
			}
			switch p.messages[len(p.messages)-1].(type) {
			case *rtcp.CCFeedbackReport, *rtcp.TransportLayerCC:
				r.messages++
				bytes += float64(p.tap.size)
			}
		}
		r.size = bytes / float64(r.messages)
		for i := range c.conns {
			if n := c.conns[i].Counts(); n.Malformed != 0 {
				t.Errorf("%+v", n)
			}
		}
		return r
	}
	avpf := endpoints.RTCPConfig{AVPF: true}
	reduced := endpoints.RTCPConfig{AVPF: true, ReducedSize: true}
	for _, f := range []endpoints.Feedback{endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
		with, without := run(reduced, f), run(avpf, f)
		if without.single != 0 || without.compound == 0 {
			t.Errorf("%s, not agreed: %+v", f, without)
		}
		if with.single == 0 || with.compound == 0 {
			t.Errorf("%s, agreed: %+v", f, with)
		}
		if with.messages <= without.messages || with.size >= without.size {
			t.Errorf("%s: %+v with reduced size, %+v without: want more and smaller packets", f, with, without)
		}
		// Regular reports go on: two members, some 130 bytes, 10 kbit/s make
		// Td 0.21 s; an early packet doubles the interval.
		if with.longest > 2*time.Second {
			t.Errorf("%s: %v without a compound packet", f, with.longest)
		}
		withTrr := reduced
		withTrr.TrrInterval = 4 * time.Second
		r := run(withTrr, f)
		if r.compound < 10 || r.single < 5*r.compound || r.longest > 6500*time.Millisecond {
			t.Errorf("%s, T_rr_interval 4 s: %+v", f, r)
		}
		// Never under AVP.
		r = run(endpoints.RTCPConfig{ReducedSize: true, Minimum: time.Second}, f)
		if r.single != 0 || r.compound < 40 {
			t.Errorf("%s, AVP: %+v", f, r)
		}
	}
}

// Congestion control feedback tells the controller the truth: each packet,
// its sizes and times, also with clocks that differ.
func TestFeedbackReachesController(t *testing.T) {
	for _, f := range []endpoints.Feedback{endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
		for _, offset := range []time.Duration{0, 37 * time.Second, -5 * time.Second, -400 * 24 * time.Hour} {
			t.Run(fmt.Sprintf("%s,%v", f, offset), func(t *testing.T) {
				conf := quick
				conf.ReducedSize, conf.Bandwidth = true, 60*units.Kbps
				c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, rtcp: conf, feedback: f, offsets: [2]time.Duration{0, offset}})
				lost := map[uint64]bool{}
				n := uint64(0)
				c.path = func(p *tapped) []time.Duration {
					if p.from != 0 || p.isRTCP() {
						return []time.Duration{0}
					}
					n++
					switch {
					case n%10 == 0:
						lost[n-1] = true
						return nil
					case n%17 == 0: // reordered
						return []time.Duration{3 * time.Millisecond}
					}
					return []time.Duration{0}
				}
				c.run(10 * time.Second)
				results := map[uint64]ccontrolResult{}
				var first *time.Duration
				tolerance := 600 * time.Microsecond // half of 1/1024 s, and 15 µs
				if f == endpoints.FeedbackTWCC {
					tolerance = 130 * time.Microsecond // half of 250 µs
				}
				for _, r := range c.cc[0].reports {
					for _, p := range r.Packets {
						if _, twice := results[p.Seq]; twice && results[p.Seq].received {
							t.Fatalf("packet %d is reported twice", p.Seq)
						}
						results[p.Seq] = ccontrolResult{p.Received, p.Size}
						if !p.Received {
							continue
						}
						d := p.Arrival.Sub(p.Sent) - offset - 20*time.Millisecond
						// The receiver's clock is known up to the length of its
						// timestamp: 2^16 s, and 2^24·64 ms.
						wrap := 65536 * time.Second
						if f == endpoints.FeedbackTWCC {
							wrap = 1 << 24 * 64 * time.Millisecond
						}
						shift := (d + time.Second).Round(wrap)
						if first == nil {
							first = &shift
						} else if *first != shift {
							t.Fatalf("packet %d: arrival times jump by %v", p.Seq, shift-*first)
						}
						d -= shift
						if (p.Seq+1)%17 == 0 {
							d -= 3 * time.Millisecond
						}
						if d < -tolerance || d > tolerance {
							t.Fatalf("packet %d, sent at %v, arrived %v after the truth", p.Seq, p.Sent, d)
						}
						if f == endpoints.FeedbackRFC8888 && (r.RTT < 39*time.Millisecond || r.RTT > 44*time.Millisecond) {
							t.Fatalf("RTT %v", r.RTT)
						}
					}
				}
				sent := c.cc[0].sent
				missing := 0
				for _, s := range sent[:len(sent)-30] {
					r, ok := results[s.Seq]
					if !ok {
						missing++
						continue
					}
					if r.received == lost[s.Seq] || r.size != s.Size {
						t.Fatalf("packet %d: reported %+v, lost %v, size %v", s.Seq, r, lost[s.Seq], s.Size)
					}
				}
				if missing > 0 {
					t.Errorf("%d of %d packets were never reported", missing, len(sent))
				}
			})
		}
	}
}

type ccontrolResult struct {
	received bool
	size     units.Bytes
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
		for i := range c.conns {
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
			if n := c.conns[i].Counts(); n.Malformed != 0 {
				t.Errorf("%+v", n)
			}
			if c.conns[i].Members() != 16 {
				t.Errorf("%d members, want 16", c.conns[i].Members())
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

// RFC 8108 §5.4.2: a second CNAME makes the session a group, several SSRCs
// with one CNAME don't; then feedback is dithered.
//
// conformance: RTP-4.1-25
func TestMultipartyByCNAME(t *testing.T) {
	delays := func(second string) (immediate, all int) {
		conf := quick
		conf.ReducedSize = true
		conf.Bandwidth = 2 * units.Kbps
		c := newCall(t, setup{streams: []stream{{name: "none", kind: endpoints.Audio, pt: 97}}, rtcp: conf, feedback: endpoints.FeedbackRFC8888})
		for i, name := range []string{"one", second} {
			c.inject(1, marshal(t, &rtcp.ReceiverReport{SSRC: uint32(500 + i)}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{
				{Source: uint32(500 + i), Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: name}}},
			}}))
		}
		// A's own reports would add a CNAME.
		c.path = func(p *tapped) []time.Duration { return nil }
		for i := range 400 {
			c.run(200 * time.Millisecond)
			n := len(c.log)
			c.inject(1, audioPacket(t, 4711, uint16(i), 0, 97, false))
			all++
			if len(c.log) > n {
				immediate++
			}
		}
		return immediate, all
	}
	if n, all := delays("one"); n < all/20 {
		t.Errorf("between two parties %d of %d events were reported at once", n, all)
	}
	if n, all := delays("two"); n > 0 {
		t.Errorf("in a group %d of %d events were reported at once", n, all)
	}
}

// RFC 8834 §4.9: any legal CNAME is accepted.
//
// conformance: SSR-4.9-4
func TestAnyCNAMEIsAccepted(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	for i, name := range []string{"u", "user@host", "ü@höst", string(bytes.Repeat([]byte{'x'}, 255))} {
		c.inject(0, marshal(t, &rtcp.ReceiverReport{SSRC: uint32(500 + i)}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{
			{Source: uint32(500 + i), Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: name}}},
		}}))
	}
	if n := c.conns[0].Counts(); n.RTCPReceived != 4 || n.Malformed != 0 {
		t.Errorf("%+v", n)
	}
	if c.conns[0].Members() != 5 {
		t.Errorf("%d members", c.conns[0].Members())
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
	if c.conns[1].Members() != 2 {
		t.Fatalf("%d members", c.conns[1].Members())
	}
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(24900 * time.Millisecond)
	if n := c.count(1, endpoints.ParticipantTimedOut); n != 0 || c.conns[1].Members() != 2 {
		t.Errorf("%d time-outs within 25 s", n)
	}
	c.run(time.Second)
	if n := c.count(1, endpoints.ParticipantTimedOut); n != 1 || c.conns[1].Members() != 1 {
		t.Errorf("%d time-outs after 25 s, %d members", n, c.conns[1].Members())
	}
	// It comes back when it is heard again.
	c.path = nil
	c.run(time.Second)
	if c.conns[1].Members() != 2 {
		t.Errorf("%d members when it's back", c.conns[1].Members())
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
	early := c.conns[0].Counts().RTCPSent
	c.run(10 * time.Second)
	if late := c.conns[0].Counts().RTCPSent; late < early+20 {
		t.Errorf("%d RTCP packets after 3 s and %d after 10 s: it stopped reporting", early, late)
	}
	if n := c.count(0, endpoints.ByeSent); n != 1 {
		t.Errorf("%d BYEs, want one of two SSRCs", n)
	}
}
