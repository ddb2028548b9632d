package playout

import (
	"time"

	"rtpfabric/sim/simtime"
)

// HandleTimeout plays what is due.
func (a *Adaptive) HandleTimeout(now simtime.Time) {
	for a.next <= now {
		at := a.next
		if !a.waiting {
			a.waiting, a.since = true, at // unless something is played at once
		}
		a.plan(at)
	}
}

// plan decides what comes next while nothing is played: a frame, concealment, or a
// later time to decide again.
func (a *Adaptive) plan(now simtime.Time) {
	a.trim(now)
	if len(a.frames) == 0 {
		a.next = simtime.Never // until a packet comes
		return
	}
	f := &a.frames[0]
	a.skip()
	switch gap := a.hole(f); {
	case gap <= 0 && a.last.duration() > 0:
		a.resume(now, f, now)
	case a.missing(f, gap):
		a.bridge(now, f, gap)
	default:
		// Nothing was sent in between: the delay is set right.
		a.resume(now, f, max(now, a.since, (f.from+a.baseAt).Add(a.Target())))
	}
}

// slack is how far the timestamps of frames that follow each other may be apart: a
// sampling clock that drifts is told by whole ticks.
const slack = time.Millisecond

// hole returns how much media is missing before the first frame that waits.
func (a *Adaptive) hole(f *audioFrame) time.Duration {
	gap := f.from.Sub(a.pos)
	if f.seq == a.seq && gap < slack {
		return min(gap, 0)
	}
	return gap
}

// missing reports whether there should be a frame before the first that waits. After
// a frame without speech that is so only if the missing ones fill the gap; otherwise
// the sender was silent.
func (a *Adaptive) missing(f *audioFrame, gap time.Duration) bool {
	n := f.seq - a.seq
	switch {
	case f.seq <= a.seq || a.last.duration() == 0:
		return false
	case a.last.voice:
		return true
	default:
		return gap <= time.Duration(n)*a.last.duration()
	}
}

// resume plays the first frame that waits at the given time, and before that nothing:
// silence if nobody talked, or what stands in for a frame that didn't come.
func (a *Adaptive) resume(now simtime.Time, f *audioFrame, at simtime.Time) {
	if at > now {
		a.next = at
		return
	}
	pause := now.Sub(a.since)
	switch gap := a.hole(f); {
	case a.last.duration() == 0: // the first frame
	case gap > 0:
		a.stats.Silence += pause
		a.stats.silence(pause - gap)
	case a.last.silent():
		a.stats.Silence += pause
		a.stats.silence(pause)
	default:
		a.starved(pause)
	}
	a.play(now)
}

// starved notes that the next frame had to be waited for.
func (a *Adaptive) starved(d time.Duration) {
	a.stats.ConcealedTime += d
	a.stats.Expanded += d
	a.dark += d
	a.gap += d
}

// play plays the first frame that waits.
func (a *Adaptive) play(now simtime.Time) {
	f := a.take(now)
	a.delay = (now - f.from).Sub(a.baseAt)
	a.stats.Played++
	a.stats.interrupted(a.dark)
	a.dark = 0
	limit := a.c.Stretch
	if f.silent() {
		limit = a.c.SilenceStretch
	}
	change := a.trend.stretch(a.delay, a.Target(), f.duration(), limit)
	change = max(change, -a.Waiting()) // it would be waited for
	a.stats.stretched(f.silent(), change)
	a.report(AudioPlayed, now, &f)
	a.done[len(a.done)-1].Lasts = f.duration() + change
	a.advance(now, f, f.duration()+change)
}

// advance goes on after a frame, or what stood in for it, that is heard for the given
// time.
func (a *Adaptive) advance(at simtime.Time, f audioFrame, heard time.Duration) {
	a.last, a.pos, a.seq = f, f.to, f.seq+1
	a.waiting, a.next = false, at.Add(heard)
}

// bridge stands in for one missing frame before the first that waits: restores it if
// that has a copy and there is still time, or conceals it. Time in which nothing was
// played counts for the first of them.
func (a *Adaptive) bridge(now simtime.Time, f *audioFrame, gap time.Duration) {
	step := min(a.last.duration(), gap)
	lost := audioFrame{
		seq: a.seq, from: a.pos, to: a.pos.Add(step), voice: a.last.voice, payload: a.last.payload, captured: f.captured.Add(-step),
		ts: f.ts - uint32(int64(step)*a.clock/int64(time.Second)),
	}
	outcome := AudioConcealed
	if f.fec && f.seq == a.seq+1 && now < a.since.Add(step) {
		outcome = AudioRecovered
	}
	start := a.since
	if outcome == AudioRecovered {
		start = now
		a.stats.Recovered++
		a.starved(now.Sub(a.since))
	} else {
		a.stats.Concealed++
		a.stats.ConcealedTime += step
		a.dark += step
	}
	a.report(outcome, start, &lost)
	a.advance(start, lost, step)
	a.next = max(a.next, now)
	if rest := now.Sub(start.Add(step)); rest > 0 { // more of the pause than this frame
		a.waiting, a.since = true, start.Add(step)
	}
}

// take removes the first frame that waits. If others are missing before it and nothing
// stood in for them, silence did: they are counted.
func (a *Adaptive) take(now simtime.Time) audioFrame {
	f := a.frames[0]
	a.frames = append(a.frames[:0], a.frames[1:]...)
	for a.skip(); a.seq < f.seq; a.skip() {
		a.report(AudioConcealed, now, &audioFrame{seq: a.seq, to: simtime.Time(a.last.duration()), payload: a.last.payload})
		a.stats.Concealed++
		a.seq++
	}
	return f
}

// trim leaves out what is oldest when more waits than the largest delay, until the
// target is left. The frame that comes when another one is due is more than the delay,
// and so is what is left alone above the target.
func (a *Adaptive) trim(now simtime.Time) {
	if len(a.frames) == 0 || a.Waiting() <= a.c.Max+a.extra+2*a.frames[0].duration() {
		return
	}
	target := a.Target()
	for len(a.frames) > 1 && a.Waiting() > target {
		f := a.take(now)
		a.discard(now, &f)
		a.seq = f.seq + 1
	}
	a.pos = a.frames[0].from
}

func (a *Adaptive) discard(now simtime.Time, f *audioFrame) {
	a.stats.Discarded++
	a.report(AudioDiscarded, now, f)
}

// place finds where a frame belongs among those that wait. It reports false if it
// precedes the first frame of all, or its timestamp contradicts its sequence number.
func (a *Adaptive) place(f *audioFrame) (i int, ok bool) {
	i = len(a.frames)
	for i > 0 && a.frames[i-1].seq > f.seq {
		i--
	}
	switch {
	case f.seq < a.first, f.seq <= a.newest.seq && f.from > a.newest.from:
		return i, false
	case i > 0 && a.frames[i-1].from > f.from, i < len(a.frames) && a.frames[i].from < f.from:
		return i, false
	}
	return i, true
}

func (a *Adaptive) store(i int, f *audioFrame) {
	a.frames = append(a.frames, audioFrame{})
	copy(a.frames[i+1:], a.frames[i:])
	a.frames[i] = *f
}

func (a *Adaptive) report(o AudioOutcome, at simtime.Time, f *audioFrame) {
	r := AudioResult{Outcome: o, Seq: f.seq, At: at, Media: f.duration(), PayloadType: f.payload, Timestamp: f.ts, Payload: f.data, Voice: f.voice}
	if o == AudioPlayed || o == AudioRecovered {
		r.Gap, a.gap = a.gap, 0
	}
	if o == AudioPlayed || o == AudioDiscarded {
		r.Wait = at.Sub(f.arrived)
	}
	if o != AudioConcealed {
		r.Delay, r.Size = at.Sub(f.captured), f.size
	}
	a.done = append(a.done, r)
}
