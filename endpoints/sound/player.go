package sound

import (
	"slices"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/simtime"
)

// Player has the sound of one source on the timeline of whoever listens. The order of calls
// is that of virtual time: Play and Comfort when a frame is played, Read for what was played
// until [Latency] ago.
type Player struct {
	buf  []int16 // from a while before what is read next
	read int     // place in buf of that
	end  int64   // sample of the timeline up to which buf has something
	pos  int64   // sample of the timeline at which reading goes on
	// surplus is how many more samples wait than the timeline has room for, without the
	// reserve: play-out is slower or faster than the source.
	surplus int
	started bool
	reading bool

	cycle []int16 // what is repeated instead of what is missing
	lost  int     // samples for which that has been so
	noise bool    // comfort noise stands for silence
	hiss  audio.Hiss

	taken int64  // samples that were read
	spans []span // what is known of those that weren't, and of the last before them
	heard uint64
}

// span is samples of one frame, or what stands for one, from a place on.
type span struct {
	at           int64 // of all samples ever
	spoken       simtime.Time
	heard, voice bool
	mixed        []audio.Contributor
}

// kept is how many samples stay when they have been read: a period is found by them.
const kept = window + longest

// place returns the sample of the timeline at a time.
func place(at simtime.Time) int64 {
	second := int64(time.Second)
	return int64(at)/second*Clock + int64(at)%second*Clock/second
}

// Frame is a frame that is played.
type Frame struct {
	At      simtime.Time  // when its first sample is
	Lasts   time.Duration // how long it takes, which may differ from what its samples do
	Samples []int16
	Spoken  simtime.Time // when its first sample was picked up
	Voice   bool
	// Mixed are those of whom it is a mix, if it says so. They are copied.
	Mixed []audio.Contributor
}

// Play takes a frame. What is missing before it is concealed.
func (p *Player) Play(f Frame) {
	p.goOn(f.At, f.Spoken)
	p.mark(f.Spoken, true, f.Voice)
	p.spans[len(p.spans)-1].mixed = slices.Clone(f.Mixed)
	at := len(p.buf)
	p.buf = append(p.buf, f.Samples...)
	if p.lost > 0 {
		p.recover(p.buf[at:])
	}
	p.noise = false
	p.heard++
	end := place(f.At.Add(f.Lasts))
	p.surplus += len(f.Samples) - int(end-p.end)
	p.end = end
	p.even()
}

// Comfort takes a frame of comfort noise: until the next frame there is noise of the given
// level (RFC 3389 §3), 0 to 127 for 0 to -127 dBov.
func (p *Player) Comfort(at simtime.Time, level uint8) {
	p.goOn(at, at)
	p.noise, p.lost = true, 0
	p.hiss.Level = level
}

// Played returns how many frames were played.
func (p *Player) Played() uint64 { return p.heard }

// goOn fills the timeline up to a time. Before the first frame there is silence.
func (p *Player) goOn(at simtime.Time, spoken simtime.Time) {
	if !p.started {
		p.started = true
		p.end = place(at)
		if !p.reading {
			p.pos = p.end
		}
		p.mark(spoken, false, false)
		p.buf = append(p.buf, make([]int16, kept-min(kept, len(p.buf)))...)
		p.read = len(p.buf)
		p.buf = append(p.buf, make([]int16, int(p.end-p.pos)+count(Reserve))...)
		return
	}
	n := int(place(at) - p.end)
	if n <= 0 {
		return
	}
	if last := &p.spans[len(p.spans)-1]; last.heard {
		mixed := last.mixed // also of what stands for what is missing
		p.mark(last.spoken.Add(lasting(int(p.wrote()-last.at))), false, last.voice && !p.noise)
		p.spans[len(p.spans)-1].mixed = mixed
	}
	p.end += int64(n)
	if n > longSilence { // nobody has listened for as long
		p.pos += int64(n - longSilence)
		n = longSilence
	}
	at0 := len(p.buf)
	p.buf = append(p.buf, make([]int16, n)...)
	if p.noise {
		p.hiss.Fill(p.buf[at0:])
		return
	}
	p.conceal(at0)
}

// longSilence is how many samples stand for silence at most, however long it is.
const longSilence = Clock

// wrote returns the place of the next sample that is appended, of all ever.
func (p *Player) wrote() int64 { return p.taken + int64(len(p.buf)-p.read) }

func (p *Player) mark(spoken simtime.Time, heard, voice bool) {
	p.spans = append(p.spans, span{at: p.wrote(), spoken: spoken, heard: heard, voice: voice})
}

// Read takes the sound of the timeline up to a time, which must not lie ahead: as many samples
// as into has, those after the ones that were read last. Nothing is heard before the first
// frame.
func (p *Player) Read(until simtime.Time, into []int16) Fragment {
	f := Fragment{Samples: into}
	if !p.started {
		p.reading, p.pos = true, place(until)
		clear(into)
		return f
	}
	p.goOn(until, until)
	if skip := place(until) - p.pos - int64(len(into)); skip != 0 {
		p.seek(skip)
	}
	p.reading, p.pos = true, place(until)
	p.describe(&f)
	f.Noise = p.noise
	n := copy(into, p.buf[p.read:])
	clear(into[n:])
	p.read += n
	p.taken += int64(n)
	p.forget()
	return f
}

// seek leaves samples out when reading doesn't go on where it was, or puts silence before them.
func (p *Player) seek(n int64) {
	if n > 0 {
		n = min(n, int64(len(p.buf)-p.read))
		p.read += int(n)
		p.taken += n
		return
	}
	p.buf = append(p.buf[:p.read:p.read], append(make([]int16, -n), p.buf[p.read:]...)...)
	for i := range p.spans {
		p.spans[i].at -= n
	}
}

// describe says what is known of the samples that are read next.
func (p *Player) describe(f *Fragment) {
	first := 0
	for i := range p.spans {
		s := &p.spans[i]
		if s.at >= p.taken+int64(len(f.Samples)) {
			break
		}
		if s.at <= p.taken {
			first = i
			f.Spoken = s.spoken.Add(lasting(int(p.taken - s.at)))
			f.Heard, f.Voice, f.Mixed = false, false, nil
		}
		f.Heard, f.Voice, f.Mixed = f.Heard || s.heard, f.Voice || s.voice, both(f.Mixed, s.mixed)
	}
	p.spans = append(p.spans[:0], p.spans[first:]...)
}

// both returns who is in one list or the other. It doesn't change them.
func both(list, more []audio.Contributor) []audio.Contributor {
	if len(list) == 0 {
		return more
	}
	list = slices.Clip(list)
	for _, c := range more {
		if !slices.ContainsFunc(list, func(o audio.Contributor) bool { return o.SSRC == c.SSRC }) {
			list = append(list, c)
		}
	}
	return list
}

// forget drops what was read long ago.
func (p *Player) forget() {
	if p.read < kept+4096 {
		return
	}
	n := copy(p.buf, p.buf[p.read-kept:])
	p.buf, p.read = p.buf[:n], kept
}

// even leaves out periods of the sound, or repeats them, until as many samples wait as the
// timeline has room for: where it is quiet at once, otherwise when that is a period. No more
// than the reserve is ever owed.
func (p *Player) even() {
	for {
		owed := max(p.surplus, -p.surplus)
		if owed < shortest {
			return
		}
		lag, match := period(p.buf)
		if tail := p.buf[len(p.buf)-window:]; audio.Measure(tail) > quiet || match < poor && owed >= longest {
			lag = min(owed, longest)
		} else if owed < lag {
			return
		}
		if len(p.buf)-p.read < 2*lag {
			return // too little waits
		}
		end := len(p.buf)
		before, last := p.buf[end-2*lag:end-lag], p.buf[end-lag:]
		if p.surplus > 0 {
			fade(before, last)
			p.buf = p.buf[:end-lag]
			p.surplus -= lag
			continue
		}
		p.buf = append(p.buf, last...)
		fade(p.buf[end-lag:end], before)
		p.surplus += lag
	}
}

// Below -50 dBov nobody hears what is left out, and what repeats itself so poorly has no period.
const (
	quiet = 50
	poor  = 0.5
)
