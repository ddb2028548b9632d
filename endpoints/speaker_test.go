package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// talk is a stream of audio that begins in Opus and can do G.711 too.
func talk(activity audio.Activity, dtx bool, switches ...endpoints.Switch) *endpoints.Speaker {
	speech := func(name string) audio.Speech {
		return audio.Speech{Activity: activity, Random: rng.New(1).Stream(name)}
	}
	opus, err := audio.NewOpus(audio.OpusConfig{Start: 32 * units.Kbps, CBR: true, DTX: dtx, Speech: speech("opus")}, 0)
	if err != nil {
		panic(err)
	}
	pcmu, err := audio.NewTelephone(audio.TelephoneConfig{
		Coding: audio.MuLaw, Speech: speech("pcmu"), Silence: audio.SilenceConfig{Suppress: dtx, ComfortNoise: dtx},
	}, 0)
	if err != nil {
		panic(err)
	}
	return endpoints.NewSpeaker([]endpoints.Voice{
		{Source: opus, Format: 0, Comfort: -1}, {Source: pcmu, Format: 1, Comfort: 3},
	}, switches)
}

func script(t *testing.T, spurts ...audio.Spurt) *audio.Script {
	t.Helper()
	s, err := audio.NewScript(spurts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// speaking is a call in which A talks.
func speaking(t *testing.T, sp *endpoints.Speaker, extensions ...headerext.Entry) *call {
	t.Helper()
	return newCall(t, setup{
		streams:    []stream{{name: "voice", kind: endpoints.Audio, from: "A", pt: 111, speaker: sp}},
		extensions: extensions,
	})
}

// A sender may change its format at any time, to any that was agreed on. For each
// clock rate it has another SSRC, and a fresh one when it returns to a rate; the one
// before says BYE in a packet with the SRs of both (RFC 7160 §4.1). The receiver
// plays everything, and its jitter stays calm.
//
// conformance: PT-4.3-3, PT-4.3-5, PT-4.3-6, PT-4.3-7
func TestCodecSwitch(t *testing.T) {
	at := func(s int) simtime.Time { return simtime.At(time.Duration(s) * time.Second) }
	c := speaking(t, talk(audio.Always(), false, endpoints.Switch{At: at(2), Voice: 1}, endpoints.Switch{At: at(4), Voice: 0}))
	c.run(6 * time.Second)
	type part struct {
		pt       uint8
		from, to simtime.Time
	}
	parts := map[uint32]*part{}
	var order []uint32
	for _, p := range c.rtps() {
		if parts[p.SSRC] == nil {
			parts[p.SSRC] = &part{pt: p.PayloadType, from: p.at}
			order = append(order, p.SSRC)
		}
		if parts[p.SSRC].pt != p.PayloadType {
			t.Errorf("SSRC %x has payload types %d and %d", p.SSRC, parts[p.SSRC].pt, p.PayloadType)
		}
		parts[p.SSRC].to = p.at
	}
	if len(order) != 3 {
		t.Fatalf("%d SSRCs, want 3", len(order))
	}
	for i, want := range []uint8{111, 0, 111} {
		p := parts[order[i]]
		if p.pt != want {
			t.Errorf("part %d has payload type %d, want %d", i, p.pt, want)
		}
		if i > 0 && p.from.Sub(parts[order[i-1]].to) > 25*time.Millisecond {
			t.Errorf("a gap before part %d: %v", i, p.from.Sub(parts[order[i-1]].to))
		}
		if n := c.byesOf(0, order[i]); n != min(1, 2-i) {
			t.Errorf("part %d: %d BYEs", i, n)
		}
	}
	both := 0
	for _, p := range c.rtcps(0) {
		reports := map[uint32]bool{}
		for _, m := range p.messages {
			if sr, ok := m.(*rtcp.SenderReport); ok {
				reports[sr.SSRC] = true
			}
		}
		if reports[order[0]] && reports[order[1]] || reports[order[1]] && reports[order[2]] {
			both++
		}
	}
	if both < 1 {
		t.Error("no packet with the SRs of two clock rates")
	}
	if n := c.count(1, endpoints.FrameRendered); n < 290 {
		t.Errorf("%d frames of 300 played", n)
	}
	for _, b := range c.blocks(1) {
		if b.Jitter > 5 || b.TotalLost != 0 {
			t.Errorf("%+v", b)
		}
	}
}

// In silence G.711 sends comfort noise now and then and nothing else; the first
// packet of a talk spurt has the marker bit (RFC 3551 §4.1, RFC 3389).
//
// conformance: PT-4.3-1
func TestSilenceSuppression(t *testing.T) {
	at := func(s int) simtime.Time { return simtime.At(time.Duration(s) * time.Second) }
	spurts := script(t, audio.Spurt{From: at(1), To: at(2)}, audio.Spurt{From: at(4), To: at(5)})
	c := speaking(t, talk(spurts, true, endpoints.Switch{At: 0, Voice: 1}))
	c.run(6 * time.Second)
	speech, noise, markers := 0, 0, 0
	for _, p := range c.rtps() {
		switch p.PayloadType {
		case 0:
			speech++
			if len(p.Payload) != 160 {
				t.Errorf("%d octets of 20 ms G.711", len(p.Payload))
			}
		case 13:
			noise++
		default:
			t.Errorf("payload type %d", p.PayloadType)
		}
		if p.Marker {
			markers++
		}
	}
	if speech < 100 || speech > 140 || noise == 0 || noise > 30 || markers != 2 {
		t.Errorf("%d packets of speech, %d of noise, %d markers", speech, noise, markers)
	}
	if n := c.sessions[1].Counts(); n.Malformed+n.Unassociated != 0 {
		t.Errorf("%+v", n)
	}
	formats := map[endpoints.Codec]bool{}
	for _, f := range endpoints.DefaultAudio() {
		formats[f.Codec] = true
	}
	if !formats[endpoints.CodecOpus] || !formats[endpoints.CodecPCMU] || !formats[endpoints.CodecPCMA] || !formats[endpoints.CodecCN] || formats[endpoints.CodecDVI4] {
		t.Errorf("formats %v, want those of RFC 7874 §3", formats)
	}
}

// Every packet says how loud it is and whether somebody speaks (RFC 6464), also
// when Opus sends a frame of silence now and then.
//
// conformance: HDR-5.2.2-1
func TestAudioLevels(t *testing.T) {
	spurts := script(t, audio.Spurt{From: simtime.At(2 * time.Second), To: simtime.At(4 * time.Second)})
	c := speaking(t, talk(spurts, true), headerext.Entry{ID: 1, URI: headerext.AudioLevel.URI()})
	c.run(6 * time.Second)
	loud, quiet := 0, 0
	for _, p := range c.rtps() {
		level, voice, ok := headerext.ReadAudioLevel(p.GetExtension(1))
		if !ok {
			t.Fatalf("no level at %v", p.at)
		}
		talking := p.at >= simtime.At(2*time.Second) && p.at < simtime.At(4*time.Second)
		switch {
		case talking && (level < 10 || level > 45):
			t.Errorf("level -%d dBov at %v, in speech", level, p.at)
		case !talking && p.at > simtime.At(5*time.Second) && (level < 50 || voice):
			t.Errorf("level -%d dBov, voice %v at %v, in silence", level, voice, p.at)
		case talking:
			loud++
		default:
			quiet++
		}
	}
	if loud < 95 || quiet > 40 {
		t.Errorf("%d packets of speech, %d of silence", loud, quiet)
	}
}
