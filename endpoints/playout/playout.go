// Package playout is the receive buffer: it assembles frames from packets,
// hands complete ones to the renderer in order, and knows which were late,
// lost or frozen.
//
// A frame is rendered as soon as it and all before it are complete. A missing
// one is waited for until its deadline: the media time, moved by the fastest
// packet of the last seconds, plus the play-out delay. A frame of which nothing
// arrives at all isn't noticed, unless there is a decoder: then a frame is rendered
// only if what it is predicted from was decoded, and one whose end is under way is
// waited for longer.
//
// Pictures that shall be shown together with sound can't come and go with the network:
// a steady buffer waits for a target delay first, a quantile of how late frames were
// complete, and for as much more as it is asked to (lip synchronisation).
package playout

import (
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Packet is what the buffer needs to know of an RTP packet.
type Packet struct {
	Seq       uint64 // extended sequence number
	Timestamp uint32 // RTP timestamp
	First     bool   // first packet of its frame
	Last      bool   // last packet of its frame
	Size      units.Bytes
	Captured  simtime.Time // when the sender took the picture; first packet only
	Picture   Picture      // first packet only
}

// Outcome says what became of a frame.
type Outcome uint8

// The outcomes.
const (
	Rendered    Outcome = iota
	Late                // complete, but after its deadline
	Lost                // still incomplete a second after its deadline
	Undecodable         // complete in time, but what it is predicted from is missing
)

// Result is a frame that the buffer is done with.
type Result struct {
	Outcome Outcome
	At      simtime.Time
	// Delay is from capture to rendering, or to completion if it was late.
	Delay time.Duration
	Size  units.Bytes // of the payload
	Key   bool        // a decoder refresh point
	First uint64      // extended sequence number of its first packet, if it is complete
	// Decoded says that the picture of that number was decoded, in time or late.
	Decoded bool
	Picture uint16
	// Repairs says that the frame doesn't need all that came before it, though it is no
	// key frame.
	Repairs bool
	// Frozen is how long the picture stood still before this frame; 0 unless
	// that was a freeze.
	Frozen    time.Duration
	Timestamp uint32 // RTP timestamp
}

// Buffer is the receive buffer of one stream. What every packet needs stands first.
type Buffer struct {
	clock   float64 // RTP clock rate, Hz
	delay   time.Duration
	lastExt int64
	lastTS  uint32
	started bool
	steady  bool
	resync  bool  // the first packet of the next frame in order isn't known, as the end of the last one was missing
	settled int64 // media time of the last frame rendered or given up
	base    baseline
	baseAt  simtime.Time // value of base
	extra   time.Duration
	nextSeq uint64  // first packet of the next frame in order
	frames  []frame // that wait, by media time, oldest first
	overdue []frame // given up incomplete, in the order of that
	decoder decoder
	picture uint16 // of the last frame rendered or given up, if its end is known

	done      []Result
	held      time.Duration // of the last frame
	freeze    freezeDetector
	histogram histogram // of how late frames are complete, if steady
}

// Config describes a buffer.
type Config struct {
	Clock int // RTP clock rate, Hz
	// Delay is how long after the ideal time a frame may come.
	Delay time.Duration
	// Decoder tells whether frames need what they are predicted from.
	Decoder bool
	// Steady renders no frame before the target delay.
	Steady bool
	// Slices tells that losses of a part of a picture are told with Damaged, and that
	// frames say what they repair.
	Slices bool
}

type frame struct {
	ts       int64 // extended RTP timestamp
	captured simtime.Time
	picture  Picture
	first    uint64 // sequence numbers of its first and last packet, if known
	last     uint64
	newest   uint64 // of those that have come
	hasFirst bool
	hasLast  bool
	got      uint64
	size     units.Bytes
	play     simtime.Time // not before
	deadline simtime.Time
}

func (f *frame) complete() bool { return f.hasFirst && f.hasLast && f.got == f.last-f.first+1 }

// grace is how long after its deadline a frame may still turn out late rather
// than lost.
const grace = time.Second

// NewBuffer returns an empty buffer.
func NewBuffer(c Config) *Buffer {
	b := &Buffer{
		clock: float64(c.Clock), delay: c.Delay, steady: c.Steady,
		decoder: decoder{enabled: c.Decoder, broken: intact, slices: c.Slices},
	}
	if c.Steady {
		b.histogram = newHistogram(AdaptiveConfig{Max: min(c.Delay, mostSteady)}.withDefaults())
	}
	return b
}

// mostSteady bounds the target delay of a steady buffer.
const mostSteady = 2 * time.Second

// SetExtra asks a steady buffer for a greater delay than the path needs, from the next
// frame on. Deadlines move with it.
func (b *Buffer) SetExtra(d time.Duration) { b.extra = max(d, 0) }

// Ideal returns when a steady buffer would render a frame with the timestamp if
// nothing was asked for besides. It may be one near those that came last.
func (b *Buffer) Ideal(ts uint32) simtime.Time {
	return (b.media(b.lastExt+int64(int32(ts-b.lastTS))) + b.baseAt).Add(b.target())
}

// target is the delay before which nothing is rendered.
func (b *Buffer) target() time.Duration {
	if !b.steady {
		return 0
	}
	return min(b.histogram.target(), b.delay) // of few frames it is a guess
}

// Target returns the delay before which a steady buffer renders nothing, from when the fastest packet would come; 0 of one
// that renders what is complete.
func (b *Buffer) Target() time.Duration {
	if !b.steady {
		return 0
	}
	return b.target() + b.extra
}

// Held returns how long after the fastest packet would have come the last frame was rendered, which is what its place in
// the picture, the network and the buffer have added.
func (b *Buffer) Held() time.Duration { return b.held }

func (b *Buffer) media(ts int64) simtime.Time {
	return simtime.At(time.Duration(float64(ts) / b.clock * float64(time.Second)))
}

// NeedsRefresh reports whether nothing can be decoded before the next key frame,
// and none is on its way.
func (b *Buffer) NeedsRefresh() bool {
	if !b.decoder.needsRefresh() {
		return false
	}
	for i := range b.frames {
		if b.frames[i].picture.Key {
			return false
		}
	}
	return true
}

// Refreshes reports whether a key frame is on its way that begins behind a sequence number.
func (b *Buffer) Refreshes(behind uint64) bool {
	for i := range b.frames {
		if f := &b.frames[i]; f.picture.Key && f.hasFirst && f.first > behind {
			return true
		}
	}
	return false
}

// patience returns when a frame is given up: at its deadline, or if it is a key
// frame a grace later. Who shows that late has frozen for as long; who doesn't has
// to ask for another one, which would be as late.
func (b *Buffer) patience(f *frame) simtime.Time {
	if b.decoder.enabled && f.picture.Key {
		return f.deadline.Add(grace)
	}
	return f.deadline
}

// giveUp returns when a frame is given up. If nothing is missing of what has come, its end is
// under way and late: whoever has it decodes it, and needs no key frame for what follows.
func (b *Buffer) giveUp(f *frame) simtime.Time {
	due := b.patience(f)
	if b.decoder.enabled && !f.picture.Key && len(b.frames) == 1 && b.begins(f) && f.got == f.newest-f.first+1 {
		return due.Add(grace)
	}
	return due
}

// Insert takes a packet; duplicates must have been sorted out. It returns when the
// packet's frame has to be complete.
func (b *Buffer) Insert(now simtime.Time, p Packet) (deadline simtime.Time) {
	ts := b.extend(p.Timestamp)
	media := b.media(ts)
	b.baseAt = b.base.update(now, now-media)
	if !b.started {
		b.started, b.nextSeq, b.settled = true, p.Seq, ts-1
	}
	deadline = (media + b.baseAt).Add(b.delay + b.extra)
	if ts <= b.settled {
		b.straggler(now, ts, deadline, p)
		return deadline
	}
	f := b.frame(ts)
	if f.got == 0 {
		f.deadline = deadline
		if b.steady {
			f.play = (media + b.baseAt).Add(b.target() + b.extra)
		}
	}
	if f.add(p); b.steady && f.complete() {
		b.histogram.add(now.Sub(media + b.baseAt))
	}
	if p.First {
		deadline = b.patience(f)
	}
	b.advance(now)
	return deadline
}

func (f *frame) add(p Packet) {
	f.got++
	f.size += p.Size
	f.newest = max(f.newest, p.Seq)
	if p.First {
		f.first, f.hasFirst, f.captured, f.picture = p.Seq, true, p.Captured, p.Picture
	}
	if p.Last {
		f.last, f.hasLast = p.Seq, true
	}
}

// straggler takes a packet of a frame that was given up. If it completes the
// frame, that was late and not lost.
func (b *Buffer) straggler(now simtime.Time, ts int64, deadline simtime.Time, p Packet) {
	i := 0
	for i < len(b.overdue) && b.overdue[i].ts != ts {
		i++
	}
	if i == len(b.overdue) {
		b.overdue = append(b.overdue, frame{ts: ts, deadline: max(deadline, now.Add(-grace))})
	}
	f := &b.overdue[i]
	f.add(p)
	if f.complete() {
		b.done = append(b.done, Result{Outcome: Late, At: now, Delay: now.Sub(f.captured), Size: f.size})
		b.overdue = append(b.overdue[:i], b.overdue[i+1:]...)
	}
}

func (b *Buffer) extend(ts uint32) int64 {
	if !b.started {
		b.lastTS, b.lastExt = ts, int64(ts)
	}
	b.lastExt += int64(int32(ts - b.lastTS))
	b.lastTS = ts
	return b.lastExt
}

// frame finds or inserts the frame with the given media time.
func (b *Buffer) frame(ts int64) *frame {
	i := len(b.frames)
	for i > 0 && b.frames[i-1].ts > ts {
		i--
	}
	if i > 0 && b.frames[i-1].ts == ts {
		return &b.frames[i-1]
	}
	b.frames = append(b.frames, frame{})
	copy(b.frames[i+1:], b.frames[i:])
	b.frames[i] = frame{ts: ts}
	return &b.frames[i]
}

// NextTimeout returns when HandleTimeout has something to do.
func (b *Buffer) NextTimeout() simtime.Time {
	next := simtime.Never
	if len(b.frames) > 0 {
		f := &b.frames[0]
		if next = b.giveUp(f); b.ready(f) {
			next = min(next, f.play)
		}
	}
	for i := range b.overdue {
		next = min(next, b.overdue[i].deadline.Add(grace))
	}
	return next
}

// HandleTimeout gives up frames whose deadline has passed.
func (b *Buffer) HandleTimeout(now simtime.Time) {
	b.advance(now)
	kept := b.overdue[:0]
	for _, f := range b.overdue {
		if now < f.deadline.Add(grace) {
			kept = append(kept, f)
			continue
		}
		b.done = append(b.done, Result{Outcome: Lost, At: now, Delay: now.Sub(f.captured), Size: f.size})
	}
	b.overdue = kept
}

// advance renders what can be rendered and gives up what is overdue.
func (b *Buffer) advance(now simtime.Time) {
	for len(b.frames) > 0 {
		f := &b.frames[0]
		due := b.giveUp(f)
		if b.ready(f) {
			due = f.play
		}
		if now < due {
			return
		}
		b.settle(now, f)
		b.frames = append(b.frames[:0], b.frames[1:]...)
	}
}

// ready reports whether nothing is missing up to the end of the first frame that
// waits, or nothing that matters.
func (b *Buffer) ready(f *frame) bool {
	return f.complete() && (b.begins(f) || f.picture.Key && b.decoder.needsRefresh())
}

// begins reports whether the first frame that waits is the next in order, as far as is known.
func (b *Buffer) begins(f *frame) bool {
	return f.hasFirst && (b.resync || f.first == b.nextSeq || b.follows(f.picture))
}

// follows reports whether a frame is the next one by its number: repair packets
// (RFC 5109) and padding may lie between frames.
func (b *Buffer) follows(p Picture) bool {
	return !b.resync && (p.Number-b.picture)&0x7fff == 1
}

// Adjoins reports whether the end of the frame before a picture has come, so that what
// lies between them is none of theirs.
func (b *Buffer) Adjoins(p Picture) bool {
	if b.follows(p) {
		return true
	}
	for i := range b.frames {
		if f := &b.frames[i]; f.hasFirst && f.hasLast && (p.Number-f.picture.Number)&0x7fff == 1 {
			return true
		}
	}
	return false
}

// settle renders a frame, or gives it up; either way the next one is next.
func (b *Buffer) settle(now simtime.Time, f *frame) {
	b.settled, b.resync = f.ts, !f.hasLast
	if f.hasLast {
		b.nextSeq = f.last + 1
		if b.picture++; f.hasFirst {
			b.picture = f.picture.Number
		}
	}
	if !f.complete() {
		b.overdue = append(b.overdue, *f)
		return
	}
	r := Result{
		Outcome: Rendered, At: now, Delay: now.Sub(f.captured), Size: f.size, Key: f.picture.Key, First: f.first,
		Timestamp: uint32(f.ts), Picture: f.picture.Number,
		Repairs: f.picture.Distant || f.picture.Refreshed.Number > 0,
	}
	switch decodable := b.decoder.decode(f.picture); {
	case !decodable:
		r.Outcome = Undecodable
	case now > f.deadline:
		r.Outcome = Late
	default:
		r.Frozen = b.freeze.rendered(now)
		b.held = now.Sub(b.media(f.ts) + b.baseAt)
	}
	r.Decoded = r.Outcome != Undecodable
	b.done = append(b.done, r)
}

// Poll returns the next frame that the buffer is done with.
func (b *Buffer) Poll() (Result, bool) {
	if len(b.done) == 0 {
		return Result{}, false
	}
	r := b.done[0]
	b.done = append(b.done[:0], b.done[1:]...)
	return r, true
}
