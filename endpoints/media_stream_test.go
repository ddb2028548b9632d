package endpoints_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
)

var midOnly = []headerext.Entry{{ID: 4, URI: headerext.MID.URI()}}

// Lines of a=msid decide which MediaStreams the receiver groups tracks into; without
// any, and without having been signalled at all, a track is in the default one.
//
// conformance: API-11.1-4
func TestMSIDGroupsTracks(t *testing.T) {
	camera, voice, slides, plain := videoFromA, audioFromA, videoFromA, audioFromA
	camera.msid, voice.msid = []string{"camera"}, []string{"camera"}
	slides.name, slides.pt, slides.msid = "slides", 98, []string{endpoints.NoMediaStream}
	plain.name, plain.pt = "plain", 99
	c := newCall(t, setup{streams: []stream{camera, voice, slides, plain}, extensions: midOnly})
	c.run(2 * time.Second)
	unknown := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 77, SSRC: 0xabcd, SequenceNumber: 7}, Payload: []byte{1, 2, 3}}
	b, err := unknown.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.inject(1, b)
	c.run(time.Second)
	conn := c.ends[1].Connections()[0]
	got := map[string][]string{}
	for _, s := range conn.MediaStreams() {
		name := s.ID
		if s.Default {
			name = "default"
		}
		if err := endpoints.CheckMSID([]string{s.ID}); err != nil {
			t.Error(err)
		}
		for _, track := range s.Tracks {
			if track.Section == nil {
				if track.Primary.SSRC != 0xabcd {
					t.Errorf("%+v has no section", track)
				}
				got[name] = append(got[name], "unsignalled")
				continue
			}
			if i := slices.Index(c.sessions[1].Sections(), track.Section); track.Primary.SSRC != c.sessions[0].Sections()[i].SSRC() {
				t.Errorf("%s has another SSRC, %08x", track.Section.Name(), track.Primary.SSRC)
			}
			got[name] = append(got[name], track.Section.Name())
		}
	}
	for _, list := range got {
		slices.Sort(list)
	}
	if len(got) != 2 || !slices.Equal(got["camera"], []string{"audio", "video"}) || !slices.Equal(got["default"], []string{"plain", "unsignalled"}) {
		t.Errorf("streams are %v", got)
	}
	if n := len(conn.Tracks()); n != 5 {
		t.Errorf("%d tracks, want 5 with the one in no stream", n)
	}
	if lines := c.sessions[0].Sections()[0].MSIDLines(); !slices.Equal(lines, []string{"a=msid:camera"}) {
		t.Errorf("the description says %q", lines)
	}
	if lines := c.sessions[1].Sections()[0].MSIDLines(); len(lines) > 0 {
		t.Errorf("who sends nothing describes %q", lines)
	}
}

// A track in two MediaStreams has two lines, and is sent once. Two tracks of one camera
// have an SSRC each.
//
// conformance: API-11.1-3
func TestTrackInSeveralMediaStreams(t *testing.T) {
	run := func(msid ...string) (*call, int) {
		one := videoFromA
		one.msid = msid
		c := newCall(t, setup{streams: []stream{one}})
		c.run(3 * time.Second)
		n := 0
		for i := range c.log {
			n += int(c.log[i].size)
		}
		return c, n
	}
	_, once := run("camera")
	c, twice := run("camera", "meeting")
	if once != twice || once < 100_000 {
		t.Errorf("%d octets in one stream, %d in two", once, twice)
	}
	if lines := c.sessions[0].Sections()[0].MSIDLines(); len(lines) != 2 {
		t.Errorf("lines are %q", lines)
	}
	streams := c.ends[1].Connections()[0].MediaStreams()
	if len(streams) != 2 || streams[0].Tracks[0].Primary != streams[1].Tracks[0].Primary {
		t.Errorf("streams are %+v", streams)
	}

	first, second := videoFromA, videoFromA
	first.msid, second.msid = []string{"camera"}, []string{"camera"}
	second.name, second.pt = "again", 98
	c = newCall(t, setup{streams: []stream{first, second}, extensions: midOnly})
	c.run(time.Second)
	streams = c.ends[1].Connections()[0].MediaStreams()
	if len(streams) != 1 || len(streams[0].Tracks) != 2 || streams[0].Tracks[0].Primary.SSRC == streams[0].Tracks[1].Primary.SSRC {
		t.Errorf("two tracks of a camera: %+v", streams)
	}
}

// A track is one SSRC; those in which packets are sent again and of FEC hang on it, and
// its statistics have them.
//
// conformance: API-11.1-2
func TestTrackHasRepairs(t *testing.T) {
	video := videoFromA
	video.rtx, video.fec, video.layers = 97, 98, 3
	repair := endpoints.DefaultRepair()
	repair.FEC = 0.2
	c := newCall(t, setup{streams: []stream{video, backFromBAudio}, repair: repair, extensions: midOnly})
	n := 0
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 && !p.isRTCP() && p.payload[1]&0x7f == 96 {
			if n++; n%10 < 2 {
				return nil
			}
		}
		return []time.Duration{0}
	}
	c.run(5 * time.Second)
	tracks := c.ends[1].Connections()[0].Tracks()
	if len(tracks) != 1 {
		t.Fatalf("%d tracks: %+v", len(tracks), tracks)
	}
	track, section := tracks[0], c.sessions[0].Sections()[0]
	if track.Primary.SSRC != section.SSRC() || len(track.RTX) != 1 || len(track.FEC) != 1 || track.Layers != 3 || len(track.Former) > 0 {
		t.Fatalf("the track is %+v", track)
	}
	for _, r := range []endpoints.Received{track.RTX[0], track.FEC[0]} {
		if !section.Repairs(r.SSRC) || r.Packets == 0 {
			t.Errorf("%+v hangs on the track", r)
		}
	}
	if all := c.sessions[1].Counts().RTPReceived; track.Packets() != all || track.Primary.Packets >= all {
		t.Errorf("%d packets of the track, %d of its media, %d came", track.Packets(), track.Primary.Packets, all)
	}
}

var backFromBAudio = stream{name: "voice", kind: endpoints.Audio, from: "B", pt: 111}

// Identifiers that no a=msid line can have are refused.
func TestCheckMSID(t *testing.T) {
	for _, ids := range [][]string{nil, {"a"}, {"a", "b"}, {endpoints.NoMediaStream}, {strings.Repeat("x", 64)}} {
		if err := endpoints.CheckMSID(ids); err != nil {
			t.Errorf("%q: %v", ids, err)
		}
	}
	for _, ids := range [][]string{{""}, {"a b"}, {"a", "a"}, {"a", endpoints.NoMediaStream}, {strings.Repeat("x", 65)}, {"a/b"}, {"é"}} {
		if endpoints.CheckMSID(ids) == nil {
			t.Errorf("%q is taken", ids)
		}
	}
}
