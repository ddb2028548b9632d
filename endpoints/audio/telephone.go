package audio

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
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
	// Input is what is heard instead of the Speech. Frames then begin at whole frames after
	// the start, whatever was skipped, so that several sources of one input keep step.
	Input Input
}

// Input is what a microphone picks up, or what takes its place.
type Input interface {
	// Hear fills in the samples from f.Captured up to, but not at, until, and what f says
	// of them: Voice, and of a mix its contributors. If other sources code the same samples
	// it returns where to keep what they make of them, otherwise nil.
	Hear(f *Frame, until simtime.Time, samples []int16) *Coded
}

// Coded is a frame as coded for several sources.
type Coded struct{ payloads [codings][]byte }

// Forget lets the next frame have the place.
func (c *Coded) Forget() {
	for i := range c.payloads {
		c.payloads[i] = c.payloads[i][:0]
	}
}

// Count returns in how many codings the frame was coded.
func (c *Coded) Count() (n int) {
	for _, p := range c.payloads {
		if len(p) > 0 {
			n++
		}
	}
	return n
}

// Telephone makes G.711 or DVI4 out of what it hears: a [Source].
type Telephone struct {
	timing
	c        TelephoneConfig
	input    Input
	levels   *Levels // of the speech, nil with an input
	detector detector
	comfort  comfort
	coder    Coder
	samples  []int16
	talking  bool // the frame before was sent as speech
	coded    uint64
	heard    Frame // that is being made
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
	if c.Speech.Tone < 0 || c.Speech.Tone >= telephoneClock/2 {
		return nil, fmt.Errorf("a tone of %g Hz: write less than %d", c.Speech.Tone, telephoneClock/2)
	}
	t := &Telephone{
		timing:   timing{clock: telephoneClock, frame: c.Frame, start: start, due: start},
		c:        c,
		input:    c.Input,
		detector: detector{overhang: c.Speech.Overhang, random: c.Speech.Random},
		comfort:  comfort{c: c.Silence},
		coder:    Coder{Coding: c.Coding},
		samples:  make([]int16, telephoneClock*c.Frame/time.Second),
	}
	if t.input == nil {
		t.levels = NewLevels(c.Speech.Levels, c.Speech.Random)
		t.input = &microphone{
			activity: orAlways(c.Speech.Activity), levels: t.levels,
			wave: waveform{hiss: c.Speech.Random.Uint32() | 1, step: uint32(math.RoundToEven(c.Speech.Tone / telephoneClock * (1 << 32)))},
		}
	}
	return t, nil
}

func orAlways(a Activity) Activity {
	if a == nil {
		return Always()
	}
	return a
}

// Levels returns what decides about the level, to change the noise; nil with an input.
func (t *Telephone) Levels() *Levels { return t.levels }

// Encodes returns how many frames were coded, rather than taken from who had coded the same.
func (t *Telephone) Encodes() uint64 { return t.coded }

// MaxPayload implements [Source].
func (t *Telephone) MaxPayload() int {
	return t.c.Coding.Size(len(t.samples))
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
	t.heard = t.begin()
	coded := t.input.Hear(&t.heard, t.due, t.samples)
	f := t.heard
	f.Level = Measure(t.samples)
	active := t.detector.active(f.Captured, f.Voice)
	switch {
	case active || !t.c.Silence.Suppress:
		f.Payload = into[:t.code(into, coded)]
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
		if late := until.Sub(t.start) % t.frame; late > 0 && t.c.Input != nil {
			until = until.Add(t.frame - late)
		}
	}
	t.timing.Skip(until)
}

// code codes the samples, unless somebody has coded the same.
func (t *Telephone) code(into []byte, shared *Coded) int {
	if shared == nil {
		t.coded++
		return t.coder.Encode(into, t.samples)
	}
	kept := &shared.payloads[t.c.Coding]
	if len(*kept) == 0 {
		t.coded++
		*kept = append(*kept, into[:t.coder.Encode(into, t.samples)]...)
	}
	return copy(into, *kept)
}

// microphone picks up the synthetic speech, and noise.
type microphone struct {
	activity Activity
	levels   *Levels
	wave     waveform
}

// Hear implements [Input].
func (m *microphone) Hear(f *Frame, until simtime.Time, samples []int16) *Coded {
	share := spoken(m.activity, f.Captured, until)
	speech, noise := m.levels.Next(share)
	m.wave.fill(samples, speech, noise)
	f.Voice = share > 0
	return nil
}
