package audio_test

import (
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
)

func sources(t testing.TB) map[string]audio.Source {
	speech := func() audio.Speech {
		return audio.Speech{
			Activity: conversation(1).Talker(audio.A), Random: stream(1),
			Overhang: audio.Overhang{Fixed: 100 * time.Millisecond, HalfLife: halfLife},
		}
	}
	silence := audio.SilenceConfig{Suppress: true, ComfortNoise: true}
	return map[string]audio.Source{
		"PCMU": telephone(t, audio.TelephoneConfig{Coding: audio.MuLaw, Speech: speech(), Silence: silence}),
		"PCMA": telephone(t, audio.TelephoneConfig{Coding: audio.ALaw, Speech: speech()}),
		"DVI4": telephone(t, audio.TelephoneConfig{Coding: audio.ADPCM, Speech: speech()}),
		"Opus": opus(t, audio.OpusConfig{DTX: true, FEC: true, Speech: speech(), Padding: audio.PaddingConfig{Multiple: 16, HalfLife: halfLife}}),
	}
}

// A frame allocates nothing.
func TestNoAllocation(t *testing.T) {
	for name, s := range sources(t) {
		b := make([]byte, s.MaxPayload())
		if n := testing.AllocsPerRun(2000, func() { s.Encode(s.NextFrame(), b) }); n > 0 {
			t.Errorf("%s: %.2f allocations a frame", name, n)
		}
	}
}

// One seed makes one sequence of frames, and another seed another.
func TestDeterminism(t *testing.T) {
	a, b := sources(t), sources(t)
	for name := range a {
		x, y := fmt.Sprint(take(a[name], at(20_000))), fmt.Sprint(take(b[name], at(20_000)))
		if x != y {
			t.Errorf("%s: one seed, two sequences", name)
		}
	}
	c := opus(t, audio.OpusConfig{Speech: audio.Speech{Random: stream(1)}})
	d := opus(t, audio.OpusConfig{Speech: audio.Speech{Random: stream(2)}})
	if fmt.Sprint(take(c, at(2000))) == fmt.Sprint(take(d, at(2000))) {
		t.Error("two seeds, one sequence")
	}
}

// The frames are the same on every machine.
func TestPinned(t *testing.T) {
	for name, want := range map[string]uint64{
		"PCMU": 0xc02088d94cd1532e, "PCMA": 0x9d3096d32ca2a45a, "DVI4": 0xb0e251ab9078c234, "Opus": 0x415cc58123d15b96,
	} {
		h := fnv.New64a()
		fmt.Fprint(h, take(sources(t)[name], at(20_000)))
		if got := h.Sum64(); got != want {
			t.Errorf("%s: hash = %#x, want %#x", name, got, want)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"PCMU", "PCMA", "DVI4", "Opus"} {
		s := sources(b)[name]
		buffer := make([]byte, s.MaxPayload())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Encode(s.NextFrame(), buffer)
			}
		})
	}
}
