package audio_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

func at(ms int) simtime.Time { return simtime.At(time.Duration(ms) * time.Millisecond) }

// script talks from the first to the second moment, from the third to the fourth and
// so on, in milliseconds.
func script(t testing.TB, ms ...int) *audio.Script {
	t.Helper()
	var spurts []audio.Spurt
	for i := 0; i+1 < len(ms); i += 2 {
		spurts = append(spurts, audio.Spurt{From: at(ms[i]), To: at(ms[i+1])})
	}
	s, err := audio.NewScript(spurts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func stream(seed uint64) *rng.Stream { return rng.New(seed).Stream("source") }

func telephone(t testing.TB, c audio.TelephoneConfig) *audio.Telephone {
	t.Helper()
	if c.Speech.Random == nil {
		c.Speech.Random = stream(1)
	}
	s, err := audio.NewTelephone(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// take asks for frames up to a time and returns those that are sent, with payloads of
// their own.
func take(s audio.Source, until simtime.Time) (frames []audio.Frame) {
	b := make([]byte, s.MaxPayload())
	for s.NextFrame() < until {
		if f, ok := s.Encode(s.NextFrame(), b); ok {
			f.Payload = append([]byte(nil), f.Payload...)
			frames = append(frames, f)
		}
	}
	return frames
}

// RFC 3551 §4.1: "Applications without silence suppression MUST set the marker bit to
// zero"; §4.2: 160 octets of 20 ms at 8 kHz.
func TestTelephoneFrames(t *testing.T) {
	for _, c := range []struct {
		coding audio.Coding
		frame  time.Duration
		size   int
		rate   units.BitRate
	}{
		{audio.MuLaw, 0, 160, 64000},
		{audio.ALaw, 0, 160, 64000},
		{audio.ADPCM, 0, 84, 33600},
		{audio.MuLaw, 30 * time.Millisecond, 240, 64000},
		{audio.ADPCM, 10 * time.Millisecond, 44, 35200},
	} {
		s := telephone(t, audio.TelephoneConfig{Coding: c.coding, Frame: c.frame, Speech: audio.Speech{Activity: script(t, 100, 200, 400, 1000)}})
		s.Request(0, 1)
		if s.Goal() != c.rate || s.Clock() != 8000 || s.MaxPayload() != c.size {
			t.Errorf("%+v: %v, clock %d, %d octets", c, s.Goal(), s.Clock(), s.MaxPayload())
		}
		period := c.frame
		if period == 0 {
			period = 20 * time.Millisecond
		}
		units := uint32(period / (125 * time.Microsecond))
		frames := take(s, at(1200))
		if len(frames) != int(1200*time.Millisecond/period) {
			t.Errorf("%+v: %d frames", c, len(frames))
		}
		for i, f := range frames {
			advance := units
			if i == 0 {
				advance = 0
			}
			if len(f.Payload) != c.size || f.Marker || f.Comfort || f.Number != uint64(i) || f.Samples != units ||
				f.Advance != advance || f.Timestamp != uint64(i)*uint64(units) || f.Captured != simtime.At(time.Duration(i)*period) {
				t.Fatalf("%+v, frame %d: %+v", c, i, f)
			}
		}
	}
}

// What is decoded has the level that the frame says, and speech is where the script
// has it.
func TestPayloadHasTheLevel(t *testing.T) {
	for _, coding := range []audio.Coding{audio.MuLaw, audio.ALaw, audio.ADPCM} {
		s := telephone(t, audio.TelephoneConfig{Coding: coding, Speech: audio.Speech{Activity: script(t, 500, 2000)}})
		power, n := 0.0, 0.0
		for i, f := range take(s, at(2500)) {
			var samples []int16
			switch coding {
			case audio.MuLaw:
				for _, b := range f.Payload {
					samples = append(samples, audio.DecodeMuLaw(b))
				}
			case audio.ALaw:
				for _, b := range f.Payload {
					samples = append(samples, audio.DecodeALaw(b))
				}
			case audio.ADPCM:
				samples, _ = audio.DecodeDVI4(nil, f.Payload)
			}
			voice := f.Captured >= at(500) && f.Captured < at(2000)
			if f.Voice != voice {
				t.Fatalf("frame %d has speech: %v", i, f.Voice)
			}
			tolerance := 1
			if coding == audio.ADPCM {
				tolerance = 3 // the step size has to grow first
			}
			if got := audio.Measure(samples); int(got) < int(f.Level)-tolerance || int(got) > int(f.Level)+tolerance {
				t.Errorf("coding %d, frame %d: -%d dBov, decoded -%d dBov", coding, i, f.Level, got)
			}
			if voice {
				power += math.Pow(10, -float64(f.Level)/10)
				n++
			} else if f.Level < 57 || f.Level > 63 {
				t.Errorf("frame %d: silence of -%d dBov", i, f.Level)
			}
		}
		if got := 10 * math.Log10(power/n); math.Abs(got+26) > 3.5 { // 75 frames
			t.Errorf("speech has %.1f dBov", got)
		}
	}
}

// RFC 3551 §4.1: the first packet of a talk spurt, after a silence in which packets
// weren't sent contiguously, has the marker bit; timestamps go on in silence.
func TestSilenceSuppression(t *testing.T) {
	s := telephone(t, audio.TelephoneConfig{
		Silence: audio.SilenceConfig{Suppress: true},
		Speech:  audio.Speech{Activity: script(t, 100, 200, 500, 600)},
	})
	frames := take(s, at(1000))
	if len(frames) != 10 {
		t.Fatalf("%d frames", len(frames))
	}
	for i, f := range frames {
		start := at(100 + 20*i)
		advance := uint32(160)
		if i >= 5 {
			start = at(500 + 20*(i-5))
		}
		switch i {
		case 0:
			advance = 0
		case 5:
			advance = 320 * 8 // from 180 to 500 ms
		}
		if f.Marker != (i == 0 || i == 5) || f.Captured != start || f.Advance != advance || f.Timestamp != uint64(start)/125000 {
			t.Errorf("frame %d: %+v", i, f)
		}
	}
}

// A spurt that touches a frame is heard in it; a fixed overhang bridges a short pause.
func TestOverhang(t *testing.T) {
	for _, c := range []struct {
		overhang time.Duration
		frames   int
		markers  int
	}{
		{0, 7, 2}, // 100, 120, 140; then 280 to 340
		{100 * time.Millisecond, 3 + 5 + 4 + 5, 2},
		{120 * time.Millisecond, 3 + 6 + 4 + 6, 1},
	} {
		s := telephone(t, audio.TelephoneConfig{
			Silence: audio.SilenceConfig{Suppress: true},
			Speech:  audio.Speech{Activity: script(t, 110, 150, 290, 350), Overhang: audio.Overhang{Fixed: c.overhang}},
		})
		markers := 0
		frames := take(s, at(1000))
		for _, f := range frames {
			if f.Marker {
				markers++
			}
		}
		if len(frames) != c.frames || markers != c.markers {
			t.Errorf("overhang of %v: %d frames in %d spurts, want %d in %d", c.overhang, len(frames), markers, c.frames, c.markers)
		}
	}
}

// RFC 3389 §4, §5: comfort noise when silence begins and when the noise changes, with
// the time at which it begins and no marker; the speech after it has the marker.
func TestComfortNoise(t *testing.T) {
	s := telephone(t, audio.TelephoneConfig{
		Silence: audio.SilenceConfig{Suppress: true, ComfortNoise: true},
		Speech:  audio.Speech{Activity: script(t, 0, 100, 2000, 2100)},
	})
	frames := take(s, at(1000))
	s.Levels().SetNoise(-45)
	frames = append(frames, take(s, at(3000))...)
	var noise []audio.Frame
	for i, f := range frames {
		if f.Comfort {
			noise = append(noise, f)
			if f.Marker {
				t.Error("comfort noise has the marker bit")
			}
			continue
		}
		if f.Marker != (f.Captured == 0 || f.Captured == at(2000)) {
			t.Errorf("frame %d, %v: marker %v", i, f.Captured, f.Marker)
		}
	}
	if len(noise) != 3 {
		t.Fatalf("%d comfort noise packets", len(noise))
	}
	for i, c := range []struct {
		at    simtime.Time
		level int
	}{{at(100), 60}, {at(1000), 45}, {at(2100), 45}} {
		cn, ok := audio.ReadComfortNoise(noise[i].Payload)
		if !ok || noise[i].Captured != c.at || int(cn.Level) < c.level-2 || int(cn.Level) > c.level+2 || len(cn.Reflection) != 0 {
			t.Errorf("comfort noise %d: %+v at %v", i, cn, noise[i].Captured)
		}
	}
	// Refreshed on request.
	s = telephone(t, audio.TelephoneConfig{
		Silence: audio.SilenceConfig{Suppress: true, ComfortNoise: true, Step: 20, Refresh: 500 * time.Millisecond},
		Speech:  audio.Speech{Activity: audio.Silent()},
	})
	for i, f := range take(s, at(1800)) {
		if f.Captured != at(500*i) {
			t.Errorf("refreshed at %v", f.Captured)
		}
	}
}

// The level has to change by the step: 3 dB.
func TestComfortNoiseStep(t *testing.T) {
	for _, c := range []struct {
		noise float64
		sent  int
	}{{-58.4, 1}, {-61.6, 1}, {-56.5, 2}, {-63.5, 2}} {
		s := telephone(t, audio.TelephoneConfig{
			Silence: audio.SilenceConfig{Suppress: true, ComfortNoise: true},
			Speech:  audio.Speech{Activity: audio.Silent(), Levels: audio.LevelConfig{NoiseSpread: -1}},
		})
		n := len(take(s, at(100)))
		s.Levels().SetNoise(c.noise)
		if n += len(take(s, at(140))); n != c.sent {
			t.Errorf("from -60 to %v dBov: %d packets, want %d", c.noise, n, c.sent)
		}
	}
}

// A frame of which only a part is speech has as much less power.
func TestPartialFrame(t *testing.T) {
	levels := audio.LevelConfig{Spread: -1}
	for _, c := range []struct {
		script []int
		want   uint8
	}{{[]int{0, 20}, 26}, {[]int{0, 5, 10, 15}, 29}, {[]int{0, 2}, 36}} {
		s := telephone(t, audio.TelephoneConfig{Speech: audio.Speech{Activity: script(t, c.script...), Levels: levels}})
		if f := take(s, at(20))[0]; f.Level != c.want || !f.Voice {
			t.Errorf("speech at %v ms: -%d dBov, want -%d", c.script, f.Level, c.want)
		}
	}
}

// RFC 3389 §3.
func TestComfortNoisePayload(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		ok      bool
		level   uint8
		order   int
	}{
		{[]byte{60}, true, 60, 0},
		{[]byte{127, 0, 254}, true, 127, 2},
		{nil, false, 0, 0},
		{[]byte{0x80 | 60}, false, 0, 0},
		{[]byte{60, 255}, false, 0, 0},
	} {
		cn, ok := audio.ReadComfortNoise(c.payload)
		if ok != c.ok || cn.Level != c.level || len(cn.Reflection) != c.order {
			t.Errorf("%v: %+v, %v", c.payload, cn, ok)
		}
		if ok && string(cn.Append(nil)) != string(c.payload) {
			t.Errorf("%v becomes %v", c.payload, cn.Append(nil))
		}
	}
}

// After a pause, timestamps have gone on and a talk spurt begins.
func TestSkip(t *testing.T) {
	s := telephone(t, audio.TelephoneConfig{Silence: audio.SilenceConfig{Suppress: true}})
	take(s, at(100))
	s.Skip(at(50)) // in the past: nothing
	s.Skip(at(503))
	if s.NextFrame() != at(503) {
		t.Fatalf("next frame at %v", s.NextFrame())
	}
	f := take(s, at(520))[0]
	if !f.Marker || f.Timestamp != 503*8 || f.Advance != (503-80)*8 || f.Number != 5 {
		t.Errorf("%+v", f)
	}
}

// Timestamps stay exact for days.
func TestTimestampsAreExact(t *testing.T) {
	start := at(7)
	s, err := audio.NewTelephone(audio.TelephoneConfig{Speech: audio.Speech{Random: stream(1)}}, start)
	if err != nil {
		t.Fatal(err)
	}
	s.Skip(start.Add(1000*time.Hour + 20*time.Millisecond))
	f, _ := s.Encode(s.NextFrame(), make([]byte, 160))
	if f.Timestamp != 1000*3600*8000+160 {
		t.Errorf("timestamp %d", f.Timestamp)
	}
}

func TestTelephoneConfig(t *testing.T) {
	for _, c := range []audio.TelephoneConfig{
		{Frame: time.Second, Speech: audio.Speech{Random: stream(1)}},
		{Frame: 20500 * time.Microsecond, Speech: audio.Speech{Random: stream(1)}},
		{},
	} {
		if _, err := audio.NewTelephone(c, 0); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
