package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
)

// tagged gives a packet another section's identification tag, and a number.
func tagged(t *testing.T, b []byte, mid string, seq uint16) []byte {
	t.Helper()
	var p rtp.Packet
	if err := p.Unmarshal(b); err != nil {
		t.Fatal(err)
	}
	p.SequenceNumber = seq
	if err := p.SetExtension(midID, []byte(mid)); err != nil {
		t.Fatal(err)
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A peer may move an SSRC to another section, of another kind, at any time (RFC 9143
// §9.2). What was waited for in the old one is forgotten, and reports go on.
func TestSourceMovesBetweenKinds(t *testing.T) {
	talkative := endpoints.ExtendedReports{LossRLE: true, Summary: true, VoIPMetrics: true}
	repair := endpoints.DefaultRepair()
	repair.Adaptive = true
	for _, lipSync := range []bool{false, true} {
		c := newCall(t, setup{
			streams: []stream{front, rear, voice}, extensions: withMID, rtcp: brisk, repair: repair,
			extended: talkative, lipSync: lipSync,
		})
		c.run(time.Second)
		const ssrc = 0x77
		seq := uint16(1000)
		for range 3 {
			// A gap, so that something is asked for and waited for.
			c.inject(1, tagged(t, picture(t, ssrc, 1, 96, ""), "0", seq))
			c.inject(1, tagged(t, picture(t, ssrc, 2, 96, ""), "0", seq+5))
			c.run(10 * time.Millisecond)
			for i := range uint16(5) {
				c.inject(1, tagged(t, audioPacket(t, ssrc, 1, 960*uint32(seq+i), 111, false), "2", seq+10+2*i))
				c.run(20 * time.Millisecond)
			}
			c.run(300 * time.Millisecond)
			seq += 100
		}
		c.run(2 * time.Second)
		if n := c.sessions[1].Counts(); n.Malformed > 0 {
			t.Errorf("%+v", n)
		}
		if got := c.sectionOf(ssrc); got != "voice" {
			t.Errorf("played in section %q", got)
		}
	}
}

// The loudest streams are those that are decoded also where packets have redundant data,
// and VoIP metrics go on about those that aren't.
func TestDecodeTopOfRedundantAudio(t *testing.T) {
	voices := []stream{
		{name: "a", kind: endpoints.Audio, from: "A", pt: 111, red: 63, repeats: 1},
		{name: "b", kind: endpoints.Audio, from: "A", pt: 111, red: 63, repeats: 1},
		{name: "c", kind: endpoints.Audio, from: "A", pt: 111, red: 63, repeats: 1},
	}
	for _, limit := range []string{"decode-top", "max-ssrc"} {
		c := newCall(t, setup{
			streams: voices, rtcp: brisk, extended: endpoints.ExtendedReports{VoIPMetrics: true},
			extensions: append([]headerext.Entry{{ID: 1, URI: headerext.AudioLevel.URI()}}, withMID...),
			edit: func(_ int, sc *endpoints.SessionConfig) {
				if limit == "decode-top" {
					sc.DecodeTop = 2
				} else {
					sc.MaxSSRC = 2
				}
			},
		})
		c.run(10 * time.Second)
		played := map[uint32]int{}
		for _, e := range c.events[1] {
			if e.Kind == endpoints.FrameRendered {
				played[e.SSRC]++
			}
		}
		if len(played) != 2 {
			t.Errorf("%s: %d streams are played: %v", limit, len(played), played)
		}
		for ssrc, n := range played {
			if n < 480 {
				t.Errorf("%s: %d frames of %08x", limit, n, ssrc)
			}
		}
		if n := c.sessions[1].Counts(); n.Undecoded < 480 {
			t.Errorf("%s: %d packets weren't decoded", limit, n.Undecoded)
		}
	}
}

// A stream that loses its place has no buffer, of which VoIP metrics could tell.
func TestDecodeTopWithMetrics(t *testing.T) {
	c := newCall(t, setup{
		streams:    []stream{{name: "a", kind: endpoints.Audio, from: "A", pt: 111}, {name: "b", kind: endpoints.Audio, from: "A", pt: 111}},
		extensions: append([]headerext.Entry{{ID: 1, URI: headerext.AudioLevel.URI()}}, withMID...), rtcp: brisk,
		extended: endpoints.ExtendedReports{VoIPMetrics: true},
		edit:     func(_ int, sc *endpoints.SessionConfig) { sc.DecodeTop = 1 },
	})
	loud := 0 // whose packets say that somebody shouts
	c.mangle = func(b []byte) []byte {
		if b[1] >= 192 && b[1] <= 223 || b[0]&0x10 == 0 {
			return b
		}
		var p rtp.Packet
		if err := p.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		level := byte(100)
		if p.SSRC == c.sessions[0].Sections()[loud].SSRC() {
			level = 10
		}
		if err := p.SetExtension(1, []byte{level}); err != nil {
			t.Fatal(err)
		}
		out, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for range 6 {
		c.run(2 * time.Second)
		loud = 1 - loud
	}
	if n := c.count(1, endpoints.StreamDeselected); n != 5 {
		t.Errorf("%d changes, want 5", n)
	}
	if n := c.count(1, endpoints.FrameRendered); n < 400 || n > 620 {
		t.Errorf("%d frames of the one that is loud", n)
	}
}
