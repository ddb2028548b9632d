package measure

import (
	"math"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/dsp/window"

	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// Listeners hear the mixes of a conference, as its first few participants do. They look and take no part.
type Listeners struct{ list []*listener }

// mostListeners bounds what listening costs, for each of whom sound is decoded.
const mostListeners = 8

// ListenToMixes lets somebody listen to the mixes of sound in a simulation that hasn't been built yet. Without a mixer
// nobody listens.
func ListenToMixes(c *topologies.Config) *Listeners {
	all := &Listeners{}
	if c.Type != topologies.Mixer || c.Listen != nil {
		return all
	}
	c.Listen = func(m *topologies.Media) sound.Ear {
		if len(all.list) == mostListeners {
			return nil
		}
		l := &listener{flow: m.Flow()}
		all.list = append(all.list, l)
		return l
	}
	return all
}

// Spectra returns what has been heard, of those who have heard anything.
func (a *Listeners) Spectra() []record.Spectrum {
	var list []record.Spectrum
	for _, l := range a.list {
		if l.windows > 0 {
			list = append(list, l.spectrum())
		}
	}
	return list
}

// spectrumLength is how many samples are transformed at once: 256 ms, for 3.9 Hz a line. fullScale is the greatest sample of
// G.711 as [audio] decodes it, which is 0 dBov.
const (
	spectrumLength = 2048
	fullScale      = 4 * 8031
	leastLevel     = -96 // dBov
)

// listener is an [sound.Ear] that adds up powers by frequency.
type listener struct {
	flow    string
	player  sound.Player
	until   simtime.Time
	frame   [160]int16
	samples []float64
	fft     *fourier.FFT
	power   []float64
	windows int
}

// Play implements [sound.Ear].
func (l *listener) Play(_ uint32, f sound.Frame) {
	l.listen(f.At)
	l.player.Play(f)
}

// Comfort implements [sound.Ear].
func (l *listener) Comfort(_ uint32, at simtime.Time, level uint8) {
	l.listen(at)
	l.player.Comfort(at, level)
}

// listen hears what was played up to a time.
func (l *listener) listen(now simtime.Time) {
	const frame = 20 * time.Millisecond
	for l.until.Add(frame) <= now {
		l.until = l.until.Add(frame)
		for _, s := range l.player.Read(l.until, l.frame[:]).Samples {
			l.samples = append(l.samples, float64(s)/fullScale)
		}
		if len(l.samples) >= spectrumLength {
			l.transform(l.samples[:spectrumLength])
			l.samples = append(l.samples[:0], l.samples[spectrumLength:]...)
		}
	}
}

// transform adds the powers in some samples, unless there is silence, as before the first frame.
func (l *listener) transform(samples []float64) {
	if l.fft == nil {
		l.fft, l.power = fourier.NewFFT(spectrumLength), make([]float64, spectrumLength/2+1)
	}
	silent := true
	for _, s := range samples {
		silent = silent && s == 0
	}
	if silent {
		return
	}
	for k, c := range l.fft.Coefficients(nil, window.FlatTop(samples)) {
		l.power[k] += real(c)*real(c) + imag(c)*imag(c)
	}
	l.windows++
}

// spectrum returns levels, at which a tone has that of its root mean square.
func (l *listener) spectrum() record.Spectrum {
	ones := make([]float64, spectrumLength)
	for i := range ones {
		ones[i] = 1
	}
	gain := 0.0
	for _, w := range window.FlatTop(ones) {
		gain += w
	}
	s := record.Spectrum{Entity: l.flow, Step: float64(sound.Clock) / spectrumLength}
	for _, p := range l.power {
		level := 10 * math.Log10(2*p/float64(l.windows)/(gain*gain))
		s.Levels = append(s.Levels, math.Round(10*math.Max(level, leastLevel))/10)
	}
	return s
}
