package jsep_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

func description() jsep.Description {
	video := endpoints.VP8(96)
	video.RTX = 97
	audio := endpoints.Opus(111)
	audio.InBandFEC = true
	return jsep.Description{
		Session: 7, Lite: true, ICE: ice.Credentials{Fragment: "abcd", Password: "0123456789012345678901"},
		Fingerprint: dtls.Fingerprint{1, 2, 3}, Setup: jsep.ActPass,
		Sections: []jsep.Section{
			{
				Kind: endpoints.Video, MID: "0", Formats: []endpoints.Format{video}, Sends: true, Receives: true,
				Extensions: []headerext.Entry{{ID: 3, URI: headerext.TransportSeq.URI()}},
				SSRC:       1000, RTX: 4000000000, Previous: []uint32{7, 4294967295}, CNAME: "me", MSID: []string{"stream track"},
			},
			{Kind: endpoints.Audio, MID: "1", Formats: []endpoints.Format{audio, endpoints.PCMU()}, Receives: true},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	d := description()
	got, err := jsep.Parse(d.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, d.String())
	}
	for i := range got.Sections {
		got.Sections[i].Feedback = nil
	}
	if diff := cmp.Diff(&d, got); diff != "" {
		t.Errorf("%s\n%s", diff, d.String())
	}
}

// Lines are what the standards' grammars want.
func TestLines(t *testing.T) {
	d := description()
	d.Sections[0].Feedback = []string{"nack", "nack pli", "ack ccfb"}
	d.Sections[1].Receives = false
	text := d.String()
	for _, line := range []string{
		"a=group:BUNDLE 0 1", "a=ice-lite", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000",
		"a=fmtp:97 apt=96", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=ssrc-group:FID 1000 4000000000", "a=ssrc:1000 cname:me", "a=ssrc:1000 previous-ssrc:7 4294967295",
		"a=msid:stream track", "a=sendrecv", "m=audio 9 UDP/TLS/RTP/SAVPF 111 0", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1",
		"a=rtpmap:0 PCMU/8000", "a=inactive", "a=rtcp-fb:* ack ccfb", "a=ice-options:trickle ice2", "a=rtcp-mux", "a=rtcp-rsize", "a=setup:actpass", "a=mid:1",
	} {
		if !strings.Contains(text, line+"\r\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}

func TestAgrees(t *testing.T) {
	offer := description()
	for _, c := range []struct {
		want   string
		change func(*jsep.Description)
	}{
		{"", func(*jsep.Description) {}},
		{"", func(d *jsep.Description) { d.Sections[1].Formats = d.Sections[1].Formats[1:] }},
		{"the offer has 2 sections, the answer 1", func(d *jsep.Description) { d.Sections = d.Sections[:1] }},
		{"section 1 of the offer, audio, is refused", func(d *jsep.Description) { d.Sections[1].Refused = true }},
		{"section 0 of the offer, video, is refused", func(d *jsep.Description) { d.Sections[0].Formats[0].PayloadType = 100 }},
	} {
		answer := description()
		c.change(&answer)
		got := ""
		if err := offer.Agrees(&answer); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	d := description()
	good := d.String()
	for _, c := range []struct{ old, new, want string }{
		{"v=0", "v=x", "reading a description"},
		{good[strings.Index(good, "m=video"):], "", "no media section"},
		{"a=fingerprint:sha-256 01", "a=fingerprint:sha-1 01", "fingerprint"},
		{"a=ssrc:1000", "a=ssrc:x", "section 0: a=ssrc:x"},
		{"FID 1000", "FID x", "section 0: a=ssrc-group:FID x"},
		{"SAVPF 111 0", "SAVPF 111 200", `section 1: "200" is no payload type`},
		{"a=extmap:3 ", "a=extmap: ", "section 0: "},
	} {
		_, err := jsep.Parse(strings.ReplaceAll(good, c.old, c.new))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: got %v, want %q", c.new, c.old, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	d := description()
	f.Add(d.String())
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := jsep.Parse(text); err == nil {
			_ = d.ICE
		}
	})
}

// What a description says of bandwidths and of RTCP comes back, and what it doesn't say isn't made up.
func TestBandwidths(t *testing.T) {
	d := description()
	said := d
	said.Sections = slices.Clone(d.Sections)
	said.Sections[0].Bandwidth = 64 * units.Kbps
	said.Sections[0].RTCP = &jsep.RTCPBandwidth{Senders: 800, Receivers: 2400}
	said.Sections[0].TrrInterval, said.Sections[0].FullSize = 4*time.Second, true
	text := said.String()
	for _, line := range []string{"b=AS:64", "b=RS:800", "b=RR:2400", "a=rtcp-fb:* trr-int 4000"} {
		if !strings.Contains(text, line+"\r\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	for _, want := range []*jsep.Description{&d, &said} {
		got, err := jsep.Parse(want.String())
		if err != nil {
			t.Fatal(err)
		}
		for i := range want.Sections {
			g, w := &got.Sections[i], &want.Sections[i]
			if diff := cmp.Diff(w.RTCP, g.RTCP); diff != "" || g.Bandwidth != w.Bandwidth || g.TrrInterval != w.TrrInterval || g.FullSize != w.FullSize {
				t.Errorf("section %d: %+v is read as %+v", i, w, g)
			}
		}
	}
	if _, err := jsep.Parse(strings.Replace(text, "trr-int 4000", "trr-int soon", 1)); err == nil {
		t.Error("a trr-int without a time is taken")
	}
}

// Credentials go into STUN messages, which bounds them (RFC 8839 §5.4).
func TestCredentials(t *testing.T) {
	for _, bad := range []ice.Credentials{
		{Fragment: "abc", Password: "0123456789012345678901"},
		{Fragment: "abcd", Password: "012345678901234567890"},
		{Fragment: strings.Repeat("a", 257), Password: "0123456789012345678901"},
		{Fragment: "ab:d", Password: "0123456789012345678901"},
		{Fragment: "abcd"},
	} {
		d := description()
		d.ICE = bad
		if _, err := jsep.Parse(d.String()); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// An end without ICE says where it is (RFC 8866 §5.7), and one with neither is no use.
func TestAddress(t *testing.T) {
	d := description()
	d.ICE, d.Lite, d.Addr = ice.Credentials{}, false, packet.Addr{IP: 10<<24 + 7, Port: 49152}
	text := d.String()
	got, err := jsep.Parse(text)
	if err != nil || got.Addr != d.Addr || strings.Contains(text, "ice-") {
		t.Errorf("%+v, %v from\n%s", got, err, text)
	}
	for from, to := range map[string]string{"IN IP4 10.0.0.7": "IN IP4 ten", "m=video 49152": "m=video 0"} {
		if _, err := jsep.Parse(strings.Replace(text, from, to, 1)); err == nil {
			t.Errorf("%q is taken for an address", to)
		}
	}
}

// Telephone events are a format of their own, which says that all keys are known (RFC 4733 §2.4.1).
func TestTelephoneEvents(t *testing.T) {
	d := description()
	d.Sections[1].Formats = append(d.Sections[1].Formats, endpoints.Events(110, 48000), endpoints.Events(126, 8000))
	text := d.String()
	for _, line := range []string{
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110 126", "a=rtpmap:110 telephone-event/48000", "a=fmtp:110 0-15",
		"a=rtpmap:126 telephone-event/8000", "a=fmtp:126 0-15",
	} {
		if !strings.Contains(text, line+"\r\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	got, err := jsep.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Sections[1].Formats, got.Sections[1].Formats); diff != "" {
		t.Error(diff)
	}
	got.Sections[1].Formats = got.Sections[1].Formats[2:]
	if d.Agrees(got) == nil {
		t.Error("a call of nothing but telephone events is agreed on")
	}
}

// RFC 8840 §9: a fragment has the credentials of the description that it is a part of, a section, and candidates in it; the
// last one says that there are no more.
func TestFragment(t *testing.T) {
	base := packet.Addr{IP: 10<<24 + 1, Port: 5000}
	c := ice.Candidate{Type: ice.ServerReflexive, Addr: packet.Addr{IP: 20<<24 + 1, Port: 6000}, Base: base, Related: base, Foundation: "2", Priority: ice.Priority(ice.ServerReflexive, 65535)}
	d := &jsep.Description{
		ICE:      ice.Credentials{Fragment: "abcd", Password: "a23456789012345678901x"},
		Sections: []jsep.Section{{Kind: endpoints.Audio, MID: "0"}, {Kind: endpoints.Video, MID: "1"}},
	}
	text := d.Fragment(true, c).String()
	want := "a=ice-ufrag:abcd\r\na=ice-pwd:a23456789012345678901x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n" +
		"a=candidate:2 1 udp 1694498815 20.0.0.1 6000 typ srflx raddr 10.0.0.1 rport 5000\r\na=end-of-candidates\r\n"
	if text != want {
		t.Errorf("%q", text)
	}
	f, err := jsep.ParseFragment(text)
	if err != nil || f.ICE != d.ICE || f.MID != "0" || f.Kind != "audio" || !f.Complete || len(f.Candidates) != 1 || f.Candidates[0].Addr != c.Addr {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []string{
		"", "a=mid:0\r\n", "a=ice-ufrag:ab\r\na=ice-pwd:a23456789012345678901x\r\n", "hello", text + "m=video 9 RTP/AVP 0\r\n",
	} {
		if f, err := jsep.ParseFragment(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, f)
		}
	}
	more, err := jsep.ParseFragment(strings.Replace(text, "a=end", "a=candidate:2 2 udp 1 20.0.0.1 6000 typ host\r\na=end", 1))
	if err != nil || len(more.Candidates) != 1 { // of another component
		t.Errorf("%+v, %v", more, err)
	}
}

// Whatever is read can be written, and is read as the same again.
func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=ice-pwd:a23456789012345678901x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 5 10.0.0.1 5000 typ host\r\na=end-of-candidates\r\n")
	f.Add("a=ice-ufrag:abcd\na=ice-pwd:a23456789012345678901x\n")
	f.Fuzz(func(t *testing.T, text string) {
		one, err := jsep.ParseFragment(text)
		if err != nil {
			return
		}
		again, err := jsep.ParseFragment(one.String())
		if err != nil || again.ICE != one.ICE || again.Complete != one.Complete || len(again.Candidates) != len(one.Candidates) {
			t.Errorf("%q is read as %+v, and then as %+v, %v", text, one, again, err)
		}
	})
}
