package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/wire"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const midID = 4

// twoCameras are two sections with the same payload type; voice has its own.
var (
	front = stream{name: "front", kind: endpoints.Video, from: "A", pt: 96}
	rear  = stream{name: "rear", kind: endpoints.Video, from: "A", pt: 96}
	voice = stream{name: "voice", kind: endpoints.Audio, from: "A", pt: 111}

	withMID = []headerext.Entry{{ID: midID, URI: headerext.MID.URI()}}
)

// picture makes a packet with a whole frame of VP8, with a MID if not empty.
func picture(t *testing.T, ssrc uint32, seq uint16, pt uint8, mid string) []byte {
	t.Helper()
	p := rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, PayloadType: pt, SequenceNumber: seq, Timestamp: 3600 * uint32(seq), SSRC: ssrc},
		Payload: append([]byte{0x90, 0x80, 0x80, byte(seq), 0x11}, make([]byte, 60)...),
	}
	if mid != "" {
		if err := p.SetExtension(midID, []byte(mid)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sectionOf returns the section in which the second end played frames of an SSRC; "" if
// there were none.
func (c *call) sectionOf(ssrc uint32) string {
	name := ""
	for _, e := range c.events[1] {
		if e.Kind == endpoints.FrameRendered && e.SSRC == ssrc {
			name = e.Section.Name()
		}
	}
	return name
}

// RFC 9143 §9.2: MID, then SSRC, then a payload type that one section alone has;
// otherwise the payload is discarded. Whatever becomes of it, the packet counts as
// received.
//
// conformance: SES-4.4-7, PT-4.3-8, PT-4.3-4, SIG-10-4
func TestAssociation(t *testing.T) {
	told := rear
	told.ssrc, told.told = [2]uint32{0x77, 0}, true
	const ssrc = 0x1234
	for _, tt := range []struct {
		name    string
		ssrc    uint32
		packets func() [][]byte
		want    string
		lost    uint64 // payloads without a section
	}{
		{"MID", ssrc, func() [][]byte { return [][]byte{picture(t, ssrc, 1, 96, "1")} }, "rear", 0},
		{"unknown MID", ssrc, func() [][]byte { return [][]byte{picture(t, ssrc, 1, 96, "9")} }, "", 1},
		{"signalled SSRC", 0x77, func() [][]byte { return [][]byte{picture(t, 0x77, 1, 96, "")} }, "rear", 0},
		{"signalled SSRC with a format of another section", 0x77, func() [][]byte {
			return [][]byte{audioPacket(t, 0x77, 1, 960, 111, false)}
		}, "", 1},
		{"payload type of one section", ssrc, func() [][]byte { return [][]byte{audioPacket(t, ssrc, 1, 960, 111, false)} }, "voice", 0},
		{"payload type of two sections", ssrc, func() [][]byte { return [][]byte{picture(t, ssrc, 1, 96, "")} }, "", 1},
		{"unmapped payload type", ssrc, func() [][]byte { return [][]byte{picture(t, ssrc, 1, 120, "")} }, "", 1},
		{"MID is remembered", ssrc, func() [][]byte {
			return [][]byte{picture(t, ssrc, 1, 96, "1"), picture(t, ssrc, 2, 96, ""), picture(t, ssrc, 3, 96, "")}
		}, "rear", 0},
		{"MID of an older packet", ssrc, func() [][]byte {
			return [][]byte{picture(t, ssrc, 5, 96, "1"), picture(t, ssrc, 4, 96, "0"), picture(t, ssrc, 6, 96, "")}
		}, "rear", 0},
		{"payload type doesn't move an SSRC", ssrc, func() [][]byte {
			return [][]byte{audioPacket(t, ssrc, 1, 960, 111, false), picture(t, ssrc, 2, 96, "")}
		}, "voice", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCall(t, setup{streams: []stream{front, told, voice}, extensions: withMID})
			for _, b := range tt.packets() {
				c.inject(1, b)
			}
			n := c.sessions[1].Counts()
			if tt.want == "voice" {
				c.run(100 * time.Millisecond) // audio waits for a while
			}
			if got := c.sectionOf(tt.ssrc); got != tt.want || n.Unassociated != tt.lost {
				t.Errorf("played in section %q with %d payloads discarded, want %q with %d", got, n.Unassociated, tt.want, tt.lost)
			}
			if n.RTPReceived != uint64(len(tt.packets())) {
				t.Errorf("%d packets count as received", n.RTPReceived)
			}
		})
	}
}

// An SDES item tells the section as well, before any media (RFC 9143 §15.1).
//
// conformance: RTP-4.1-7
func TestMIDInSDES(t *testing.T) {
	c := newCall(t, setup{streams: []stream{front, rear}, extensions: withMID})
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: 0x99},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 0x99, Items: []rtcp.SourceDescriptionItem{
			{Type: rtcp.SDESCNAME, Text: "x"}, {Type: wire.SDESMID, Text: "1"},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.inject(1, b)
	c.inject(1, picture(t, 0x99, 1, 96, ""))
	if got := c.sectionOf(0x99); got != "rear" {
		t.Errorf("played in section %q", got)
	}
	c.run(3 * time.Second)
	for i := range c.ends { // our own: in the first packets of each SSRC
		for _, st := range c.sessions[i].Sections() {
			n := 0
			for _, p := range c.rtcps(i) {
				for _, m := range p.messages {
					if d, ok := m.(*rtcp.SourceDescription); ok {
						if _, ok := wire.Item(d, st.SSRC(), wire.SDESMID); ok {
							n++
						}
					}
				}
			}
			if n != 3 {
				t.Errorf("end %d, %s: MID in %d SDES packets, want the first 3", i, st.Name(), n)
			}
		}
	}
}

// The first packets of a stream have the MID, those after the peer's first report
// don't.
//
// conformance: HDR-5.2-3
func TestMIDInFirstPackets(t *testing.T) {
	c := newCall(t, setup{streams: []stream{front, rear}, extensions: withMID})
	c.run(5 * time.Second)
	var reported time.Duration
	for _, p := range c.rtcps(1) {
		for _, m := range p.messages {
			rr, ok := m.(*rtcp.ReceiverReport)
			if ok && len(rr.Reports) == 2 && reported == 0 {
				reported = p.at.Duration() + c.delay
			}
		}
	}
	with, without := 0, 0
	for _, p := range c.rtps() {
		has := p.GetExtension(midID) != nil
		switch {
		case has && p.at.Duration() > reported+100*time.Millisecond:
			t.Fatalf("MID at %v, though there was a report at %v", p.at, reported)
		case has:
			with++
		default:
			without++
		}
	}
	if with == 0 || without < 5*with {
		t.Errorf("%d packets with MID, %d without", with, without)
	}
	if got := c.sectionOf(c.sessions[0].Sections()[1].SSRC()); got != "rear" {
		t.Errorf("played in section %q", got)
	}
}

// conformance: PT-4.3-2
func TestPayloadTypeWithTwoMeanings(t *testing.T) {
	format := func(codec endpoints.Codec, pt uint8, clock int) endpoints.Format {
		return endpoints.Format{Codec: codec, PayloadType: pt, Clock: clock}
	}
	for _, tt := range []struct {
		name string
		a, b endpoints.Format
		ok   bool
	}{
		{"the same format twice", endpoints.VP8(96), endpoints.VP8(96), true},
		{"two codecs", endpoints.VP8(96), endpoints.Opus(96), false},
		{"two clock rates", format("L16", 96, 8000), format("L16", 96, 16000), false},
		{"media and retransmission", endpoints.VP8(96), endpoints.Format{Codec: "VP8", PayloadType: 98, RTX: 96, Clock: 90000}, false},
	} {
		s := setup{streams: []stream{front, rear}}
		cc := s.config(nil, rngSource, 0, "A", "B")
		cc.Sessions[0].Sections[0].Formats = []endpoints.Format{tt.a}
		cc.Sessions[0].Sections[1].Formats = []endpoints.Format{tt.b}
		e := endpoints.New(endpoints.Config{Name: "A", Addr: addrs[0].IP, Random: rngSource})
		if _, err := e.Connect(0, cc); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Everything that tells time in a header is right: RFC 6051, RFC 5450 and the
// absolute send time agree with when packets were made and left.
//
// conformance: HDR-5.2-1, HDR-5.2.1-1, HDR-5.2.1-2
func TestTimesInHeaderExtensions(t *testing.T) {
	entries := []headerext.Entry{
		{ID: 1, URI: headerext.AbsSendTime.URI()}, {ID: 2, URI: headerext.TransmissionOffset.URI()}, {ID: 3, URI: headerext.NTP64.URI()},
	}
	c := newCall(t, setup{streams: []stream{front}, extensions: entries, rate: 4 * units.Mbps})
	c.run(2 * time.Second)
	stamped := 0
	var sr *rtcp.SenderReport
	for _, p := range c.rtcps(0) {
		if m, ok := p.messages[0].(*rtcp.SenderReport); ok && sr == nil {
			sr = m
		}
	}
	for _, p := range c.rtps() {
		sent, ok := headerext.ReadAbsSendTime(p.GetExtension(1))
		if want := uint32(ntpOf(p.at) >> 14 & 0xffffff); !ok || sent != want {
			t.Fatalf("sent at %v: absolute send time %#x, want %#x", p.at, sent, want)
		}
		offset, ok := headerext.ReadTransmissionOffset(p.GetExtension(2))
		// The SR maps the moment of sending to the RTP clock.
		now := sr.RTPTime + uint32(int32(float64(int64(ntpOf(p.at)-sr.NTPTime))/(1<<32)*90000))
		if d := int32(now - p.Timestamp - uint32(offset)); !ok || d < -1 || d > 1 {
			t.Fatalf("offset %d, want %d", offset, int32(now-p.Timestamp))
		}
		if b := p.GetExtension(3); b != nil {
			stamped++
			ntp, _ := headerext.ReadNTP64(b)
			at := sr.RTPTime + uint32(int32(float64(int64(uint64(ntp)-sr.NTPTime))/(1<<32)*90000))
			if d := int32(at - p.Timestamp); d < -1 || d > 1 {
				t.Fatalf("the NTP timestamp is %d ticks from that of the SR's line", d)
			}
		}
	}
	if stamped == 0 {
		t.Error("no packet has an NTP timestamp")
	}
}

func ntpOf(at simtime.Time) uint64 { return uint64(simtime.ToNTP(at)) }
