package playout

import (
	"slices"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// AudioPacket is what the adaptive buffer needs to know of an RTP packet of audio.
type AudioPacket struct {
	Seq       uint64 // extended sequence number
	Timestamp uint32 // RTP timestamp
	Samples   uint32 // how much time it covers, in units of the RTP clock
	Voice     bool   // it has speech
	Comfort   bool   // it is comfort noise: silence until the next packet
	FEC       bool   // it has a copy of the frame before it
	Repeated  bool   // it was lost and is repeated by a later one, whose delay is counted
	// Captured is when the sender took its first sample, Size that of its payload,
	// and PayloadType says what it is. They are handed back with the result.
	Captured    simtime.Time
	Size        units.Bytes
	PayloadType uint8
	Payload     []byte // nil if nobody wants it back
}

// AudioOutcome says what became of a frame of audio.
type AudioOutcome uint8

// The outcomes.
const (
	AudioPlayed    AudioOutcome = iota
	AudioRecovered              // missing, but restored from the frame after it
	AudioConcealed              // missing when it was due
	AudioLate                   // came after it was concealed
	AudioDiscarded              // left out: see [AudioStats]
)

// AudioResult is a frame that the buffer is done with. What is late was reported as
// concealed before.
type AudioResult struct {
	Outcome AudioOutcome
	Seq     uint64
	At      simtime.Time // when its first sample is played, or it came late
	// Wait is how long it was in the buffer; 0 if it wasn't.
	Wait time.Duration
	// Delay is from capture until At, of one that was played, recovered or late; that
	// of a recovered one is known by the frame that had the copy, and its Size is 0.
	Delay       time.Duration
	Size        units.Bytes
	Timestamp   uint32 // RTP timestamp
	PayloadType uint8  // of a concealed frame, that of the one before
	Payload     []byte // of one that was played
	Voice       bool
	Media       time.Duration
	// Lasts is how long one that is played takes, which is Media or a little more or less.
	Lasts time.Duration
	// Gap is for how long something stood in for audio before the frame, as it wasn't
	// there yet and nothing after it.
	Gap time.Duration
}

// AdaptiveConfig describes an adaptive buffer. Zero values stand for defaults.
type AdaptiveConfig struct {
	Clock int // RTP clock rate, Hz; required
	// Min and Max bound the target delay: 20 ms and 500 ms. Max also bounds how
	// much media waits; what exceeds it is left out.
	Min, Max time.Duration
	// Start is the target before anything is known of the path: 40 ms.
	Start time.Duration
	// Quantile of the packets shall be in time: 0.97. Forget is by how much a
	// packet counts less with each one that follows: 0.005.
	Quantile, Forget float64
	// Stretch is by how much frames of speech are lengthened or shortened at most:
	// 0.05, that is 50 ms a second. SilenceStretch is the same for frames without
	// speech: 0.5.
	Stretch, SilenceStretch float64
	// FEC waits for a frame more, so that the copy in the next one comes in time.
	FEC bool
}

// Adaptive is a jitter buffer for audio whose delay follows that of the network.
//
// The relative delay of each packet, how much later it came than the fastest of the
// last seconds, goes into a histogram that forgets. The target delay is a quantile
// of it, as in WebRTC's NetEq. Frames are played one after the other, each for as
// long as it lasts, but a little longer while the delay is too small and shorter
// while it is too large; frames without speech far more so. Where the sender is
// silent and sends nothing, the delay is set right when it goes on (RFC 3551 §4.1:
// the beginning of a talk spurt may be used for that).
//
// A frame that is missing while later ones wait is concealed, or restored if the next
// one has a copy. When nothing waits at all, the buffer conceals and stands still: the
// next frame is played when it comes, and the delay has grown by that.
//
// Only differences of times and RTP timestamps count. No wall clock takes part, so
// that leap seconds of the sender's don't matter (RFC 7164); a timeline that jumps all
// the same is taken up anew.
//
// The order of calls: [Adaptive.HandleTimeout] at [Adaptive.NextTimeout],
// [Adaptive.Insert] as packets come, [Adaptive.Poll] after either until it returns
// false.
type Adaptive struct {
	c     AdaptiveConfig
	clock int64

	frames  []audioFrame // that wait, by media time
	started bool
	pos     simtime.Time // media time of what is played next
	seq     uint64       // the sequence number it should have
	first   uint64       // that of the timeline's first packet
	newest  audioFrame   // with the highest sequence number
	last    audioFrame   // played or concealed last

	waiting bool         // nothing is played since
	since   simtime.Time // then
	next    simtime.Time // timeout

	lastTS  uint32
	lastExt int64

	base      baseline
	baseAt    simtime.Time // value of base
	histogram histogram
	trend     trend
	delay     time.Duration // of the frame played last
	extra     time.Duration // see SetExtra
	repeats   int           // see SetRepeats
	passed    []uint64      // numbers without audio that are ahead
	dark      time.Duration // for how long something has stood in for audio
	gap       time.Duration // of that, the time before the next frame
	stats     AudioStats
	done      []AudioResult
}

// audioFrame is a packet with its media times.
type audioFrame struct {
	seq      uint64
	from, to simtime.Time // media time, from the timestamp 0 on
	arrived  simtime.Time
	captured simtime.Time
	ts       uint32
	size     units.Bytes
	payload  uint8
	data     []byte
	voice    bool
	comfort  bool
	fec      bool
}

func (f *audioFrame) duration() time.Duration { return f.to.Sub(f.from) }

// silent reports whether it may be followed by nothing because nobody talks.
func (f *audioFrame) silent() bool { return f.comfort || !f.voice }

// NewAdaptive returns an empty buffer.
func NewAdaptive(c AdaptiveConfig) *Adaptive {
	c = c.withDefaults()
	return &Adaptive{c: c, clock: int64(c.Clock), next: simtime.Never, waiting: true, histogram: newHistogram(c)}
}

func (c AdaptiveConfig) withDefaults() AdaptiveConfig {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&c.Min, 20 * time.Millisecond}, {&c.Max, 500 * time.Millisecond}, {&c.Start, 40 * time.Millisecond}} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	for _, d := range []struct {
		value    *float64
		fallback float64
	}{{&c.Quantile, 0.97}, {&c.Forget, 0.005}, {&c.Stretch, 0.05}, {&c.SilenceStretch, 0.5}} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	return c
}

// Insert takes a packet; duplicates must have been sorted out.
func (a *Adaptive) Insert(now simtime.Time, p AudioPacket) {
	a.HandleTimeout(now) // what is due is played without the packet
	ts := a.extend(p.Timestamp)
	f := audioFrame{
		seq: p.Seq, from: a.media(ts), to: a.media(ts + int64(p.Samples)), arrived: now,
		captured: p.Captured, ts: p.Timestamp, size: p.Size, payload: p.PayloadType, data: p.Payload,
		voice: p.Voice, comfort: p.Comfort, fec: p.FEC,
	}
	if a.started && a.jumped(now, &f) {
		a.Restart(now)
	}
	if !a.started {
		a.begin(&f)
	}
	i, ok := a.place(&f)
	if !ok {
		a.discard(now, &f)
		return
	}
	if !p.Repeated {
		a.observe(now, &f)
	}
	if f.seq >= a.newest.seq {
		a.newest = f
	}
	if f.from < a.pos.Add(-slack) || f.seq < a.seq {
		a.stats.Late++
		a.report(AudioLate, now, &f)
		return
	}
	a.store(i, &f)
	if a.waiting {
		a.plan(now)
		a.HandleTimeout(now)
	}
}

// Pass notes that a sequence number of the stream is that of something else than audio, which takes the place of audio:
// nothing is missing there, and what isn't sent meanwhile is silence.
func (a *Adaptive) Pass(seq uint64) {
	if !a.started || seq < a.seq {
		return
	}
	if len(a.passed) == leap { // what comes next begins anew
		a.passed = a.passed[:0]
	}
	a.passed = append(a.passed, seq)
	a.skip()
}

// skip goes on behind numbers without audio.
func (a *Adaptive) skip() {
	slices.Sort(a.passed)
	n := 0
	for ; n < len(a.passed) && a.passed[n] <= a.seq; n++ {
		a.seq = max(a.seq, a.passed[n]+1)
	}
	a.passed = slices.Delete(a.passed, 0, n)
}

// begin takes up the timeline of a packet.
func (a *Adaptive) begin(f *audioFrame) {
	a.started, a.pos, a.seq, a.first = true, f.from, f.seq, f.seq
	a.newest, a.last = *f, audioFrame{seq: f.seq, from: f.from, to: f.from}
	a.base = baseline{}
}

// Restart forgets the timeline but not how much the path jitters: another SSRC
// follows (RFC 3550 §8.2), with other timestamps and sequence numbers.
func (a *Adaptive) Restart(now simtime.Time) {
	if !a.started {
		return
	}
	a.HandleTimeout(now)
	a.stats.Restarts++
	for i := range a.frames {
		a.discard(now, &a.frames[i])
	}
	a.frames, a.passed, a.started = a.frames[:0], a.passed[:0], false
	if !a.waiting {
		a.waiting, a.since = true, max(a.next, now)
	}
	a.next = simtime.Never
}

// leap is how many sequence numbers may be missing at once (RFC 3550 Appendix A.1:
// MAX_DROPOUT).
const leap = 3000

// jumped reports whether a packet can't belong to the timeline: it follows all
// others but has an earlier timestamp, or it is more than the largest delay ahead of
// the fastest packet of the last seconds, or too many are missing before it.
func (a *Adaptive) jumped(now simtime.Time, f *audioFrame) bool {
	if f.seq <= a.newest.seq {
		return false
	}
	return f.seq-a.newest.seq > leap || f.from < a.newest.from || (now-f.from).Sub(a.baseAt) < -a.c.Max
}

// observe learns the delay of a packet.
func (a *Adaptive) observe(now simtime.Time, f *audioFrame) {
	transit := now - f.from
	a.baseAt = a.base.update(now, transit)
	a.histogram.add(transit.Sub(a.baseAt))
}

// Target returns the delay that the buffer aims at, from when the fastest packet
// would come to when it is played.
func (a *Adaptive) Target() time.Duration { return a.own() + a.extra }

// own is the target without what was asked for besides.
func (a *Adaptive) own() time.Duration {
	target := a.histogram.target()
	if a.c.FEC {
		target += a.last.duration()
	}
	target += time.Duration(a.repeats) * a.last.duration()
	return min(max(target, a.c.Min), a.c.Max)
}

// SetRepeats tells how many earlier frames packets repeat (RFC 2198): the buffer waits
// for as many more.
func (a *Adaptive) SetRepeats(n int) { a.repeats = n }

// SetExtra asks for a greater delay than the path needs, to wait for another stream.
// It isn't bounded by Max, but should change slowly: what waits beyond both is left out.
func (a *Adaptive) SetExtra(d time.Duration) { a.extra = max(d, 0) }

// Ideal returns when a timestamp would be played by a target that nothing was asked
// for besides. It may be one near those that came last.
func (a *Adaptive) Ideal(ts uint32) simtime.Time {
	ext := a.lastExt + int64(int32(ts-a.lastTS))
	return (a.media(ext) + a.baseAt).Add(a.own())
}

// Delay returns what the delay was when a frame was last played. It differs from
// the target while the buffer is on its way.
func (a *Adaptive) Delay() time.Duration { return a.delay }

// Stats returns what has happened so far.
func (a *Adaptive) Stats() AudioStats { return a.stats }

// Waiting returns how much media is in the buffer.
func (a *Adaptive) Waiting() time.Duration {
	if len(a.frames) == 0 {
		return 0
	}
	return a.frames[len(a.frames)-1].to.Sub(a.frames[0].from)
}

// NextTimeout returns when HandleTimeout has something to do.
func (a *Adaptive) NextTimeout() simtime.Time { return a.next }

// Poll returns the next frame that the buffer is done with.
func (a *Adaptive) Poll() (AudioResult, bool) {
	if len(a.done) == 0 {
		return AudioResult{}, false
	}
	r := a.done[0]
	a.done = append(a.done[:0], a.done[1:]...)
	return r, true
}

func (a *Adaptive) extend(ts uint32) int64 {
	if !a.started {
		a.lastTS, a.lastExt = ts, int64(ts)
	}
	a.lastExt += int64(int32(ts - a.lastTS))
	a.lastTS = ts
	return a.lastExt
}

// media converts a timestamp; seconds and the rest are taken apart so that the
// product doesn't overflow.
func (a *Adaptive) media(ts int64) simtime.Time {
	second := int64(time.Second)
	return simtime.Time(ts/a.clock*second + ts%a.clock*second/a.clock)
}
