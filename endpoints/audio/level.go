package audio

import (
	"math"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/rng"
)

// LevelConfig describes how loud speech and the noise behind it are. Levels are in
// dBov: decibels relative to the overload point, a square wave of full scale
// (RFC 6464 §3).
type LevelConfig struct {
	// Speech is the active speech level (ITU-T P.56): the mean power while somebody
	// talks. 0 stands for -26 dBov.
	Speech float64
	// Spread is the standard deviation of a frame's level around it, dB; 0 stands
	// for 4 dB, a negative one for none.
	Spread float64
	// Noise is the level of the background; 0 stands for -60 dBov. Its standard
	// deviation is NoiseSpread; 0 stands for 0.5 dB, a negative one for none.
	Noise       float64
	NoiseSpread float64
}

func (c LevelConfig) withDefaults() LevelConfig {
	for _, d := range []struct {
		value    *float64
		fallback float64
	}{{&c.Speech, -26}, {&c.Spread, 4}, {&c.Noise, -60}, {&c.NoiseSpread, 0.5}} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	c.Spread, c.NoiseSpread = max(c.Spread, 0), max(c.NoiseSpread, 0)
	return c
}

// loudest is the highest level of a frame of speech, so that its peaks don't
// overload.
const loudest = -9.0

// persistence is the correlation of the levels of two frames that follow one
// another: syllables are longer than frames.
const persistence = 0.8

// Levels draws the level of each frame.
type Levels struct {
	c      LevelConfig
	random *rng.Stream
	sway   float64 // of speech around its level, in standard deviations
}

// NewLevels returns the levels of one source.
func NewLevels(c LevelConfig, random *rng.Stream) *Levels {
	return &Levels{c: c.withDefaults(), random: random}
}

// SetNoise changes the level of the background, dBov.
func (l *Levels) SetNoise(level float64) { l.c.Noise = level }

// Next returns the power of speech and noise in the next frame, of which the given
// share has speech, relative to the overload point: 1 is 0 dBov. It draws the same
// numbers whether somebody talks or not.
func (l *Levels) Next(share float64) (speech, noise float64) {
	innovation := math.Sqrt(1 - persistence*persistence)
	l.sway = float64(persistence*l.sway) + float64(innovation*l.random.Normal())
	noise = power(l.c.Noise + float64(l.c.NoiseSpread*l.random.Normal()))
	if share > 0 {
		// Levels that are normally distributed in dB have more power in the mean
		// than that of their mean: by σ²·ln10/20 dB.
		mean := l.c.Speech - float64(l.c.Spread*l.c.Spread*(math.Ln10/20))
		speech = float64(share * power(min(mean+float64(l.c.Spread*l.sway), loudest)))
	}
	return speech, noise
}

// power is 10^(level/10).
func power(level float64) float64 { return detmath.Exp(float64(level * (math.Ln10 / 10))) }

// decibels is the inverse of power.
func decibels(power float64) float64 { return float64(detmath.Log(power) * (10 / math.Ln10)) }
