package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// sink gets what a section of a middlebox receives, and passes it nowhere.
type sink struct{ passed []endpoints.Passing }

func (s *sink) Pass(_ simtime.Time, _ *endpoints.Section, p *endpoints.Passing) {
	s.passed = append(s.passed, *p)
}
func (*sink) Omit(simtime.Time, *endpoints.Section, uint32, uint64) {}

// A middlebox asks for what is missing as a receiver does: what was lost before a frame that
// nobody predicts from may be of one that others need, and is asked for again and again.
func TestTransitAsksForWhatIsMissing(t *testing.T) {
	for _, transit := range []bool{false, true} {
		s := &sink{}
		layered := videoFromA
		layered.layers = 3 // of which every other frame is discardable
		c := newCall(t, setup{streams: []stream{layered}, repair: endpoints.DefaultRepair(), edit: func(end int, sc *endpoints.SessionConfig) {
			sc.PlayoutDelay = time.Second
			if end == 1 && transit {
				sc.Sections[0].Transit = s
			}
		}})
		frames, lost := 0, map[uint16]int{}
		c.path = func(p *tapped) []time.Duration {
			if p.from != 0 || p.isRTCP() || p.payload[1]&0x80 == 0 {
				return []time.Duration{0}
			}
			if frames++; frames%24 == 9 && p.at < simtime.At(9*time.Second) { // of the lowest layer, before one of the highest
				lost[uint16(p.payload[2])<<8|uint16(p.payload[3])] = 0
				return nil
			}
			return []time.Duration{0}
		}
		c.run(10 * time.Second)
		for _, p := range c.rtcps(1) {
			for _, m := range p.messages {
				if n, ok := m.(*rtcp.TransportLayerNack); ok {
					for _, seq := range nack.Unpack(nil, n.Nacks) {
						lost[seq]++
					}
				}
			}
		}
		for seq, requests := range lost {
			if requests < 5 {
				t.Errorf("transit %v: packet %d is asked for %d times", transit, seq, requests)
			}
		}
		if len(lost) < 8 || transit && len(s.passed) < 450 {
			t.Errorf("transit %v: %d losses, %d packets passed", transit, len(lost), len(s.passed))
		}
	}
}

// box is a middlebox between A, whose packets the test has, and B.
type box struct {
	t    *testing.T
	now  simtime.Time
	pool packet.Pool
	end  *endpoints.Endpoint
	legs [2]*endpoints.Section // to A and to B
	sent [2][]tapped           // to them
}

func (b *box) Pass(now simtime.Time, _ *endpoints.Section, p *endpoints.Passing) {
	b.legs[1].Forward(now, p)
}

func (b *box) Omit(now simtime.Time, _ *endpoints.Section, source uint32, seq uint64) {
	b.legs[1].Omit(now, source, seq)
}

func newBox(t *testing.T, edit func(leg int, sc *endpoints.SessionConfig)) *box {
	t.Helper()
	b := &box{t: t}
	random := rng.New(1)
	passage := &endpoints.Passage{}
	b.end = endpoints.New(endpoints.Config{Name: "M", Addr: 1, Pool: &b.pool, Random: random, Independent: true})
	for i, peer := range []string{"A", "B"} {
		sc := endpoints.SessionConfig{
			Local: packet.Addr{IP: 1, Port: uint16(1000 + i)}, Remote: packet.Addr{IP: packet.IPv4(2 + i), Port: 2000},
			Protection: protect.None, Keying: keying.NewPreshared(random, "M", peer), RTCP: quick, Feedback: endpoints.FeedbackNone,
			Repair: endpoints.DefaultRepair(), PlayoutDelay: 100 * time.Millisecond,
			Sections: []endpoints.SectionConfig{{Name: "video", Kind: endpoints.Video, Formats: []endpoints.Format{endpoints.VP8(96)}}},
		}
		if i == 0 {
			sc.Sections[0].Transit = b
		} else {
			sc.Controller = &steady{target: ccontrol.Target{Media: 4 * units.Mbps, Pacing: 40 * units.Mbps}}
			sc.Sections[0].Send = &endpoints.SendConfig{
				Encoder: passage, Clock: simtime.NewClock(0, 0), Stop: simtime.Never, PacketSize: 1200,
				Model: endpoints.NewStreamModel(endpoints.Video, 400*units.Kbps, 400*units.Kbps, 400*units.Kbps, 25, 1200, 10, 0),
			}
		}
		if edit != nil {
			edit(i, &sc)
		}
		c, err := b.end.Connect(0, endpoints.ConnectionConfig{Peer: peer, Sessions: []endpoints.SessionConfig{sc}})
		if err != nil {
			t.Fatal(err)
		}
		b.legs[i] = c.Sessions()[0].Sections()[0]
	}
	b.legs[1].Passage().From = b.legs[0]
	b.drain()
	return b
}

func (b *box) drain() {
	for p := b.end.PollPacket(b.now); p != nil; p = b.end.PollPacket(b.now) {
		to := int(p.Dst.IP) - 2
		b.sent[to] = append(b.sent[to], tapped{at: b.now, payload: slices.Clone(p.Payload), size: p.Size})
		b.pool.Release(p)
	}
	for _, ok := b.end.PollEvent(); ok; _, ok = b.end.PollEvent() {
	}
}

// run lets time go by.
func (b *box) run(until simtime.Time) {
	for {
		at, _ := b.end.NextTimeout()
		if at > until {
			b.now = until
			return
		}
		b.now = max(at, b.now)
		b.end.HandleTimeout(b.now)
		b.drain()
	}
}

// from hands over a packet of a peer.
func (b *box) from(peer int, payload []byte) {
	p := b.pool.New()
	copy(p.SetPayload(len(payload)), payload)
	p.Src, p.Dst = packet.Addr{IP: packet.IPv4(2 + peer), Port: 2000}, packet.Addr{IP: 1, Port: uint16(1000 + peer)}
	b.end.HandlePacket(b.now, p)
	b.drain()
}

// play hands over A's packets up to a time, of a call that the test had before.
func (b *box) play(c *call, until simtime.Time) {
	for i := range c.log {
		if p := &c.log[i]; p.from == 0 && !p.isRTCP() && p.at >= b.now && p.at < until {
			b.run(p.at)
			b.from(0, p.payload)
		}
	}
	b.run(until)
}

// told returns the messages to a peer since a time.
func (b *box) told(peer int, since simtime.Time) (list []sentRTCP) {
	for i := range b.sent[peer] {
		if p := &b.sent[peer][i]; p.isRTCP() && p.at >= since {
			messages, err := rtcp.Unmarshal(p.payload)
			if err != nil {
				b.t.Fatal(err)
			}
			list = append(list, sentRTCP{p.at, messages, p})
		}
	}
	return list
}

// A FIR that comes right after a key frame is obeyed when that isn't so young any more, by
// whoever asks for key frames elsewhere as well (RFC 5104 §4.3.1.2).
func TestPassageObeysEarlyFIR(t *testing.T) {
	source := newCall(t, setup{streams: []stream{videoFromA}})
	source.run(2 * time.Second)
	b := newBox(t, nil)
	const key = 30 * time.Millisecond // after the first frame, which is one
	b.play(source, simtime.At(key))
	b.from(1, marshal(t, &rtcp.ReceiverReport{SSRC: 7}, &rtcp.FullIntraRequest{SenderSSRC: 7, FIR: []rtcp.FIREntry{{SSRC: b.legs[1].SSRC(), SequenceNumber: 1}}}))
	b.play(source, simtime.At(time.Second))
	var asked []simtime.Time
	for _, p := range b.told(0, 0) {
		for _, m := range p.messages {
			if _, ok := m.(*rtcp.PictureLossIndication); ok {
				asked = append(asked, p.at)
			}
		}
	}
	if len(asked) == 0 || asked[0] < simtime.At(100*time.Millisecond) || asked[0] > simtime.At(250*time.Millisecond) {
		t.Errorf("A is asked for a key frame at %v", asked)
	}
}

// What waits on a leg when its SSRC collides goes under the new one with the timestamp that it
// came with.
func TestPassageKeepsTimestamps(t *testing.T) {
	source := newCall(t, setup{streams: []stream{videoFromA}})
	source.run(2 * time.Second)
	b := newBox(t, func(leg int, sc *endpoints.SessionConfig) {
		if leg == 1 {
			sc.Controller = &steady{target: ccontrol.Target{Media: 4 * units.Mbps, Pacing: 420 * units.Kbps}}
		}
	})
	b.play(source, simtime.At(405*time.Millisecond)) // some of a frame has left
	old, held := b.legs[1].SSRC(), b.end.Held()
	b.from(1, audioPacket(t, old, 1, 1, 96, false))
	if b.legs[1].SSRC() == old || held == 0 {
		t.Fatalf("the SSRC is still %08x, %d packets wait", b.legs[1].SSRC(), held)
	}
	b.play(source, simtime.At(time.Second))
	came := map[uint32]int{}
	for _, p := range source.rtps() {
		came[p.Timestamp]++
	}
	renamed := 0
	for i := range b.sent[1] {
		var p rtp.Packet
		if tap := &b.sent[1][i]; tap.isRTCP() {
			continue
		} else if err := p.Unmarshal(tap.payload); err != nil {
			t.Fatal(err)
		}
		if came[p.Timestamp]--; came[p.Timestamp] < 0 {
			t.Errorf("a packet of %08x has the timestamp %d, which none came with", p.SSRC, p.Timestamp)
		}
		if p.SSRC != old {
			renamed++
		}
	}
	if renamed < 20 {
		t.Errorf("%d packets have the new SSRC", renamed)
	}
}
