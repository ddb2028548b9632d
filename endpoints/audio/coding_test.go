package audio_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// tone returns packets of a source that hums, and what they have when decoded.
func tone(t *testing.T, c audio.Coding, frame time.Duration, n int, hide bool) (samples []int16) {
	t.Helper()
	s, err := audio.NewTelephone(audio.TelephoneConfig{
		Coding: c, Frame: frame, Speech: audio.Speech{
			Tone: 440, Levels: audio.LevelConfig{Speech: -20, Spread: -1, Noise: -120}, Random: rng.New(1).Stream("tone"),
		},
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, s.MaxPayload())
	for i := range n {
		f, ok := s.Encode(s.NextFrame(), buffer)
		if !ok || frame >= 20*time.Millisecond && f.Level != 20 {
			t.Fatalf("frame %d: %v, level %d", i, ok, f.Level)
		}
		if at := simtime.Time(int64(i) * 0x1234567890abcd); hide {
			if !c.HideTime(f.Payload, at) {
				t.Fatalf("no room in %d octets", len(f.Payload))
			}
			if got, ok := c.HiddenTime(f.Payload); !ok || got != at {
				t.Fatalf("coding %d, frames of %v: time %x, want %x", c, frame, int64(got), int64(at))
			}
		}
		if samples, ok = c.Decode(samples, f.Payload); !ok {
			t.Fatalf("frame %d can't be decoded", i)
		}
	}
	return samples
}

// Packets of all codings and sizes hide a time, and what is heard stays what it was: the
// difference is as small as what coding makes anyway, or a bit more where packets are short.
func TestHiddenTime(t *testing.T) {
	for c, worst := range map[audio.Coding]float64{audio.MuLaw: 32, audio.ALaw: 32, audio.ADPCM: 18} {
		for _, frame := range []time.Duration{1, 2, 5, 10, 20, 60} {
			if c == audio.ADPCM && frame == 1 {
				continue
			}
			n := int(200 / frame)
			plain, marked := tone(t, c, frame*time.Millisecond, n, false), tone(t, c, frame*time.Millisecond, n, true)
			if len(plain) != 8*n*int(frame) || len(marked) != len(plain) {
				t.Fatalf("%d and %d samples", len(plain), len(marked))
			}
			signal, noise := 0.0, 0.0
			for i := range plain {
				d := float64(marked[i]) - float64(plain[i])
				signal, noise = signal+float64(plain[i])*float64(plain[i]), noise+d*d
			}
			if snr := 10 * math.Log10(signal/noise); frame >= 20 && snr < worst {
				t.Errorf("coding %d, frames of %d ms: what hides is %.1f dB below the tone, want %.0f", c, frame, snr, worst)
			}
		}
	}
	short := make([]byte, 7)
	if _, ok := audio.MuLaw.HiddenTime(short); ok || audio.ALaw.HideTime(short, 1) || audio.ADPCM.HideTime(make([]byte, 11), 1) {
		t.Error("a time of 64 bits hides in less than 64 bits")
	}
}

// What sources code alike is coded once.
func TestCodedOnce(t *testing.T) {
	shared := &sharedInput{}
	var sources [3]*audio.Telephone
	for i, c := range []audio.Coding{audio.MuLaw, audio.MuLaw, audio.ADPCM} {
		var err error
		if sources[i], err = audio.NewTelephone(audio.TelephoneConfig{Coding: c, Input: shared, Speech: audio.Speech{Random: rng.New(1).Stream("x")}}, 0); err != nil {
			t.Fatal(err)
		}
	}
	var payloads [3][]byte
	for range 5 {
		shared.coded.Forget()
		shared.frame++
		for i, s := range sources {
			payloads[i] = make([]byte, s.MaxPayload())
			if f, ok := s.Encode(s.NextFrame(), payloads[i]); !ok || len(f.Payload) != s.MaxPayload() {
				t.Fatalf("%d octets", len(f.Payload))
			}
		}
		if !slices.Equal(payloads[0], payloads[1]) || shared.coded.Count() != 2 {
			t.Error("two sources code the same otherwise")
		}
	}
	if a, b, c := sources[0].Encodes(), sources[1].Encodes(), sources[2].Encodes(); a != 5 || b != 0 || c != 5 {
		t.Errorf("%d, %d and %d frames are coded", a, b, c)
	}
}

type sharedInput struct {
	coded audio.Coded
	frame int
}

func (i *sharedInput) Hear(f *audio.Frame, _ simtime.Time, samples []int16) *audio.Coded {
	for k := range samples {
		samples[k] = int16(1000 * (k%7 - 3) * i.frame)
	}
	f.Voice = true
	return &i.coded
}
