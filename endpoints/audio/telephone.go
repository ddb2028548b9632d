package audio

import (
	"fmt"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Coding is how [Telephone] codes samples.
type Coding uint8

// The codings, all at 8 kHz.
const (
	MuLaw Coding = iota // PCMU (RFC 3551 §4.5.14)
	ALaw                // PCMA
	ADPCM               // DVI4 (RFC 3551 §4.5.1)
)

const telephoneClock = 8000

// TelephoneConfig describes a source of narrowband audio.
type TelephoneConfig struct {
	Coding Coding
	// Frame is how much audio a packet has, in whole milliseconds, at most 200 ms
	// (RFC 3551 §4.2); 0 stands for 20 ms.
	Frame   time.Duration
	Speech  Speech
	Silence SilenceConfig
}

// Telephone makes G.711 or DVI4 out of a synthetic waveform: a [Source].
type Telephone struct {
	timing
	c        TelephoneConfig
	activity Activity
	levels   *Levels
	detector detector
	comfort  comfort
	wave     waveform
	adpcm    DVI4
	samples  []int16
	talking  bool // the frame before was sent as speech
}

// NewTelephone returns a source whose first frame is due at start.
func NewTelephone(c TelephoneConfig, start simtime.Time) (*Telephone, error) {
	if c.Frame == 0 {
		c.Frame = 20 * time.Millisecond
	}
	if c.Frame < time.Millisecond || c.Frame > 200*time.Millisecond || c.Frame%time.Millisecond != 0 {
		return nil, fmt.Errorf("frames of %v: write whole milliseconds, from 1ms to 200ms", c.Frame)
	}
	if c.Speech.Random == nil {
		return nil, fmt.Errorf("a source of audio needs a random stream of its own")
	}
	return &Telephone{
		timing:   timing{clock: telephoneClock, frame: c.Frame, start: start, due: start},
		c:        c,
		activity: orAlways(c.Speech.Activity),
		levels:   NewLevels(c.Speech.Levels, c.Speech.Random),
		detector: detector{overhang: c.Speech.Overhang, random: c.Speech.Random},
		comfort:  comfort{c: c.Silence},
		wave:     waveform{hiss: c.Speech.Random.Uint32() | 1},
		samples:  make([]int16, telephoneClock*c.Frame/time.Second),
	}, nil
}

func orAlways(a Activity) Activity {
	if a == nil {
		return Always()
	}
	return a
}

// Levels returns what decides about the level, to change the noise.
func (t *Telephone) Levels() *Levels { return t.levels }

// MaxPayload implements [Source].
func (t *Telephone) MaxPayload() int {
	if t.c.Coding == ADPCM {
		return DVI4Header + len(t.samples)/2
	}
	return len(t.samples)
}

// Request does nothing: the rate is constant.
func (*Telephone) Request(simtime.Time, units.BitRate) {}

// Goal implements [Source].
func (t *Telephone) Goal() units.BitRate {
	return units.BitRate(int64(t.MaxPayload()) * 8 * int64(time.Second) / int64(t.frame))
}

// Encode implements [Source]. The waveform goes on in silence, too, so that what is
// sent later doesn't depend on whether silence is suppressed.
func (t *Telephone) Encode(now simtime.Time, into []byte) (Frame, bool) {
	f := t.begin()
	share := spoken(t.activity, f.Captured, t.due)
	speech, noise := t.levels.Next(share)
	t.wave.fill(t.samples, speech, noise)
	f.Level, f.Voice = Measure(t.samples), share > 0
	active := t.detector.active(f.Captured, f.Voice)
	switch {
	case active || !t.c.Silence.Suppress:
		f.Payload = into[:t.code(into)]
		f.Marker = t.c.Silence.Suppress && !t.talking
		t.talking, t.comfort.known = true, false
	case t.comfort.due(now, f.Level):
		t.talking = false
		f.Comfort = true
		f.Payload = ComfortNoise{Level: f.Level}.Append(into[:0])
	default:
		t.talking = false
		return Frame{}, false
	}
	t.finish(&f)
	return f, true
}

// Skip implements [Source]. What follows the pause is a new talk spurt.
func (t *Telephone) Skip(until simtime.Time) {
	if until > t.due {
		t.talking = false
	}
	t.timing.Skip(until)
}

func (t *Telephone) code(into []byte) int {
	switch t.c.Coding {
	case ADPCM:
		return t.adpcm.Encode(into, t.samples)
	case ALaw:
		for i, s := range t.samples {
			into[i] = EncodeALaw(s)
		}
	case MuLaw:
		for i, s := range t.samples {
			into[i] = EncodeMuLaw(s)
		}
	}
	return len(t.samples)
}
