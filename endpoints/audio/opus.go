package audio

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

const (
	opusClock = 48000 // whatever the sampling rate (RFC 7587 §4.1)
	// OpusHeader is how many octets of a payload say something: TOC and flags. The
	// rest is a pattern, which may be written over.
	OpusHeader = 2
	// leastOpus leaves room for 8 octets of the user's.
	leastOpus = OpusHeader + 8
	// maxOpus is the largest frame (RFC 6716 §3.2.1).
	maxOpus = 1275

	// dtxInterval is how often a frame is sent in silence (RFC 6716 §2.1.9), and
	// dtxDelay how long silence is encoded as usual first.
	dtxInterval = 400 * time.Millisecond
	dtxDelay    = 200 * time.Millisecond

	// inactiveShare is the size of frames without speech under variable rate,
	// relative to those with it.
	inactiveShare = 0.3
)

// OpusConfig describes a source that behaves like Opus.
type OpusConfig struct {
	// Min, Max and Start are rates of payload; 0 stands for 6 kbit/s, 510 kbit/s
	// and 32 kbit/s (RFC 6716 §2.1.1).
	Min, Max, Start units.BitRate
	// Frame is 10, 20, 40 or 60 ms; 0 stands for 20 ms.
	Frame time.Duration
	// CBR makes all frames of one rate equally large. Otherwise their sizes follow
	// the speech, and the rate is reached while somebody talks.
	CBR bool
	// DTX sends a frame in 400 ms while nobody talks (RFC 6716 §2.1.9).
	DTX bool
	// FEC repeats each frame of speech in the next one at a lower rate
	// (RFC 6716 §2.1.7), which takes Overhead times what is left for the frame
	// itself: 0.2 to 0.3, 0 stands for 0.25. Both are within the rate.
	FEC      bool
	Overhead float64
	Padding  PaddingConfig
	Speech   Speech
}

// Opus makes frames of the sizes that Opus would make: a [Source].
type Opus struct {
	timing
	c        OpusConfig
	activity Activity
	levels   *Levels
	detector detector
	padder   *Padder
	goal     units.BitRate
	carry    float64 // fractions of an octet
	spoke    bool    // the frame before was sent and had speech
	running  bool    // the frame before was sent
	silence  simtime.Time
	silent   bool
	update   simtime.Time // next frame of a silence
}

// NewOpus returns a source whose first frame is due at start.
func NewOpus(c OpusConfig, start simtime.Time) (*Opus, error) {
	c = c.withDefaults()
	switch {
	case !slices.Contains(silkFrames, c.Frame):
		return nil, fmt.Errorf("frames of %v: write 10ms, 20ms, 40ms or 60ms", c.Frame)
	case c.Min > c.Max || c.Min <= 0:
		return nil, fmt.Errorf("rates from %v to %v: write a positive range", c.Min, c.Max)
	case c.Overhead < 0 || c.Overhead > 1:
		return nil, fmt.Errorf("redundancy of %v: write a share from 0.2 to 0.3", c.Overhead)
	case c.Speech.Random == nil:
		return nil, fmt.Errorf("a source of audio needs a random stream of its own")
	}
	return &Opus{
		timing: timing{clock: opusClock, frame: c.Frame, start: start, due: start},
		c:      c, activity: orAlways(c.Speech.Activity), goal: min(max(c.Start, c.Min), c.Max),
		levels:   NewLevels(c.Speech.Levels, c.Speech.Random),
		detector: detector{overhang: c.Speech.Overhang, random: c.Speech.Random},
		padder:   NewPadder(c.Padding, c.Speech.Random),
	}, nil
}

func (c OpusConfig) withDefaults() OpusConfig {
	for _, d := range []struct{ value, fallback *units.BitRate }{
		{&c.Min, ptr(6 * units.Kbps)}, {&c.Max, ptr(510 * units.Kbps)}, {&c.Start, ptr(32 * units.Kbps)},
	} {
		if *d.value == 0 {
			*d.value = *d.fallback
		}
	}
	if c.Frame == 0 {
		c.Frame = 20 * time.Millisecond
	}
	if c.Overhead <= 0 && c.Overhead >= 0 {
		c.Overhead = 0.25
	}
	return c
}

func ptr(r units.BitRate) *units.BitRate { return &r }

// Levels returns what decides about the level, to change the noise.
func (o *Opus) Levels() *Levels { return o.levels }

// MaxPayload implements [Source].
func (*Opus) MaxPayload() int { return maxOpus }

// Request implements [Source]: the next frame has the new rate.
func (o *Opus) Request(_ simtime.Time, r units.BitRate) { o.goal = min(max(r, o.c.Min), o.c.Max) }

// Goal implements [Source].
func (o *Opus) Goal() units.BitRate { return o.goal }

// SetFEC turns in-band FEC on or off, as the loss that is reported calls for.
func (o *Opus) SetFEC(on bool) { o.c.FEC = on }

// Skip implements [Source].
func (o *Opus) Skip(until simtime.Time) {
	if until > o.due {
		o.running, o.spoke = false, false
	}
	o.timing.Skip(until)
}

// Encode implements [Source].
func (o *Opus) Encode(now simtime.Time, into []byte) (Frame, bool) {
	f := o.begin()
	share := spoken(o.activity, f.Captured, o.due)
	speech, noise := o.levels.Next(share)
	level := decibels(speech + noise)
	f.Level, f.Voice = uint8(max(min(-math.RoundToEven(level), 127), 0)), share > 0
	active := o.detector.active(f.Captured, f.Voice)
	size := o.size(active)
	if !o.sends(f.Captured, active) {
		o.running, o.spoke = false, false
		return Frame{}, false
	}
	toc := o.toc()
	if o.c.FEC && o.spoke && toc.Mode() != CELT {
		f.Redundant = units.Bytes(float64(size) * o.c.Overhead / (1 + o.c.Overhead))
	}
	f.Payload = into[:size]
	writeOpus(f.Payload, toc, active, f.Redundant > 0)
	// A frame amid silence is none of a talk spurt (RFC 7587 §4.1).
	f.Marker = o.c.DTX && active && !o.running
	f.Padding = o.padder.Pad(now, size)
	o.running, o.spoke = active || !o.dormant(f.Captured), active
	o.finish(&f)
	return f, true
}

// sends decides about discontinuous transmission.
func (o *Opus) sends(at simtime.Time, active bool) bool {
	switch {
	case active:
		o.silent = false
		return true
	case !o.silent:
		o.silent, o.silence = true, at
		o.update = at.Add(dtxDelay)
	}
	if !o.dormant(at) {
		return true
	}
	if at < o.update {
		return false
	}
	o.update = at.Add(dtxInterval)
	return true
}

// dormant reports whether silence has lasted so long that its frames are left out.
func (o *Opus) dormant(at simtime.Time) bool {
	return o.c.DTX && o.silent && at.Sub(o.silence) >= dtxDelay
}

// size returns that of a frame. Numbers are drawn in silence, too.
//
// Assumption: under variable rate, a frame of speech has 2 % more for each decibel
// above the mean, and a random part of a standard deviation of 7 %, within 40 % of the
// mean; frames without speech have 30 %. Those of an overhang vary like speech, so
// that they can't be told from it (RFC 6562 §4).
func (o *Opus) size(active bool) units.Bytes {
	mean := float64(float64(o.goal) / 8 * o.frame.Seconds())
	chance := o.c.Speech.Random.Laplace(0.05)
	switch {
	case o.c.CBR:
	case !active:
		mean = float64(mean * inactiveShare)
	default:
		sway := float64(0.02*o.levels.c.Spread*o.levels.sway) + chance
		mean = float64(mean * (1 + max(min(sway, 0.4), -0.4)))
	}
	exact := mean + o.carry
	size := math.Floor(exact)
	o.carry = exact - size
	return units.Bytes(max(min(size, maxOpus), leastOpus))
}

// toc chooses mode and bandwidth by rate, near the sweet spots of RFC 6716 §2.1.1
// for speech. CELT comes from 64 kbit/s on, unless FEC is wanted, which it lacks;
// frames longer than 20 ms are SILK's.
func (o *Opus) toc() TOC {
	mode, bandwidth := Hybrid, Fullband
	switch {
	case o.goal < 12*units.Kbps:
		mode, bandwidth = SILK, Narrowband
	case o.goal < 24*units.Kbps || o.c.Frame > 20*time.Millisecond:
		mode, bandwidth = SILK, Wideband
	case o.goal >= 64*units.Kbps && !o.c.FEC:
		mode = CELT
	}
	toc, ok := NewTOC(mode, bandwidth, o.c.Frame)
	if !ok {
		panic("audio: no such Opus frame")
	}
	return toc
}

// writeOpus writes what stands in for a frame: TOC and flags are real, the rest is a
// pattern.
func writeOpus(b []byte, toc TOC, voice, fec bool) {
	flags := byte(0)
	if toc.Mode() != CELT {
		n := toc.lpFrames()
		if voice {
			flags = 0xff << (8 - n)
		}
		if fec {
			flags |= 1 << (7 - n)
		}
	}
	b[0], b[1] = byte(toc), flags
	for i := OpusHeader; i < len(b); i++ {
		b[i] = byte(i*151 + 43)
	}
}
