package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// repaired is a video that can be sent again.
var repaired = stream{name: "video", kind: endpoints.Video, from: "A", pt: 96, rtx: 97}

// talkback lets the second end know the round-trip time.
var talkback = stream{name: "talkback", kind: endpoints.Audio, from: "B", pt: 111}

// brisk is RTCP with a report some every 20 ms.
var brisk = endpoints.RTCPConfig{AVPF: true, Bandwidth: 160 * units.Kbps, ReducedSize: true}

// drop loses the packets of the first end's media that a function picks by the
// sequence number; those sent again don't count.
func (c *call) drop(pick func(seq uint16, retransmission bool) bool) {
	c.path = func(p *tapped) []time.Duration {
		var h rtp.Header
		if p.from == 0 && !p.isRTCP() {
			if _, err := h.Unmarshal(p.payload); err != nil {
				c.t.Fatal(err)
			}
			video := h.PayloadType >= 96 && h.PayloadType <= 98
			if video && pick(h.SequenceNumber, h.PayloadType == repaired.rtx) {
				return nil
			}
		}
		return []time.Duration{0}
	}
}

// nacks returns the numbers that an end asked for, and who asked.
func (c *call) nacks(from int) (numbers []uint16, asker uint32) {
	for _, p := range c.rtcps(from) {
		for _, m := range p.messages {
			if n, ok := m.(*rtcp.TransportLayerNack); ok {
				numbers, asker = nack.Unpack(numbers, n.Nacks), n.SenderSSRC
			}
		}
	}
	return numbers, asker
}

// A lost packet is asked for, by the SSRC of its media type, and sent again in a
// stream of its own with the original number in front; the frame is in time.
//
// conformance: ROB-6.1-5, ROB-6.1-3, RTP-4.1-24
func TestRetransmission(t *testing.T) {
	voice := stream{name: "voice", kind: endpoints.Audio, from: "AB", pt: 111}
	c := newCall(t, setup{streams: []stream{voice, repaired}, rtcp: brisk, repair: endpoints.DefaultRepair(), extensions: withMID})
	lost := map[uint16]bool{}
	c.drop(func(seq uint16, again bool) bool {
		if !again && seq%50 == 0 && c.now > 1e9 && c.now < 9e9 {
			lost[seq] = true
			return true
		}
		return false
	})
	c.run(10 * time.Second)
	asked, asker := c.nacks(1)
	video := c.sessions[1].Sections()[1]
	if len(lost) < 5 || len(asked) != len(lost) || asker != video.SSRC() {
		t.Errorf("%d packets lost, %d asked for, by %x; the video's SSRC is %x", len(lost), len(asked), asker, video.SSRC())
	}
	seqs, again := map[uint16]bool{}, 0
	var own uint32
	for _, p := range c.rtps() {
		switch p.PayloadType {
		case repaired.rtx:
			again++
			own = p.SSRC
			osn := uint16(p.Payload[0])<<8 | uint16(p.Payload[1])
			if !lost[osn] || seqs[p.SequenceNumber] {
				t.Errorf("retransmission %d of packet %d", p.SequenceNumber, osn)
			}
			seqs[p.SequenceNumber] = true
		case repaired.pt:
			if p.SSRC != c.sessions[0].Sections()[1].SSRC() {
				t.Fatalf("media with SSRC %x", p.SSRC)
			}
		}
	}
	if again != len(lost) || own == c.sessions[0].Sections()[1].SSRC() {
		t.Errorf("%d packets sent again, with SSRC %x", again, own)
	}
	if name := c.lastCNAME(0, own); name == "" || name != c.lastCNAME(0, c.sessions[0].Sections()[1].SSRC()) {
		t.Errorf("the retransmission stream's CNAME is %q", name)
	}
	n := c.sessions[1].RepairCounts()
	if n.Restored != uint64(len(lost)) || n.Needless != 0 || n.RefreshesSent != 0 {
		t.Errorf("%+v", n)
	}
	if got := c.count(1, endpoints.FrameUndecodable) + c.count(1, endpoints.FrameLost) + c.count(1, endpoints.FrameLate); got != 0 {
		t.Errorf("%d frames weren't shown", got)
	}
	// The report is about what the network did (RFC 4588 §6.3).
	last := c.blocks(1)[len(c.blocks(1))-1]
	total := uint32(0)
	for _, b := range c.blocks(1) {
		if b.SSRC == c.sessions[0].Sections()[1].SSRC() {
			total = b.TotalLost
		}
	}
	if total != uint32(len(lost)) {
		t.Errorf("%d losses reported, last block %+v", total, last)
	}
}

// A sender may ignore what it is asked for (RFC 8834 §6.1); the call goes on with
// key frames.
//
// conformance: ROB-6.1-2, CNF-5.1.2-1
func TestIgnoredNACK(t *testing.T) {
	r := endpoints.DefaultRepair()
	r.IgnoreNACK = true
	c := newCall(t, setup{streams: []stream{repaired, talkback}, rtcp: brisk, repair: r})
	c.drop(func(seq uint16, _ bool) bool { return seq%100 == 0 && c.now > 1e9 })
	c.run(10 * time.Second)
	a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
	if a.NACKsReceived == 0 || a.Retransmitted != 0 {
		t.Errorf("%+v", a)
	}
	if b.RefreshesSent == 0 || a.RefreshesObeyed == 0 {
		t.Errorf("no key frame was asked for: %+v, %+v", a, b)
	}
	if shown := c.count(1, endpoints.FrameRendered); shown < 200 {
		t.Errorf("%d frames of 250 shown", shown)
	}
}

// A packet that couldn't come in time isn't asked for, nor sent again; the picture
// is refreshed instead.
//
// conformance: ROB-6.1-6, ROB-6.1-7
func TestLongRoundTrip(t *testing.T) {
	for _, tt := range []struct {
		delay time.Duration
		asks  bool
	}{{20 * time.Millisecond, true}, {200 * time.Millisecond, false}} {
		c := newCall(t, setup{streams: []stream{repaired, talkback}, rtcp: brisk, repair: endpoints.DefaultRepair(), delay: tt.delay})
		c.drop(func(seq uint16, _ bool) bool { return seq%100 == 0 && c.now > 3e9 })
		c.run(10 * time.Second)
		n := c.sessions[1].RepairCounts()
		if asks := n.Requested > 0; asks != tt.asks || n.RefreshesSent > 0 == tt.asks {
			t.Errorf("round trip of %v: %+v", 2*tt.delay, n)
		}
	}
}

// A retransmission that is lost is asked for again after a round trip, by its
// original number.
//
// conformance: ROB-6.1-10
func TestLostRetransmission(t *testing.T) {
	c := newCall(t, setup{streams: []stream{repaired, talkback}, rtcp: brisk, repair: endpoints.DefaultRepair(), delay: 5 * time.Millisecond})
	const victim = 120
	first, dropped := uint16(0), 0
	c.drop(func(seq uint16, again bool) bool {
		if first == 0 {
			first = seq
		}
		if again {
			dropped++
			return dropped == 1
		}
		return seq == first+victim
	})
	c.run(3 * time.Second)
	asked, _ := c.nacks(1)
	if len(asked) != 2 || asked[0] != first+victim || asked[1] != first+victim {
		t.Errorf("asked for %v, want %d twice", asked, first+victim)
	}
	if n := c.sessions[1].RepairCounts(); n.Restored != 1 || dropped != 2 {
		t.Errorf("%+v, %d retransmissions", n, dropped)
	}
}

// A refresh point is asked for by PLI or FIR; the next frame is a key frame, and
// the request is repeated until it comes: FIR with the same sequence number
// (RFC 5104 §4.3.1.1).
//
// conformance: CNF-5.1.1-1, CNF-5.1.1-3, CNF-5.1.2-1
func TestRefresh(t *testing.T) {
	for _, kind := range []endpoints.Refresh{endpoints.RefreshPLI, endpoints.RefreshFIR} {
		c := newCall(t, setup{streams: []stream{repaired}, rtcp: brisk, repair: endpoints.RepairConfig{Decoder: true, Refresh: kind}})
		first, requests := uint16(0), 0
		seqs := map[uint8]int{}
		c.path = func(p *tapped) []time.Duration {
			if p.from == 1 && p.isRTCP() {
				for _, m := range c.parse(p.payload) {
					switch m := m.(type) {
					case *rtcp.PictureLossIndication:
						requests++
					case *rtcp.FullIntraRequest:
						requests++
						seqs[m.FIR[0].SequenceNumber]++
					default:
						continue
					}
					if requests <= 2 {
						return nil
					}
				}
				return []time.Duration{0}
			}
			var h rtp.Header
			if p.from == 0 && !p.isRTCP() {
				if _, err := h.Unmarshal(p.payload); err != nil {
					t.Fatal(err)
				}
				if first == 0 {
					first = h.SequenceNumber
				}
				if h.SequenceNumber == first+60 {
					return nil
				}
			}
			return []time.Duration{0}
		}
		c.run(5 * time.Second)
		a, b := c.sessions[0].RepairCounts(), c.sessions[1].RepairCounts()
		if requests != 3 || b.RefreshesSent != 3 || a.RefreshesHeard != 1 || a.RefreshesObeyed != 1 {
			t.Errorf("%s: %d requests; %+v, %+v", kind, requests, a, b)
		}
		if kind == endpoints.RefreshFIR && len(seqs) != 1 {
			t.Errorf("sequence numbers %v, want one for all repeats", seqs)
		}
		shown := c.count(1, endpoints.FrameRendered)
		useless := c.count(1, endpoints.FrameUndecodable)
		if shown+useless < 120 || useless < 10 || useless > 30 {
			t.Errorf("%s: %d frames shown, %d useless", kind, shown, useless)
		}
	}
}

// Whoever sends a PLI leaves it to the sender what to do: one that comes just after a
// refresh point, which the peer can't have seen yet, makes none. A FIR always does
// (RFC 5104 §4.3.1.5).
//
// conformance: CNF-5.1.2-2
func TestPLILeavesRepairToTheSender(t *testing.T) {
	for _, tt := range []struct {
		name    string
		request func(n uint8, from, to uint32) rtcp.Packet
		want    uint64 // refresh points
	}{
		{"PLI", func(_ uint8, from, to uint32) rtcp.Packet {
			return &rtcp.PictureLossIndication{SenderSSRC: from, MediaSSRC: to}
		}, 1},
		{"FIR", func(n uint8, from, to uint32) rtcp.Packet {
			return &rtcp.FullIntraRequest{SenderSSRC: from, FIR: []rtcp.FIREntry{{SSRC: to, SequenceNumber: n}}}
		}, 2},
	} {
		c := newCall(t, setup{streams: []stream{repaired}, rtcp: brisk, delay: 100 * time.Millisecond})
		c.run(3 * time.Second)
		before := c.sessions[0].RepairCounts().RefreshesObeyed
		for n := range uint8(2) { // both within a round trip, with frames between them
			b, err := tt.request(n, c.sessions[1].Sections()[0].SSRC(), c.sessions[0].Sections()[0].SSRC()).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			c.inject(0, b)
			c.run(150 * time.Millisecond)
		}
		if got := c.sessions[0].RepairCounts().RefreshesObeyed - before; got != tt.want {
			t.Errorf("%s: %d refresh points, want %d", tt.name, got, tt.want)
		}
	}
}

// Repeated FIRs within two round trips after the refresh point make no other
// (RFC 5104 §3.5.1.1).
//
// conformance: CNF-5.1.1-3
func TestRepeatedFIR(t *testing.T) {
	c := newCall(t, setup{streams: []stream{repaired}, rtcp: brisk, delay: 100 * time.Millisecond})
	c.run(3 * time.Second)
	before := c.sessions[0].RepairCounts().RefreshesObeyed
	for range 5 {
		b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.FullIntraRequest{
			SenderSSRC: c.sessions[1].Sections()[0].SSRC(),
			FIR:        []rtcp.FIREntry{{SSRC: c.sessions[0].Sections()[0].SSRC(), SequenceNumber: 7}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		c.inject(0, b)
		c.run(50 * time.Millisecond)
	}
	if n := c.sessions[0].RepairCounts().RefreshesObeyed - before; n != 1 {
		t.Errorf("%d key frames for five repeats of a request", n)
	}
}

// What is sent again comes off the rate of what is new.
//
// conformance: ROB-6-1
func TestRepairCountsAgainstTheTarget(t *testing.T) {
	const target = 300 * units.Kbps
	s := setup{streams: []stream{repaired, talkback}, rtcp: brisk, repair: endpoints.DefaultRepair(), rate: 600 * units.Kbps, feedback: endpoints.FeedbackRFC8888}
	s.least = 50 * units.Kbps
	c := newCall(t, s)
	random := rng.New(1).Stream("loss")
	c.drop(func(uint16, bool) bool { return random.Bool(0.1) })
	c.cc[0].target = ccontrol.Target{Media: target, Pacing: 2 * target}
	c.run(20 * time.Second)
	var media, again units.Bytes
	for i := range c.log {
		p := &c.log[i]
		switch {
		case p.from != 0 || p.isRTCP():
		case p.payload[1]&0x7f == repaired.rtx:
			again += p.size
		default:
			media += p.size
		}
	}
	all := float64(8*(media+again)) / 20
	if again < media/20 || all > 1.03*float64(target) || all < 0.85*float64(target) {
		t.Errorf("%v of media and %v of repairs in 20 s: %.0f bit/s, want %v", media, again, all, target)
	}
}

// An endpoint obeys TMMBR with its overhead, tells who owns the limit, and a limit
// of one SSRC isn't lifted by another (RFC 5104 §4.2).
//
// conformance: CNF-5.1.6-1, CNF-5.1.6-3
func TestLimit(t *testing.T) {
	s := setup{streams: []stream{repaired}, rtcp: brisk, rate: 800 * units.Kbps, extensions: []headerext.Entry{{ID: 1, URI: headerext.AbsSendTime.URI()}}}
	s.least = 50 * units.Kbps
	c := newCall(t, s)
	c.cc[0].target = ccontrol.Target{Media: 2 * units.Mbps, Pacing: 4 * units.Mbps}
	rate := func(from, to time.Duration) float64 {
		sum := units.Bytes(0)
		for i := range c.log {
			if p := &c.log[i]; p.from == 0 && !p.isRTCP() && p.at.Duration() >= from && p.at.Duration() < to {
				sum += p.size
			}
		}
		return float64(8*sum) / (to - from).Seconds()
	}
	c.run(5 * time.Second)
	c.sessions[1].Sections()[0].Limit(c.now, 300*units.Kbps)
	c.drain(1)
	c.run(10 * time.Second)
	c.sessions[1].Sections()[0].Unlimit(c.now)
	c.drain(1)
	c.run(5 * time.Second)
	before, limited, after := rate(2*time.Second, 5*time.Second), rate(6*time.Second, 15*time.Second), rate(17*time.Second, 20*time.Second)
	if before < 750e3 || limited > 300e3 || limited < 270e3 || after < 750e3 {
		t.Errorf("%.0f bit/s, with a limit of 300 kbit/s %.0f, then %.0f", before, limited, after)
	}
	n := c.sessions[0].RepairCounts()
	if n.LimitsReceived < 2 || n.LimitsNotified < 2 {
		t.Errorf("%+v", n)
	}
}

// A limit that is raised while the media sender doesn't know its round trip holds no longer:
// there is nothing to wait for.
func TestRaiseWithoutRoundTrip(t *testing.T) {
	s := setup{streams: []stream{repaired}, rate: 800 * units.Kbps}
	s.least = 50 * units.Kbps
	c := newCall(t, s)
	c.cc[0].target = ccontrol.Target{Media: 2 * units.Mbps, Pacing: 4 * units.Mbps}
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 && p.isRTCP() { // there is no report to answer
			return nil
		}
		return []time.Duration{0}
	}
	for limit := 300 * units.Kbps; limit <= 600*units.Kbps; limit += 50 * units.Kbps {
		c.sessions[1].Sections()[0].Limit(c.now, limit)
		c.drain(1)
		c.run(300 * time.Millisecond) // some notifications wait for their turn
	}
	if rtt := c.sessions[0].RTT(); rtt != 0 {
		t.Errorf("a round trip of %v", rtt)
	}
	if goal := c.sessions[0].Sections()[0].Goal(); goal < 450*units.Kbps || goal > 600*units.Kbps {
		t.Errorf("a goal of %v", goal)
	}
}
