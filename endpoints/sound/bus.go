package sound

import (
	"cmp"
	"math"
	"slices"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/simtime"
)

// Ear takes what a stream plays: a [Player] behind which is somebody.
type Ear interface {
	// Play and Comfort are those of [Player]; ssrc is the stream's.
	Play(ssrc uint32, f Frame)
	Comfort(ssrc uint32, at simtime.Time, level uint8)
}

// MostContributors is how many sources a packet can name (RFC 3550 §5.1).
const MostContributors = 15

// Bus adds up the sounds of its inputs, in frames, and makes as many mixes of them as
// there are different ones: one for everybody who isn't in it, and for everybody who is one
// without themself. What is coded alike is coded once (N or N+1 mixes of N sources,
// RFC 7667 §3.6.1).
type Bus struct {
	frame     int // samples
	selection Selection
	inputs    []*Input

	made    bool
	at      simtime.Time // of the frame that is ready
	mixed   []*Input     // that are in it, the loudest first
	named   []audio.Contributor
	total   []int32
	common  []int16
	coded   audio.Coded
	noMixes bool // nobody has asked for the common mix of this frame
	mixes   uint64
	frames  uint64
}

// NewBus returns a bus with frames of a duration, that mixes the loudest inputs; 0 mixes all.
func NewBus(frame time.Duration, loudest int) *Bus {
	n := count(frame)
	return &Bus{frame: n, selection: Selection{Top: loudest}, total: make([]int32, n), common: make([]int16, n)}
}

// Input is a source on a bus: an [Ear].
type Input struct {
	// SSRC is that of the stream that was played last.
	SSRC uint32
	// Mixes says that it is another mixer's stream, which names those in it, or nobody.
	Mixes bool

	player    Player
	bus       *Bus
	candidate Candidate
	samples   []int16
	now       Fragment
	level     uint8
	own       []int16 // the mix without this one
	ready     bool    // own is there
	coded     audio.Coded
	// mixed are those who have been heard on it in a frame, each with when that was last; left are
	// the latest of those whose stream has ended.
	mixed []mixed
	left  []uint32
}

type mixed struct {
	ssrc uint32
	at   simtime.Time
}

// NewInput adds a source.
func (b *Bus) NewInput() *Input {
	in := &Input{bus: b, samples: make([]int16, b.frame), own: make([]int16, b.frame)}
	b.inputs = append(b.inputs, in)
	return in
}

// Play implements [Ear].
func (in *Input) Play(ssrc uint32, f Frame) {
	in.SSRC = ssrc
	in.player.Play(f)
}

// Comfort implements [Ear].
func (in *Input) Comfort(ssrc uint32, at simtime.Time, level uint8) {
	in.SSRC = ssrc
	in.player.Comfort(at, level)
}

// Left tells that somebody who was heard on the input has said BYE, and reports whether that is so:
// what is still to be played of them has no name.
func (in *Input) Left(ssrc uint32) bool {
	if ssrc != in.SSRC && !slices.ContainsFunc(in.mixed, func(m mixed) bool { return m.ssrc == ssrc }) {
		return false
	}
	in.mixed = slices.DeleteFunc(in.mixed, func(m mixed) bool { return m.ssrc == ssrc })
	if len(in.left) == maxRemembered {
		in.left = slices.Delete(in.left, 0, 1)
	}
	in.left = append(in.left, ssrc)
	return true
}

// Gone reports whether somebody who was heard on the input has said BYE.
func (in *Input) Gone(ssrc uint32) bool { return slices.Contains(in.left, ssrc) }

// maxRemembered bounds what an input remembers of those who were heard on it.
const maxRemembered = 64

// Mixed appends the streams that have been part of a frame after a time, and go on.
func (in *Input) Mixed(list []uint32, since simtime.Time) []uint32 {
	for _, m := range in.mixed {
		if m.at > since {
			list = append(list, m.ssrc)
		}
	}
	return list
}

// note remembers who is part of a frame.
func (in *Input) note(at simtime.Time, ssrc uint32) {
	oldest := 0
	for i := range in.mixed {
		if in.mixed[i].ssrc == ssrc {
			in.mixed[i].at = at
			return
		}
		if in.mixed[i].at < in.mixed[oldest].at {
			oldest = i
		}
	}
	if len(in.mixed) == maxRemembered {
		in.mixed[oldest] = mixed{ssrc, at}
		return
	}
	in.mixed = append(in.mixed, mixed{ssrc, at})
}

// names appends who is part of the frame that is ready, by this input, and isn't in the list: those
// of whom it is a mix itself (RFC 3550 §7.4), or its stream.
func (in *Input) names(list []audio.Contributor) []audio.Contributor {
	add := func(c audio.Contributor) {
		if !in.Gone(c.SSRC) && !slices.ContainsFunc(list, func(o audio.Contributor) bool { return o.SSRC == c.SSRC }) {
			list = append(list, c)
		}
	}
	if !in.Mixes && len(in.now.Mixed) == 0 {
		add(audio.Contributor{SSRC: in.SSRC, Level: in.level})
	}
	for _, c := range in.now.Mixed {
		if c.Level == audio.Unmeasured {
			c.Level = in.level
		}
		add(c)
	}
	return list
}

// Decoded returns how many frames were decoded for the input.
func (in *Input) Decoded() uint64 { return in.player.Played() }

// Frames returns how many frames the bus has made, and Mixes how many mixes of them.
func (b *Bus) Frames() uint64 { return b.frames }

// Mixes returns how many mixes were made: of a frame at most one more than it has sources.
func (b *Bus) Mixes() uint64 { return b.mixes }

// mix makes the frame that ends at a time.
func (b *Bus) mix(until simtime.Time) {
	if b.made && b.at == until {
		return
	}
	b.made, b.at, b.noMixes = true, until, true
	b.frames++
	b.coded.Forget()
	b.mixed = b.mixed[:0]
	clear(b.total)
	for _, in := range b.inputs {
		in.ready = false
		in.coded.Forget()
		in.now = in.player.Read(until, in.samples)
		in.level = audio.Measure(in.samples)
		if !in.now.Heard && (in.level >= silent || in.now.Noise) { // who is silent has no part in it
			continue
		}
		if b.selection.Note(until, &in.candidate, in.level) {
			b.mixed = append(b.mixed, in)
		}
	}
	// Who has lost the place to one that comes later in the list isn't heard either.
	b.mixed = slices.DeleteFunc(b.mixed, func(in *Input) bool { return !b.selection.Choose(until, &in.candidate) })
	slices.SortStableFunc(b.mixed, func(x, y *Input) int { return cmp.Compare(x.level, y.level) })
	for _, in := range b.mixed {
		b.named = in.names(b.named[:0])
		for _, c := range b.named {
			in.note(until, c.SSRC)
		}
		for i, s := range in.samples {
			b.total[i] += int32(s)
		}
	}
}

// silent is a level that nothing is heard at.
const silent = 127

// saturate returns the sample nearest to a sum.
func saturate(sum int32) int16 { return int16(max(min(sum, math.MaxInt16), math.MinInt16)) }

// Output is what somebody hears of a bus: all but themself. It is an [audio.Input].
type Output struct {
	bus  *Bus
	self *Input // nil of who only listens
	// nameless mixes don't say whose sounds they have.
	nameless bool
	list     []audio.Contributor
}

// NewOutput returns what the owner of an input hears, or who has none.
func (b *Bus) NewOutput(self *Input, nameless bool) *Output {
	return &Output{bus: b, self: self, nameless: nameless}
}

// Hear implements [audio.Input]. All outputs of a bus are asked for the same times.
func (o *Output) Hear(f *audio.Frame, _ simtime.Time, samples []int16) *audio.Coded {
	b := o.bus
	b.mix(f.Captured)
	o.list = o.list[:0]
	for _, in := range b.mixed {
		if in == o.self {
			continue
		}
		if f.Voice = f.Voice || in.now.Voice; f.Spoken == 0 {
			f.Spoken = in.now.Spoken
		}
		if !o.nameless {
			o.list = in.names(o.list)
		}
	}
	f.Contributors = o.list[:min(len(o.list), MostContributors)]
	if o.self == nil || !slices.Contains(b.mixed, o.self) {
		if b.noMixes {
			b.noMixes = false
			b.mixes++
			for i, sum := range b.total {
				b.common[i] = saturate(sum)
			}
		}
		copy(samples, b.common)
		return &b.coded
	}
	in := o.self
	if !in.ready {
		in.ready = true
		b.mixes++
		for i, s := range in.samples {
			in.own[i] = saturate(b.total[i] - int32(s))
		}
	}
	copy(samples, in.own)
	return &in.coded
}
