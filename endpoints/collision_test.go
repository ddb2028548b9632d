package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
)

// byesOf returns how often an end said BYE for an SSRC.
func (c *call) byesOf(from int, ssrc uint32) (n int) {
	for _, p := range c.rtcps(from) {
		for _, m := range p.messages {
			if bye, ok := m.(*rtcp.Goodbye); ok && slices.Contains(bye.Sources, ssrc) {
				n++
			}
		}
	}
	return n
}

// reportBeforeBye returns whose report the packet begins with in which an end says BYE for an SSRC.
func (c *call) reportBeforeBye(from int, ssrc uint32) uint32 {
	for _, p := range c.rtcps(from) {
		for _, m := range p.messages {
			if bye, ok := m.(*rtcp.Goodbye); !ok || !slices.Contains(bye.Sources, ssrc) {
				continue
			}
			switch r := p.messages[0].(type) {
			case *rtcp.SenderReport:
				return r.SSRC
			case *rtcp.ReceiverReport:
				return r.SSRC
			}
		}
	}
	return 0
}

// lastCNAME returns the CNAME that an end last gave to an SSRC.
func (c *call) lastCNAME(from int, ssrc uint32) (name string) {
	for _, p := range c.rtcps(from) {
		for _, m := range p.messages {
			d, ok := m.(*rtcp.SourceDescription)
			if !ok {
				continue
			}
			for _, chunk := range d.Chunks {
				if chunk.Source == ssrc {
					name = chunk.Items[0].Text
				}
			}
		}
	}
	return name
}

// Both ends start with the same SSRC, as two may who choose before they hear of
// each other. Each leaves it with one BYE, keeps its CNAME, and the media go on.
//
// conformance: SSR-4.8-4, SSR-4.9-1, IMP-12.4-1
func TestCollisionOfBothEnds(t *testing.T) {
	const same = 0x5eed
	c := newCall(t, setup{streams: []stream{{
		name: "audio", kind: endpoints.Audio, from: "AB", pt: 97, ssrc: [2]uint32{same, same}, told: true,
	}}})
	c.run(5 * time.Second)
	next := [2]uint32{}
	for i, s := range c.sessions {
		next[i] = s.Sections()[0].SSRC()
		if n := c.byesOf(i, same); n != 1 {
			t.Errorf("end %d: %d BYEs for the old SSRC", i, n)
		}
		if n := c.count(i, endpoints.SSRCChanged); n != 1 {
			t.Errorf("end %d changed its SSRC %d times", i, n)
		}
		if by := c.reportBeforeBye(i, same); by != next[i] {
			t.Errorf("end %d says BYE for %x after a report of %x; want one of %x, so that nobody takes it to have left", i, same, by, next[i])
		}
		if a, b := c.lastCNAME(i, same), c.lastCNAME(i, next[i]); a != b || a == "" {
			t.Errorf("end %d: CNAMEs %q and %q", i, a, b)
		}
		if n := c.count(i, endpoints.FrameRendered); n < 240 {
			t.Errorf("end %d played %d frames of 250", i, n)
		}
		if s.Members() != 2 {
			t.Errorf("end %d knows %d members", i, s.Members())
		}
	}
	if next[0] == same || next[1] == same || next[0] == next[1] {
		t.Errorf("the new SSRCs are %08x and %08x", next[0], next[1])
	}
	// What follows has consecutive numbers and loses nothing.
	var numbers []uint16
	for _, p := range c.rtps() {
		if p.SSRC == next[0] {
			numbers = append(numbers, p.SequenceNumber)
		}
	}
	for i := 1; i < len(numbers); i++ {
		if numbers[i] != numbers[i-1]+1 {
			t.Fatalf("number %d after %d", numbers[i], numbers[i-1])
		}
	}
	if len(numbers) < 240 {
		t.Errorf("%d packets with the new SSRC", len(numbers))
	}
}

// A packet with our SSRC in the middle of a call: what waits in the pacer goes
// with the new one, and the RTP timestamps fit the new SRs.
//
// conformance: SSR-4.8-4
func TestCollisionKeepsWhatIsQueued(t *testing.T) {
	c := newCall(t, setup{streams: []stream{videoFromA}})
	c.run(time.Second)
	c.cc[0].target.Pacing = 450e3 // a queue in the pacer
	c.run(2 * time.Second)
	old := c.sessions[0].Sections()[0].SSRC()
	c.inject(0, audioPacket(t, old, 1, 1, videoFromA.pt, false))
	c.run(2 * time.Second)
	next := c.sessions[0].Sections()[0].SSRC()
	if next == old || c.byesOf(0, old) != 1 {
		t.Fatalf("SSRC %08x, then %08x; %d BYEs", old, next, c.byesOf(0, old))
	}
	packets := c.rtps()
	last := map[uint32]sentRTP{}
	for _, p := range packets {
		if before, ok := last[p.SSRC]; ok && p.SequenceNumber != before.SequenceNumber+1 {
			t.Fatalf("SSRC %08x: number %d after %d", p.SSRC, p.SequenceNumber, before.SequenceNumber)
		}
		last[p.SSRC] = p
	}
	// The change cuts one frame in two, each half of which is lost for itself.
	if n := c.count(1, endpoints.FrameLost); n > 2 {
		t.Errorf("%d frames lost", n)
	}
	// RTP timestamps and SRs of the new SSRC are on one line.
	srs := c.srs(next)
	if len(srs) == 0 {
		t.Fatal("no SR of the new SSRC")
	}
	sr := srs[len(srs)-1]
	p := last[next]
	if d := int32(sr.RTPTime - p.Timestamp); d < -90000 || d > 90000 {
		t.Errorf("the SR's RTP time is %d ticks from the last packet's", d)
	}
}

// RFC 5576 §5: who has signalled its SSRC waits to see whether the other moves.
//
// conformance: SSR-4.8-6
func TestSignalledSourceWaits(t *testing.T) {
	const same = 0x5eed
	c := newCall(t, setup{streams: []stream{{
		name: "audio", kind: endpoints.Audio, from: "A", pt: 97, ssrc: [2]uint32{same, 0},
	}}})
	c.run(2 * time.Second)
	for n := range uint16(4) { // somebody unsignalled, who goes away
		c.inject(0, audioPacket(t, same, n, uint32(n), 97, false))
	}
	c.run(time.Second)
	if c.count(0, endpoints.SSRCChanged) != 0 {
		t.Fatal("it gave way at once")
	}
	for n := range uint16(100) { // and one who stays
		c.inject(0, audioPacket(t, same, n, uint32(n), 97, false))
		c.run(20 * time.Millisecond)
	}
	if n := c.count(0, endpoints.SSRCChanged); n != 1 {
		t.Errorf("%d changes", n)
	}
	if c.sessions[0].Sections()[0].SSRC() == same {
		t.Error("it still has the contested SSRC")
	}
}

// RFC 3550 §8.2: third parties that collide are counted; the established one
// stays.
//
// conformance: SSR-4.8-5
func TestThirdPartyCollision(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	c.run(2 * time.Second)
	ssrc := c.sessions[0].Sections()[0].SSRC()
	c.inject(1, marshal(t, &rtcp.ReceiverReport{SSRC: ssrc}, &rtcp.SourceDescription{
		Chunks: []rtcp.SourceDescriptionChunk{{
			Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "somebody else"}},
		}},
	}))
	c.run(2 * time.Second)
	if n := c.sessions[1].Counts(); n.ThirdPartyCollisions != 1 || n.ThirdPartyLoops != 0 {
		t.Errorf("%+v", n)
	}
	if n := c.count(1, endpoints.FrameRendered); n < 190 {
		t.Errorf("%d frames of the established source", n)
	}
}

// RFC 3550 §6.3.3: contributing sources are members, until their BYE.
//
// conformance: RTP-4.1-4
func TestContributingSources(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	c.run(time.Second)
	members := c.sessions[1].Members()
	packet := c.rtps()[0].Packet
	packet.SSRC, packet.SequenceNumber = 77, 1
	for i := range uint32(15) {
		packet.CSRC = append(packet.CSRC, 100+i)
	}
	b, err := packet.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.inject(1, b)
	if n := c.sessions[1].Members(); n != members+16 {
		t.Errorf("%d members, want %d", n, members+16)
	}
	if n := c.sessions[1].Counts(); n.Malformed != 0 {
		t.Errorf("%+v", n)
	}
	c.inject(1, marshal(t, &rtcp.ReceiverReport{SSRC: 77}, &rtcp.Goodbye{Sources: []uint32{100, 101}}))
	if n := c.sessions[1].Members(); n != members+14 {
		t.Errorf("%d members after two BYEs, want %d", n, members+14)
	}
}
