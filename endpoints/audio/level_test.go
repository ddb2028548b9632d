package audio_test

import (
	"math"
	"testing"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/rng"
)

// ITU-T P.56: the active speech level is the mean power while somebody talks, here
// -26 dBov; the background has -60 dBov.
func TestLevels(t *testing.T) {
	for _, c := range []struct {
		name          string
		config        audio.LevelConfig
		speech, noise float64 // dBov
		spread        float64
	}{
		{"defaults", audio.LevelConfig{}, -26, -60, 4},
		{"quiet", audio.LevelConfig{Speech: -35, Spread: 6, Noise: -70, NoiseSpread: -1}, -35, -70, 6},
		{"steady", audio.LevelConfig{Spread: -1, NoiseSpread: -1}, -26, -60, 0},
	} {
		l := audio.NewLevels(c.config, rng.New(1).Stream("levels"))
		const n = 200_000
		speech, noise, sum, square := 0.0, 0.0, 0.0, 0.0
		for range n {
			s, b := l.Next(1)
			speech, noise = speech+s/n, noise+b/n
			db := 10 * math.Log10(s)
			sum, square = sum+db/n, square+db*db/n
		}
		if got := 10 * math.Log10(speech); math.Abs(got-c.speech) > 0.1 {
			t.Errorf("%s: speech of %.2f dBov, want %.2f", c.name, got, c.speech)
		}
		if got := 10 * math.Log10(noise); math.Abs(got-c.noise) > 0.1 {
			t.Errorf("%s: noise of %.2f dBov, want %.2f", c.name, got, c.noise)
		}
		if got := math.Sqrt(max(square-sum*sum, 0)); math.Abs(got-c.spread) > 0.1 {
			t.Errorf("%s: a standard deviation of %.2f dB, want %.2f", c.name, got, c.spread)
		}
	}
	l := audio.NewLevels(audio.LevelConfig{}, rng.New(1).Stream("levels"))
	if s, _ := l.Next(0); s != 0 {
		t.Errorf("a frame without speech has %g of it", s)
	}
	l.SetNoise(-40)
	if _, b := l.Next(0); math.Abs(10*math.Log10(b)+40) > 3 {
		t.Errorf("noise of %.1f dBov", 10*math.Log10(b))
	}
}

// The numbers that are drawn don't depend on who talks.
func TestLevelsDrawTheSame(t *testing.T) {
	a, b := rng.New(1).Stream("levels"), rng.New(1).Stream("levels")
	la, lb := audio.NewLevels(audio.LevelConfig{}, a), audio.NewLevels(audio.LevelConfig{}, b)
	for i := range 100 {
		la.Next(float64(i % 2))
		lb.Next(0)
	}
	if a.Uint64() != b.Uint64() {
		t.Error("silence draws other numbers than speech")
	}
}

// RFC 6464 §3: 0 dBov is a square wave of ±8031 on the scale of µ-law, which has 14
// bits; digital silence is 127.
func TestMeasure(t *testing.T) {
	square := func(amplitude int16) []int16 {
		s := make([]int16, 160)
		for i := range s {
			s[i] = amplitude
			if i%2 == 1 {
				s[i] = -amplitude
			}
		}
		return s
	}
	for amplitude, want := range map[int16]uint8{4 * 8031: 0, 32767: 0, 30503: 0, 30150: 1, 16062: 6, 3212: 20, 321: 40, 32: 60, 1: 90, 0: 127} {
		if got := audio.Measure(square(amplitude)); got != want {
			t.Errorf("a square wave of ±%d has -%d dBov, want -%d", amplitude, got, want)
		}
	}
}
