package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

const ridID, repairedID = 5, 6

var withRID = []headerext.Entry{
	{ID: midID, URI: headerext.MID.URI()}, {ID: ridID, URI: headerext.RID.URI()}, {ID: repairedID, URI: headerext.RepairedRID.URI()},
}

// threeEncodings is a call with a voice, a camera in three encodings that are one media section, and a screen.
func threeEncodings() setup {
	high := stream{name: "high", kind: endpoints.Video, from: "A", pt: 96, rtx: 97}
	talk, middle, low, screen := voice, high, high, high
	talk.from = "AB" // so that both know the round-trip time
	middle.name, low.name, screen.name = "middle", "low", "screen"
	return setup{
		streams: []stream{talk, high, middle, low, screen}, extensions: withRID,
		rtcp: brisk, rate: 2 * units.Mbps, least: 1 * units.Mbps,
		edit: func(_ int, sc *endpoints.SessionConfig) {
			for i, rid := range []string{"h", "m", "l"} {
				sc.Sections[1+i].Source, sc.Sections[1+i].RID = "camera", rid
			}
		},
	}
}

// said returns what the packets of an SSRC of the first end say by a header extension, in order, and how many have it.
func (c *call) said(ssrc uint32, id uint8) (values []string, n int) {
	for _, p := range c.log {
		var h rtp.Header
		if p.from != 0 || p.isRTCP() {
			continue
		}
		if _, err := h.Unmarshal(p.payload); err != nil {
			c.t.Fatal(err)
		}
		if h.SSRC != ssrc {
			continue
		}
		if v := h.GetExtension(id); v != nil {
			n++
			if !slices.Contains(values, string(v)) {
				values = append(values, string(v))
			}
		}
	}
	return values, n
}

// Encodings of one source are one media section, which their first packets and SDES name, with a RID for each, or for
// what it repairs. SSRCs aren't signalled.
//
// conformance: IMP-12.8-1
func TestEncodingsOfOneSource(t *testing.T) {
	s := threeEncodings()
	s.repair = endpoints.DefaultRepair()
	c := newCall(t, s)
	n := 0
	c.path = func(p *tapped) []time.Duration {
		if n++; p.from == 0 && !p.isRTCP() && c.now > 1e9 && n%101 == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	c.run(4 * time.Second)
	names := map[string]bool{}
	for _, e := range c.events[1] {
		if e.Kind == endpoints.FrameRendered {
			names[e.Section.Name()] = true
			if at := slices.IndexFunc(c.sessions[0].Sections(), func(m *endpoints.Section) bool { return m.SSRC() == e.SSRC }); at < 0 || c.sessions[0].Sections()[at].Name() != e.Section.Name() {
				t.Fatalf("a frame of %08x is played in section %s", e.SSRC, e.Section.Name())
			}
		}
	}
	if len(names) != 5 {
		t.Errorf("played in %v, want the voice, three encodings and the screen", names)
	}
	if n := c.sessions[1].Counts().Unassociated; n != 0 {
		t.Errorf("%d packets belong nowhere", n)
	}
	if r := c.sessions[0].RepairCounts(); r.Retransmitted == 0 {
		t.Errorf("nothing was sent again: %+v %+v", r, c.sessions[1].RepairCounts())
	}
	for i, want := range []struct{ mid, rid string }{{"0", ""}, {"1", "h"}, {"1", "m"}, {"1", "l"}, {"2", ""}} {
		m := c.sessions[0].Sections()[i]
		if mids, _ := c.said(m.SSRC(), midID); !slices.Equal(mids, []string{want.mid}) {
			t.Errorf("%s: packets say MIDs %q", m.Name(), mids)
		}
		rids, n := c.said(m.SSRC(), ridID)
		if want.rid == "" && rids != nil || want.rid != "" && (!slices.Equal(rids, []string{want.rid}) || n > 100) {
			t.Errorf("%s: %d packets say RIDs %q", m.Name(), n, rids)
		}
		if got, _ := c.said(m.SSRC(), repairedID); got != nil {
			t.Errorf("%s: media say that they repair %q", m.Name(), got)
		}
		if i == 0 {
			continue
		}
		if got, _ := c.said(m.RepairSSRC(), repairedID); want.rid != "" && !slices.Equal(got, []string{want.rid}) {
			t.Errorf("%s: retransmissions say that they repair %q", m.Name(), got)
		}
		for item, of := range map[rtcp.SDESType]uint32{wire.SDESRtpStreamID: m.SSRC(), wire.SDESRepairedRtpStreamID: m.RepairSSRC()} {
			told := map[string]bool{}
			for _, p := range c.rtcps(0) {
				for _, message := range p.messages {
					if d, ok := message.(*rtcp.SourceDescription); ok {
						if text, ok := wire.Item(d, of, item); ok {
							told[text] = true
						}
					}
				}
			}
			if want.rid == "" && len(told) > 0 || want.rid != "" && (len(told) != 1 || !told[want.rid]) {
				t.Errorf("%s: SDES says %v", m.Name(), told)
			}
		}
	}
}

// A peer that hasn't agreed to several encodings gets the first one, in packets that don't tell.
func TestEncodingsThatNobodyWants(t *testing.T) {
	s := threeEncodings()
	s.repair = endpoints.DefaultRepair()
	c := newCall(t, s)
	lost := 0
	c.path = func(p *tapped) []time.Duration {
		if lost++; p.from == 0 && !p.isRTCP() && lost%29 == 0 {
			return nil
		}
		return []time.Duration{0}
	}
	for i, m := range c.sessions[0].Sections() {
		m.Simulcast(false)
		if i == 2 || i == 3 {
			m.Hold(c.now)
		}
	}
	c.run(2 * time.Second)
	high := c.sessions[0].Sections()[1]
	if mids, _ := c.said(high.SSRC(), midID); !slices.Equal(mids, []string{"1"}) {
		t.Errorf("MIDs %q", mids)
	}
	if rids, _ := c.said(high.SSRC(), ridID); rids != nil {
		t.Errorf("RIDs %q", rids)
	}
	if got := c.sectionOf(high.SSRC()); got != "high" {
		t.Errorf("played in %q", got)
	}
	if got := c.sectionOf(c.sessions[0].Sections()[2].SSRC()); got != "" {
		t.Errorf("what is held was played in %q", got)
	}
	if n := c.sessions[0].RepairCounts().Retransmitted; n == 0 {
		t.Error("nothing was sent again")
	}
	if again, _ := c.said(high.RepairSSRC(), repairedID); again != nil {
		t.Errorf("retransmissions say that they repair %q", again)
	}
	// An agreement lets packets tell, also those of a stream that the peer knows.
	for _, m := range c.sessions[0].Sections() {
		m.Simulcast(true)
		m.Release(c.now)
	}
	c.run(2 * time.Second)
	if rids, n := c.said(high.SSRC(), ridID); !slices.Equal(rids, []string{"h"}) || n < 2 {
		t.Errorf("%d packets say RIDs %q", n, rids)
	}
	if again, _ := c.said(c.sessions[0].Sections()[2].RepairSSRC(), repairedID); !slices.Equal(again, []string{"m"}) {
		t.Errorf("retransmissions say that they repair %q", again)
	}
	for _, m := range c.sessions[0].Sections()[1:4] {
		if got := c.sectionOf(m.SSRC()); got != m.Name() {
			t.Errorf("%s was played in %q", m.Name(), got)
		}
	}
}

// SDES tells the encoding as well, before any media; with a MID alone it is the first.
func TestEncodingInSDES(t *testing.T) {
	for _, tt := range []struct {
		items []rtcp.SourceDescriptionItem
		want  string
	}{
		{[]rtcp.SourceDescriptionItem{{Type: wire.SDESMID, Text: "1"}, {Type: wire.SDESRtpStreamID, Text: "l"}}, "low"},
		{[]rtcp.SourceDescriptionItem{{Type: wire.SDESRtpStreamID, Text: "m"}, {Type: wire.SDESMID, Text: "1"}}, "middle"},
		{[]rtcp.SourceDescriptionItem{{Type: wire.SDESMID, Text: "1"}, {Type: wire.SDESRepairedRtpStreamID, Text: "m"}}, "middle"},
		{[]rtcp.SourceDescriptionItem{{Type: wire.SDESMID, Text: "1"}}, "high"},
		{[]rtcp.SourceDescriptionItem{{Type: wire.SDESMID, Text: "1"}, {Type: wire.SDESRtpStreamID, Text: "x"}}, ""},
	} {
		c := newCall(t, threeEncodings())
		b, err := rtcp.Marshal([]rtcp.Packet{
			&rtcp.ReceiverReport{SSRC: 0x99},
			&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 0x99, Items: append([]rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x"}}, tt.items...)}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.inject(1, b)
		c.inject(1, picture(t, 0x99, 1, 96, ""))
		if got := c.sectionOf(0x99); got != tt.want {
			t.Errorf("%v: played in section %q, want %q", tt.items, got, tt.want)
		}
	}
}

// Where a packet belongs that says which media section, and maybe which encoding.
func TestAssociationOfEncodings(t *testing.T) {
	packetOf := func(ssrc uint32, seq uint16, mid, rid, repaired string) []byte {
		var p rtp.Packet
		if err := p.Unmarshal(picture(t, ssrc, seq, 96, mid)); err != nil {
			t.Fatal(err)
		}
		for id, v := range map[uint8]string{ridID: rid, repairedID: repaired} {
			if v != "" {
				if err := p.SetExtension(id, []byte(v)); err != nil {
					t.Fatal(err)
				}
			}
		}
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const ssrc = 0x1234
	for _, tt := range []struct {
		name    string
		packets [][]byte
		want    string
	}{
		{"RID", [][]byte{packetOf(ssrc, 1, "1", "m", "")}, "middle"},
		{"without a RID it is the first", [][]byte{packetOf(ssrc, 1, "1", "", "")}, "high"},
		{"unknown RID", [][]byte{packetOf(ssrc, 1, "1", "x", "")}, ""},
		{"RID of another media section", [][]byte{packetOf(ssrc, 1, "2", "m", "")}, "screen"},
		{"RID without a MID", [][]byte{packetOf(ssrc, 1, "", "m", "")}, ""},
		{"once said it holds for packets with the MID alone", [][]byte{packetOf(ssrc, 1, "1", "l", ""), packetOf(ssrc, 2, "1", "", "")}, "low"},
		{"known elsewhere", [][]byte{packetOf(ssrc, 1, "2", "", ""), packetOf(ssrc, 2, "1", "", "")}, "high"},
		{"the latest word counts", [][]byte{packetOf(ssrc, 1, "1", "l", ""), packetOf(ssrc, 2, "1", "m", "")}, "middle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCall(t, threeEncodings())
			for _, b := range tt.packets {
				c.inject(1, b)
			}
			if got := c.sectionOf(ssrc); got != tt.want {
				t.Errorf("played in section %q, want %q", got, tt.want)
			}
		})
	}
}

// FEC in a stream of its own names no encoding: it belongs where what it protects does, once that is known.
func TestRepairsOfEncodings(t *testing.T) {
	setup := threeEncodings()
	for i := range setup.streams[1:] {
		setup.streams[1+i].fec = 98
	}
	c := newCall(t, setup)
	repairs := func(seq uint16, protects uint32) []byte {
		p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 98, SequenceNumber: seq, SSRC: 0xfec, CSRC: []uint32{protects}}, Payload: make([]byte, 40)}
		if err := p.SetExtension(midID, []byte("1")); err != nil {
			t.Fatal(err)
		}
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	unassociated := func() uint64 { return c.sessions[1].Counts().Unassociated }
	c.inject(1, repairs(1, 0x77))
	if unassociated() != 1 {
		t.Error("repair data of what nobody knows belong somewhere")
	}
	media := rtp.Packet{}
	if err := media.Unmarshal(picture(t, 0x77, 1, 96, "1")); err != nil {
		t.Fatal(err)
	}
	if err := media.SetExtension(ridID, []byte("l")); err != nil {
		t.Fatal(err)
	}
	b, err := media.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.inject(1, b)
	c.inject(1, repairs(2, 0x77))
	if unassociated() != 1 {
		t.Error("repair data of what is known belong nowhere")
	}
	if got := c.sessions[1].SectionOf(0xfec); got == nil || got.Name() != "low" {
		t.Errorf("they belong to %v", got)
	}
}

// A session refuses encodings that can't be told apart.
func TestEncodingsAreDistinct(t *testing.T) {
	for _, tt := range []struct{ source, rid string }{{"camera", ""}, {"", "m"}, {"camera", "h"}, {"camera", "m-1"}, {"camera", "abcdefghijklmnopq"}} {
		s := threeEncodings()
		edit := s.edit
		s.edit = func(i int, sc *endpoints.SessionConfig) {
			edit(i, sc)
			sc.Sections[2].Source, sc.Sections[2].RID = tt.source, tt.rid
		}
		var pool packet.Pool
		random := rng.New(0)
		end := endpoints.New(endpoints.Config{Name: "A", Addr: addrs[0].IP, Pool: &pool, Random: random})
		if _, err := end.Connect(0, s.config(nil, random, 0, "A", "B")); err == nil {
			t.Errorf("source %q with RID %q is accepted", tt.source, tt.rid)
		}
	}
}
