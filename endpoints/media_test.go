package endpoints_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Media gets through a clean path, all of it, in time, in all combinations.
//
// conformance: RTP-4.1-1
func TestMediaFlows(t *testing.T) {
	for _, m := range []protect.Mode{protect.Full, protect.SizeOnly, protect.None} {
		for _, f := range []endpoints.Feedback{endpoints.FeedbackNone, endpoints.FeedbackRFC8888, endpoints.FeedbackTWCC} {
			t.Run(fmt.Sprintf("%s,%s", m, f), func(t *testing.T) {
				both := stream{name: "back", kind: endpoints.Video, from: "B", pt: 98}
				c := newCall(t, setup{streams: []stream{videoFromA, audioFromA, both}, protection: m, feedback: f})
				c.run(10*time.Second - time.Millisecond)
				for i := range c.sessions {
					n := c.sessions[i].Counts()
					if n.AuthFailed+n.Replayed+n.Malformed+n.Early+n.UnknownRTCP != 0 {
						t.Errorf("end %d: %+v", i, n)
					}
					if n.RTPSent == 0 || n.RTCPSent < 20 || n.RTCPReceived < 20 {
						t.Errorf("end %d: %+v", i, n)
					}
				}
				sent, got := c.sessions[0].Counts().RTPSent, c.sessions[1].Counts().RTPReceived
				for _, f := range c.flights {
					if f.to == 1 && f.p.Payload[1] < 192 {
						got++
					}
				}
				if got != sent {
					t.Errorf("%d packets sent, %d received or on their way", sent, got)
				}
				// 250 frames of video, 500 of audio.
				if n := c.count(0, endpoints.FrameEncoded); n != 750 {
					t.Errorf("%d frames encoded", n)
				}
				if n := c.count(1, endpoints.FrameRendered); n != 748 && n != 749 && n != 750 {
					t.Errorf("%d frames rendered", n)
				}
				if n := c.count(1, endpoints.FrameLate) + c.count(1, endpoints.FrameLost) + c.count(1, endpoints.PictureFrozen); n != 0 {
					t.Errorf("%d frames late or lost, or pictures frozen", n)
				}
				// Audio begins with 40 ms in its buffer, and goes down to 20 ms and at most
				// half a frame.
				for _, e := range c.events[1] {
					most := 25 * time.Millisecond
					switch {
					case e.Section != nil && e.Section.Kind() == endpoints.Audio && e.At < simtime.At(2*time.Second):
						most = 60 * time.Millisecond
					case e.Section != nil && e.Section.Kind() == endpoints.Audio:
						most = 50 * time.Millisecond
					}
					if e.Kind == endpoints.FrameRendered && (e.Delay < 20*time.Millisecond || e.Delay > most) {
						t.Fatalf("a frame took %v on a path of 20 ms at %v", e.Delay, e.At)
					}
				}
				held := c.ends[0].Held() + c.ends[1].Held() + len(c.flights)
				if c.pool.Outstanding() != held {
					t.Errorf("%d packets are out, %d are accounted for", c.pool.Outstanding(), held)
				}
			})
		}
	}
}

// RFC 3550 §5.1 and RFC 7741 §4.1: what is in the headers.
//
// conformance: RTP-4.1-1, RTP-4.1-3
func TestRTPHeaders(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}})
	c.run(5 * time.Second)
	type state struct {
		seq     uint16
		ts      uint32
		marker  bool
		started bool
	}
	streams := map[uint32]*state{}
	sections := c.sessions[0].Sections()
	for _, p := range c.rtps() {
		if p.Version != 2 || p.Padding || len(p.CSRC) != 0 {
			t.Fatalf("header %+v", p.Header)
		}
		s := streams[p.SSRC]
		if s == nil {
			s = &state{}
			streams[p.SSRC] = s
		}
		video := p.PayloadType == videoFromA.pt
		if want := sections[map[bool]int{true: 0, false: 1}[video]].SSRC(); p.SSRC != want {
			t.Fatalf("payload type %d with SSRC %d, want %d", p.PayloadType, p.SSRC, want)
		}
		if s.started {
			if p.SequenceNumber != s.seq+1 {
				t.Fatalf("sequence number %d after %d", p.SequenceNumber, s.seq)
			}
			step := p.Timestamp - s.ts
			switch {
			case video && s.marker && step != 3600: // 40 ms at 90 kHz
				t.Fatalf("next frame's timestamp is %d more", step)
			case video && !s.marker && step != 0:
				t.Fatalf("timestamp changes within a frame by %d", step)
			case !video && step != 960: // 20 ms at 48 kHz
				t.Fatalf("audio timestamp is %d more", step)
			}
		}
		*s = state{p.SequenceNumber, p.Timestamp, p.Marker, true}
	}
	if len(streams) != 2 {
		t.Errorf("%d SSRCs, want 2", len(streams))
	}
}

// RFC 3550 §5.1: SSRC, first sequence number and first timestamp are random.
//
// conformance: SSR-4.8-3
func TestRandomIdentities(t *testing.T) {
	seen := map[uint32]bool{}
	high, n := 0, 0
	var seqs, stamps []float64
	for seed := range uint64(200) {
		c := newCall(t, setup{seed: seed, streams: []stream{videoFromA}})
		c.run(time.Millisecond)
		for _, conn := range c.sessions {
			ssrc := conn.Sections()[0].SSRC()
			if seen[ssrc] {
				t.Errorf("SSRC %d comes twice in 400", ssrc)
			}
			seen[ssrc] = true
			n++
			if ssrc >= 1<<31 {
				high++
			}
		}
		p := c.rtps()[0]
		seqs = append(seqs, float64(p.SequenceNumber))
		stamps = append(stamps, float64(p.Timestamp)/(1<<32))
	}
	// Binomial: four standard deviations.
	if d := math.Abs(float64(high) - float64(n)/2); d > 4*math.Sqrt(float64(n))/2 {
		t.Errorf("%d of %d SSRCs have the high bit", high, n)
	}
	slices.Sort(seqs)
	if len(slices.Compact(seqs)) < 190 {
		t.Errorf("%d different first sequence numbers of 200", len(seqs))
	}
	sum := 0.0
	for _, x := range stamps {
		sum += x
	}
	if m := sum / 200; math.Abs(m-0.5) > 4/math.Sqrt(12*200) {
		t.Errorf("first timestamps have the mean %.3f·2^32", m)
	}
}

// RFC 5761 §4: RTP and RTCP on one port are told apart by the second octet.
//
// conformance: MUX-4.5-1, MUX-4.5-4
func TestDemultiplexing(t *testing.T) {
	st := audioFromA
	for pt := range 256 {
		st.pt = uint8(pt)
		e := endpoints.New(endpoints.Config{Name: "A", Addr: addrs[0].IP, Pool: &packet.Pool{}, Random: rngSource})
		s := setup{streams: []stream{st}}
		_, err := e.Connect(0, s.config(nil, rngSource, 1, "B", "A"))
		if legal := pt < 64 || pt >= 96 && pt < 128; (err == nil) != legal {
			t.Errorf("payload type %d: %v; only 64 to 95 would look like RTCP, and there are 128", pt, err)
		}
	}
	// Each legal payload type, with and without marker, is RTP.
	for pt := range 128 {
		if pt >= 64 && pt < 96 {
			continue
		}
		st.pt = uint8(pt)
		c := newCall(t, setup{streams: []stream{st}})
		for i, marker := range []bool{false, true} {
			c.inject(1, audioPacket(t, 99, uint16(i), 960*uint32(i), st.pt, marker))
		}
		if n := c.sessions[1].Counts(); n.RTPReceived != 2 || n.RTCPReceived != 0 || n.Malformed != 0 {
			t.Errorf("payload type %d: %+v", pt, n)
		}
	}
	// 192 to 223 are RTCP, understood or not, and nothing else is.
	conf := quick
	conf.ReducedSize = true
	for second := range 256 {
		c := newCall(t, setup{streams: []stream{audioFromA}, rtcp: conf})
		c.inject(1, []byte{0x80, byte(second), 0, 2, 0, 0, 0, 9, 0, 0, 0, 0})
		n := c.sessions[1].Counts()
		if isRTCP := n.RTCPReceived == 1; isRTCP != (second >= 192 && second <= 223) {
			t.Errorf("second octet %d: %+v", second, n)
		}
		if n.RTPReceived != 0 && (n.RTCPReceived != 0 || n.Unassociated+n.Malformed != 1) {
			t.Errorf("second octet %d: %+v", second, n)
		}
	}
	// Everything of a call takes one flow.
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}})
	c.run(2 * time.Second)
	kinds := map[bool]int{}
	for i := range c.log {
		p := &c.log[i]
		kinds[p.isRTCP()]++
		if p.src != addrs[p.from] || p.dst != addrs[1-p.from] {
			t.Fatalf("a packet from %v to %v", p.src, p.dst)
		}
	}
	if kinds[true] == 0 || kinds[false] == 0 {
		t.Errorf("%d RTP, %d RTCP packets", kinds[false], kinds[true])
	}
}

// RFC 7983 §7: STUN and DTLS aren't for RTP.
func TestOtherProtocolsOnThePort(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}, protection: protect.Full})
	c.run(time.Second)
	before := c.sessions[1].Counts()
	for first := range 256 {
		if first >= 128 && first <= 191 {
			continue
		}
		c.inject(1, append([]byte{byte(first)}, make([]byte, 40)...))
	}
	c.inject(1, nil)
	c.inject(1, []byte{0x80})
	if got := c.sessions[1].Counts(); got != before {
		t.Errorf("counts changed from %+v to %+v", before, got)
	}
}

// A packet that isn't of any connection is counted and released.
func TestUnexpectedPacket(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	out := c.pool.Outstanding()
	p := c.pool.New()
	p.SetPayload(100)
	p.Src, p.Dst = packet.Addr{IP: 1, Port: 1}, addrs[1]
	c.ends[1].HandlePacket(0, p)
	if c.ends[1].Unexpected() != 1 || c.pool.Outstanding() != out {
		t.Errorf("unexpected %d, outstanding %d", c.ends[1].Unexpected(), c.pool.Outstanding())
	}
	if n := c.sessions[1].Counts(); n != (endpoints.Counts{}) {
		t.Errorf("%+v", n)
	}
}

// audioPacket makes an RTP packet as our audio streams have them.
func audioPacket(t *testing.T, ssrc uint32, seq uint16, ts uint32, pt uint8, marker bool) []byte {
	t.Helper()
	h := rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: seq, Timestamp: ts, SSRC: ssrc}
	b, err := (&rtp.Packet{Header: h, Payload: append([]byte{0xf8}, make([]byte, 99)...)}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The contract of [endpoints.Endpoint]: an early HandleTimeout does nothing.
func TestEarlyTimeoutDoesNothing(t *testing.T) {
	back := stream{name: "back", kind: endpoints.Video, from: "B", pt: 98}
	run := func(disturb bool) *call {
		c := newCall(t, setup{streams: []stream{videoFromA, audioFromA, back}, feedback: endpoints.FeedbackRFC8888})
		for range 3000 {
			if disturb {
				for i, e := range c.ends {
					at, why := e.NextTimeout()
					if at <= c.now {
						continue
					}
					packets, events := len(c.log), len(c.events[i])
					e.HandleTimeout(c.now)
					c.drain(i)
					if got, r := e.NextTimeout(); got != at || r != why || len(c.log) != packets || len(c.events[i]) != events {
						t.Fatalf("HandleTimeout at %v, before %v: deadline %v, %d packets, %d events",
							c.now, at, got, len(c.log)-packets, len(c.events[i])-events)
					}
				}
			}
			c.run(time.Millisecond + 7*time.Microsecond)
		}
		return c
	}
	a, b := run(false), run(true)
	if len(a.log) != len(b.log) {
		t.Fatalf("%d packets, %d when disturbed by early calls", len(a.log), len(b.log))
	}
	for i := range a.log {
		if a.log[i].at != b.log[i].at || !slices.Equal(a.log[i].payload, b.log[i].payload) {
			t.Fatalf("packet %d differs when disturbed by early calls", i)
		}
	}
}

// The contract: after draining, the deadline is in the future, also after
// HandlePacket.
func TestDeadlineLiesInTheFuture(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA, audioFromA}, feedback: endpoints.FeedbackTWCC})
	odd := 0
	c.path = func(p *tapped) []time.Duration { // loss and reordering
		odd++
		switch {
		case odd%7 == 0:
			return nil
		case odd%5 == 0:
			return []time.Duration{time.Duration(odd%13) * 31 * time.Millisecond}
		}
		return []time.Duration{0}
	}
	for range 200 {
		c.run(50 * time.Millisecond)
		for _, e := range c.ends {
			if at, why := e.NextTimeout(); at <= c.now {
				t.Fatalf("at %v the deadline is %v, reason %d", c.now, at, why)
			}
		}
	}
}

// An endpoint that stalls doesn't lose its place: late calls catch up.
func TestLateTimeoutCatchesUp(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	c.run(time.Second)
	c.log = nil
	c.now = c.now.Add(100 * time.Millisecond)
	c.ends[0].HandleTimeout(c.now)
	c.drain(0)
	if n := len(c.rtps()); n < 5 || n > 6 {
		t.Errorf("%d packets after 100 ms without a call", n)
	}
	if at, _ := c.ends[0].NextTimeout(); at <= c.now {
		t.Errorf("the deadline is %v at %v", at, c.now)
	}
}

// Packets are no larger than they may be, tag and all.
func TestPacketSizes(t *testing.T) {
	for _, f := range []endpoints.Feedback{endpoints.FeedbackNone, endpoints.FeedbackTWCC} {
		c := newCall(t, setup{streams: []stream{videoFromA}, protection: protect.Full, rate: 3 * units.Mbps, feedback: f})
		c.run(time.Second)
		most, total := units.Bytes(0), units.Bytes(0)
		for i := range c.log {
			if p := &c.log[i]; p.from == 0 && !p.isRTCP() {
				n := units.Bytes(len(p.payload))
				most, total = max(most, n), total+n
			}
		}
		if most > 1200 || most < 1100 {
			t.Errorf("largest packet %v, want up to 1200", most)
		}
		if total < 375000 {
			t.Errorf("%v in a second at 3 Mbit/s", total)
		}
	}
}

// What a stream costs on the wire and its inverse agree, and with the truth.
func TestStreamModel(t *testing.T) {
	for _, rate := range []units.BitRate{100 * units.Kbps, 400 * units.Kbps, 2 * units.Mbps} {
		c := newCall(t, setup{streams: []stream{videoFromA}, protection: protect.Full, rate: rate})
		c.run(20 * time.Second)
		var sent units.Bytes
		for i := range c.log {
			if p := &c.log[i]; p.from == 0 && !p.isRTCP() {
				sent += p.size
			}
		}
		m := endpoints.NewStreamModel(endpoints.Video, rate, rate, rate, 25, 1200, 10, 0)
		want := float64(m.Wire(rate))
		// Frames of one size don't fill their last packet by half; each
		// packet of 25·B/room may be off by half of its overhead.
		if got := float64(sent) * 8 / 20; math.Abs(got-want) > 0.02*want+25*0.5*54*8 {
			t.Errorf("%v encoded: %.0f bit/s on the wire, the model says %.0f", rate, got, want)
		}
		if back := m.Encoded(m.Wire(rate)); math.Abs(float64(back-rate)) > 0.01*float64(rate) {
			t.Errorf("Encoded(Wire(%v)) = %v", rate, back)
		}
	}
}

// The same seed gives the same packets.
func TestDeterminism(t *testing.T) {
	run := func(seed uint64) *call {
		c := newCall(t, setup{seed: seed, streams: []stream{videoFromA, audioFromA}, protection: protect.Full, feedback: endpoints.FeedbackTWCC})
		c.run(3 * time.Second)
		return c
	}
	a, b, other := run(1), run(1), run(2)
	if !slices.EqualFunc(a.log, b.log, func(x, y tapped) bool { return x.at == y.at && slices.Equal(x.payload, y.payload) }) {
		t.Error("two runs with one seed differ")
	}
	if slices.EqualFunc(a.log, other.log, func(x, y tapped) bool { return slices.Equal(x.payload, y.payload) }) {
		t.Error("two runs with two seeds are equal")
	}
	_ = simtime.Never
}
