package endpoints_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/dtmf"
	"rtpfabric/sim/simtime"
)

// dialling is a call in which A speaks, from the start in PCMU or else in Opus, and both ends know telephone events.
func dialling(t *testing.T, sp *endpoints.Speaker, digits ...dtmf.Digits) *call {
	t.Helper()
	return newCall(t, setup{
		streams: []stream{{name: "voice", kind: endpoints.Audio, from: "A", pt: 111, speaker: sp}},
		edit: func(end int, sc *endpoints.SessionConfig) {
			m := &sc.Sections[0]
			m.Formats = append(m.Formats, endpoints.Events(110, 48000), endpoints.Events(126, 8000))
			if end == 0 {
				m.Send.Digits = digits
			}
		},
	})
}

func inPCMU() *endpoints.Speaker {
	return talk(audio.Always(), false, endpoints.Switch{At: 0, Voice: 1})
}

func millis(n int) simtime.Time { return simtime.At(time.Duration(n) * time.Millisecond) }

// digits returns the keys that B has heard.
func (c *call) digits() (keys string) {
	for _, e := range c.events[1] {
		if e.Kind == endpoints.DigitReceived {
			keys += string(e.Digit)
		}
	}
	return keys
}

// Keys go on the SSRC and with the sequence numbers of the audio, which gives way to them, in the clock of its codec
// (RFC 4733 §2.1, §2.2). Of the audio nothing is missing to the receiver, which plays no event.
func TestDigitsBesideAudio(t *testing.T) {
	for _, tt := range []struct {
		name       string
		speaker    *endpoints.Speaker
		voice, key uint8
		frame      uint32
	}{{"PCMU", inPCMU(), 0, 126, 160}, {"Opus", talk(audio.Always(), false), 111, 110, 960}} {
		t.Run(tt.name, func(t *testing.T) {
			c := dialling(t, tt.speaker, dtmf.Digits{At: millis(1000), Keys: "5#", Press: 100 * time.Millisecond, Gap: 100 * time.Millisecond})
			c.run(3 * time.Second)
			sent := c.rtps()
			for i, p := range sent {
				if p.SSRC != sent[0].SSRC || p.SequenceNumber != sent[0].SequenceNumber+uint16(i) || p.at != millis(20*i) {
					t.Fatalf("packet %d at %v has SSRC %x and number %d", i, p.at, p.SSRC, p.SequenceNumber)
				}
				start, isKey := 0, true
				switch {
				case i >= 50 && i < 57:
					start = 50
				case i >= 60 && i < 67:
					start = 60
				default:
					isKey = false
				}
				if !isKey {
					if p.PayloadType != tt.voice || p.Marker || p.Timestamp-sent[0].Timestamp != uint32(i)*tt.frame {
						t.Errorf("packet %d isn't audio: %+v", i, p.Header)
					}
					continue
				}
				if p.PayloadType != tt.key || p.Timestamp-sent[0].Timestamp != uint32(start)*tt.frame || p.Marker != (i == start) {
					t.Errorf("packet %d isn't of the key: %+v", i, p.Header)
				}
				e, ok := dtmf.Parse(p.Payload)
				want := min(uint32(i-start+1), 5) * tt.frame
				if !ok || uint32(e.Duration) != want || e.End != (i >= start+4) {
					t.Errorf("packet %d: %+v", i, e)
				}
			}
			if got := c.digits(); got != "5#" {
				t.Errorf("the peer hears %q", got)
			}
			for _, e := range c.events[1] {
				if e.Kind == endpoints.DigitReceived && e.Media != 100*time.Millisecond {
					t.Errorf("%c for %v", e.Digit, e.Media)
				}
			}
			if n := c.count(1, endpoints.FrameRendered); n < 150-14-3 || n > 150-14 {
				t.Errorf("%d frames played, of 136", n)
			}
			if n := c.count(1, endpoints.FrameConcealed) + c.count(1, endpoints.FrameDiscarded) + c.count(1, endpoints.FrameLate); n > 0 {
				t.Errorf("%d frames missing", n)
			}
			for _, b := range c.blocks(1) {
				if b.Jitter > 5 || b.TotalLost != 0 || b.FractionLost != 0 {
					t.Errorf("%+v", b)
				}
			}
			if n := c.sessions[1].Counts(); n.Malformed+n.Unassociated != 0 {
				t.Errorf("%+v", n)
			}
		})
	}
}

// Losses among an event's packets count as any, and the key is heard once: of the last key nothing is left but the first
// packet. What isn't sent as audio meanwhile is no loss of audio, but for the numbers that are missing.
func TestDigitsLost(t *testing.T) {
	c := dialling(t, inPCMU(), dtmf.Digits{At: millis(1000), Keys: "123", Press: 100 * time.Millisecond, Gap: 100 * time.Millisecond})
	n := 0
	c.path = func(p *tapped) []time.Duration {
		if p.from != 0 || p.isRTCP() {
			return []time.Duration{0}
		}
		n++
		switch i := n - 1; i {
		case 50, 53, 54, // of the first event: its beginning, and two more
			64, 65, 66, // all final packets of the second
			71, 72, 73, 74, 75, 76:
			return nil
		case 51, 55:
			return []time.Duration{0, 5 * time.Millisecond} // twice
		}
		return []time.Duration{0}
	}
	c.run(4 * time.Second)
	if got := c.digits(); got != "123" {
		t.Errorf("the peer hears %q", got)
	}
	blocks := c.blocks(1)
	if b := blocks[len(blocks)-1]; b.TotalLost != 12-2 { // what comes twice makes up for losses (RFC 3550 §6.4.1)
		t.Errorf("%d packets lost", b.TotalLost)
	}
	if n := c.count(1, endpoints.FrameConcealed); n > 12 {
		t.Errorf("%d frames stood in for, while 12 numbers are missing", n)
	}
	var heard []simtime.Time
	for _, e := range c.events[1] {
		if e.Kind == endpoints.DigitReceived {
			heard = append(heard, e.At)
		}
	}
	// The first by a final packet, the second by the third's first packet, the third by nothing for 250 ms; 20 ms of path.
	if want := []simtime.Time{millis(1120), millis(1420), millis(1670)}; !slices.Equal(heard, want) {
		t.Errorf("heard at %v, want %v", heard, want)
	}
}

// Whoever is muted sends no audio, but keys. When audio goes on a talk spurt begins.
func TestMute(t *testing.T) {
	c := dialling(t, inPCMU())
	m := c.sessions[0].Sections()[0]
	m.Mute(c.now)
	c.run(time.Second)
	if n := len(c.rtps()); n > 0 {
		t.Fatalf("%d packets of somebody who is muted", n)
	}
	if err := m.Press(c.now, dtmf.Digits{Keys: "9", Press: 60 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	c.run(time.Second)
	keys := c.rtps()
	if len(keys) != 5 || keys[0].PayloadType != 126 || !keys[0].Marker || keys[0].at < millis(1000) || keys[0].at > millis(1020) {
		t.Fatalf("%d packets, want 5 of a key", len(keys))
	}
	m.Unmute(c.now)
	c.run(time.Second)
	voice := c.rtps()[5:]
	if len(voice) < 49 || voice[0].SequenceNumber != keys[4].SequenceNumber+1 || voice[0].SSRC != keys[0].SSRC {
		t.Fatalf("%d packets of audio, the first %+v", len(voice), voice[0].Header)
	}
	if d := voice[0].Timestamp - keys[0].Timestamp; d != uint32(voice[0].at.Sub(keys[0].at)/time.Millisecond*8) {
		t.Errorf("audio is %d ticks after the key", d)
	}
	for i, p := range voice {
		if p.PayloadType != 0 || p.Marker != (i == 0) {
			t.Errorf("packet %d of the audio: %+v", i, p.Header)
		}
	}
	if got := c.digits(); got != "9" {
		t.Errorf("the peer hears %q", got)
	}
	m.Mute(c.now)
	c.run(time.Second)
	if n := len(c.rtps()) - 5 - len(voice); n > 1 {
		t.Errorf("%d packets of somebody who is muted again", n)
	}
	if n, o := c.count(0, endpoints.VoiceMuted), c.count(0, endpoints.VoiceUnmuted); n != 2 || o != 1 {
		t.Errorf("%d times muted, %d times not any more", n, o)
	}
	if n := c.count(1, endpoints.FrameConcealed); n > 0 {
		t.Errorf("%d frames missing", n)
	}
}

// Audio of a constant rate is muted, too.
func TestMuteConstantRate(t *testing.T) {
	c := newCall(t, setup{streams: []stream{audioFromA}})
	m := c.sessions[0].Sections()[0]
	c.run(time.Second)
	before := len(c.rtps())
	m.Mute(c.now)
	c.run(time.Second)
	if after := len(c.rtps()); before < 49 || after > before+1 {
		t.Errorf("%d packets, then %d", before, after)
	}
	if err := m.Press(c.now, dtmf.Digits{Keys: "1", Press: time.Second}); err == nil {
		t.Error("a key is pressed by somebody who doesn't speak")
	}
}

// When the codec changes while a key is held, the event keeps its clock and SSRC; audio goes on with others.
func TestDigitAcrossClocks(t *testing.T) {
	c := dialling(t, talk(audio.Always(), false, endpoints.Switch{At: millis(1050), Voice: 1}),
		dtmf.Digits{At: millis(1000), Keys: "4", Press: 100 * time.Millisecond, Gap: 0}, dtmf.Digits{At: millis(2000), Keys: "0", Press: 100 * time.Millisecond})
	c.run(3 * time.Second)
	sent := c.rtps()
	for i, p := range sent {
		part := 0
		for _, from := range []int{50, 57, 100, 107} {
			if i >= from {
				part++
			}
		}
		want := []uint8{111, 110, 0, 126, 0}[part]
		if p.PayloadType != want || (p.SSRC == sent[0].SSRC) != (i < 57) {
			t.Errorf("packet %d has payload type %d, want %d", i, p.PayloadType, want)
		}
	}
	if got := c.digits(); got != "40" {
		t.Errorf("the peer hears %q", got)
	}
}

// Keys that can't be sent are refused.
func TestPressRefuses(t *testing.T) {
	c := dialling(t, inPCMU())
	m := c.sessions[0].Sections()[0]
	for _, bad := range []dtmf.Digits{{Keys: "e", Press: time.Second}, {Keys: "1", Press: 2 * time.Second}} { // too long at 48 kHz
		if m.Press(c.now, bad) == nil {
			t.Errorf("%+v is possible", bad)
		}
	}
	without := speaking(t, inPCMU())
	if without.sessions[0].Sections()[0].Press(0, dtmf.Digits{Keys: "1", Press: time.Second}) == nil {
		t.Error("a key is pressed without a format for it")
	}
}

// RTP timestamps of events say when keys were pressed, and nothing of jitter, in reports and in summaries of extended ones; not even
// where an SSRC begins with one whose first packets are lost.
func TestDigitsAreNoJitter(t *testing.T) {
	c := dialling(t, inPCMU())
	m := c.sessions[0].Sections()[0]
	m.Mute(c.now)
	n := 0
	c.path = func(p *tapped) []time.Duration {
		if p.from == 0 && !p.isRTCP() {
			if n++; n <= 40 {
				return nil
			}
		}
		return []time.Duration{0}
	}
	if err := m.Press(c.now, dtmf.Digits{Keys: "9", Press: time.Second}); err != nil {
		t.Fatal(err)
	}
	c.run(2 * time.Second)
	m.Unmute(c.now)
	c.run(2 * time.Second)
	blocks := c.blocks(1)
	for _, b := range blocks {
		if b.Jitter > 0 {
			t.Errorf("jitter of %d", b.Jitter)
		}
	}
	if len(blocks) == 0 || c.digits() != "9" {
		t.Errorf("%d blocks, keys %q", len(blocks), c.digits())
	}

	x := newCall(t, setup{
		streams: []stream{{name: "voice", kind: endpoints.Audio, from: "A", pt: 111, speaker: inPCMU()}},
		edit: func(end int, sc *endpoints.SessionConfig) {
			m := &sc.Sections[0]
			m.Formats = append(m.Formats, endpoints.Events(110, 48000), endpoints.Events(126, 8000))
			if end == 0 {
				m.Send.Digits = []dtmf.Digits{{At: millis(1000), Keys: "5#", Press: 500 * time.Millisecond, Gap: 100 * time.Millisecond}}
			} else {
				sc.ExtendedReports = endpoints.ExtendedReports{Summary: true}
			}
		},
	})
	x.run(6 * time.Second)
	summaries := 0
	for _, b := range x.xrs(1) {
		if s, ok := b.(*rtcp.StatisticsSummaryReportBlock); ok {
			summaries++
			if s.MaxJitter > 0 {
				t.Errorf("jitter of %d at most, %d on average", s.MaxJitter, s.MeanJitter)
			}
		}
	}
	if summaries == 0 || x.digits() != "5#" {
		t.Errorf("%d summaries, keys %q", summaries, x.digits())
	}
}

// A talk spurt that begins while a key is held begins with the first packet of audio (RFC 3551 §4.1).
func TestSpurtUnderKey(t *testing.T) {
	sp := talk(script(t, audio.Spurt{From: 0, To: millis(1000)}, audio.Spurt{From: millis(2000), To: millis(3000)}), true, endpoints.Switch{At: 0, Voice: 1})
	c := dialling(t, sp, dtmf.Digits{At: millis(1900), Keys: "5", Press: 300 * time.Millisecond})
	c.run(3 * time.Second)
	for _, p := range c.rtps() {
		if p.at > millis(2200) && p.PayloadType == 0 {
			if !p.Marker {
				t.Errorf("the first packet of audio after the key, at %v, has no marker", p.at)
			}
			return
		}
	}
	t.Error("no audio")
}

// A key that is held when the stream has to take another SSRC is heard once.
func TestDigitOverCollision(t *testing.T) {
	c := dialling(t, inPCMU(), dtmf.Digits{At: millis(1000), Keys: "78", Press: 500 * time.Millisecond, Gap: 100 * time.Millisecond})
	c.run(1200 * time.Millisecond)
	before := c.sessions[0].Sections()[0].SSRC()
	c.inject(0, audioPacket(t, before, 1, 1, 111, false))
	c.run(2 * time.Second)
	if after := c.sessions[0].Sections()[0].SSRC(); after == before || c.digits() != "78" {
		t.Errorf("SSRC %08x, then %08x; keys %q", before, after, c.digits())
	}
}
