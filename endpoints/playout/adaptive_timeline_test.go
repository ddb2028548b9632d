package playout_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// The sender's clock is fast or slow by 100 ppm: after an hour and a half that is half
// a second, but the delay stays what it was.
func TestAdaptiveDrift(t *testing.T) {
	for _, ppm := range []float64{-100, 100} {
		for name, voice := range map[string]func(int) bool{"speech": nil, "silence": func(int) bool { return false }} {
			o := call{frames: 270_000, ppm: ppm, delay: jitter(4, 50*ms, 3*ms), voice: voice}.run(t)
			for i, d := range o.delays {
				if d > 60*ms || d < 0 {
					t.Fatalf("%v ppm, %s: a delay of %v after %d frames", ppm, name, d, i)
				}
			}
			s := o.buffer.Stats()
			if share := float64(s.Played) / 270_000; share < 0.97 || s.Discarded > 0 {
				t.Errorf("%v ppm, %s: %+v", ppm, name, s)
			}
			drift := s.Expanded - s.Accelerated + s.Lengthened - s.Shortened
			want := -time.Duration(ppm * 5400 * 1000)
			if diff := drift - want; diff > 60*ms || diff < -60*ms {
				t.Errorf("%v ppm, %s: stretched by %v, want %v", ppm, name, drift, want)
			}
		}
	}
}

// A path that gets longer for good interrupts the call once; play-out follows at once
// and stays.
func TestAdaptivePathChange(t *testing.T) {
	for _, longer := range []time.Duration{200 * ms, 2 * time.Second} {
		o := call{frames: 3000, delay: func(i int) time.Duration {
			if i >= 1000 {
				return 50*ms + longer
			}
			return 50 * ms
		}}.run(t)
		s := o.buffer.Stats()
		if s.Played != 3000 || s.Interruptions != 1 || s.Interrupted < longer-40*ms || s.Interrupted > longer {
			t.Errorf("%v longer: %+v", longer, s)
		}
		if s.ConcealedTime > longer+200*ms {
			t.Errorf("%v longer: concealed for %v", longer, s.ConcealedTime)
		}
	}
	// One that gets shorter makes several arrive at once.
	o := call{frames: 3000, delay: func(i int) time.Duration {
		if i >= 1000 {
			return 50 * ms
		}
		return 250 * ms
	}}.run(t)
	if s := o.buffer.Stats(); s.Played+s.Late+s.Discarded != 3000 || s.Late > 15 || o.buffer.Delay() > 40*ms {
		t.Errorf("shorter: %+v, delay %v", s, o.buffer.Delay())
	}
}

// After an outage what was lost is over, and what was held back isn't played late for
// ever.
func TestAdaptiveOutage(t *testing.T) {
	o := call{frames: 2000, delay: constant(50 * ms), lost: func(i int) bool { return i >= 1000 && i < 1100 }}.run(t)
	s := o.buffer.Stats()
	if s.Concealed != 100 || s.Interruptions != 1 || s.Interrupted < 1980*ms || s.Interrupted > 2020*ms || o.buffer.Delay() > 40*ms {
		t.Errorf("outage: %+v, delay %v", s, o.buffer.Delay())
	}
	o = call{frames: 2000, delay: func(i int) time.Duration {
		if i >= 1000 && i < 1100 { // all come at once
			return 50*ms + time.Duration(1100-i)*20*ms
		}
		return 50 * ms
	}}.run(t)
	s = o.buffer.Stats()
	if s.Discarded < 70 || s.Discarded > 80 || s.Interruptions != 1 || s.Played+s.Discarded+s.Late != 2000 {
		t.Errorf("held back: %+v", s)
	}
	for i, d := range o.delays[1030:] {
		if d > 600*ms {
			t.Fatalf("frame %d of %d: a delay of %v", i, len(o.delays), d)
		}
	}
}

// RFC 3550 §5.1: timestamps start anywhere and wrap; at 48 kHz after a day.
func TestAdaptiveTimestampWraps(t *testing.T) {
	want := call{frames: 500, delay: jitter(5, 50*ms, 10*ms)}.run(t)
	for _, start := range []uint32{1, 1<<32 - 1, 1<<32 - 960*250, 1<<31 - 960*250, 1 << 31} {
		o := call{frames: 500, ts0: start, delay: jitter(5, 50*ms, 10*ms)}.run(t)
		if o.buffer.Stats().Restarts > 0 || len(o.results) != len(want.results) {
			t.Fatalf("start %d: %+v", start, o.buffer.Stats())
		}
		for i, r := range o.results {
			w := want.results[i]
			// 48 kHz has no whole nanoseconds, so times may differ by some.
			if diff := r.At.Sub(w.At); r.Seq != w.Seq || r.Outcome != w.Outcome || diff > ms || diff < -ms {
				t.Fatalf("start %d: %+v, want %+v", start, r, w)
			}
		}
	}
	// A week of silence between two packets, in steps that a timestamp can tell.
	b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000})
	for i := range 50 {
		now := simtime.At(time.Duration(i) * 4 * time.Hour)
		b.Insert(now, playout.AudioPacket{Seq: uint64(100 + i), Timestamp: uint32(uint64(i) * 4 * 3600 * 48000), Samples: 960})
		b.HandleTimeout(b.NextTimeout())
	}
	if s := b.Stats(); s.Played != 50 || s.Restarts != 0 || b.Delay() != 20*ms {
		t.Errorf("%+v, delay %v", s, b.Delay())
	}
}

// Another SSRC, or a sender that starts anew: other timestamps and sequence numbers,
// taken up with what is known of the path.
func TestAdaptiveRestart(t *testing.T) {
	for _, explicit := range []bool{true, false} {
		b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000})
		path := jitter(6, 50*ms, 15*ms)
		insert := func(i int, seq uint64, ts uint32) {
			at := simtime.At(time.Duration(i)*20*ms + min(path(i), 65*ms))
			b.Insert(at, playout.AudioPacket{Seq: seq, Timestamp: ts, Samples: 960, Voice: true})
		}
		for i := range 500 {
			insert(i, uint64(1000+i), uint32(960*i))
		}
		target := b.Target()
		if explicit {
			b.Restart(simtime.At(10060 * ms))
		}
		for i := 500; i < 1000; i++ {
			seq := uint64(i) // lower than before
			if !explicit {
				seq = uint64(70000 + i)
			}
			insert(i, seq, 0xfffff000+uint32(960*i)*2-uint32(960*i))
			if i == 500 && (b.Target() < target-5*ms || b.Target() > target+5*ms) {
				t.Errorf("explicit %v: target %v becomes %v", explicit, target, b.Target())
			}
		}
		b.HandleTimeout(simtime.At(time.Minute))
		s := b.Stats()
		if s.Restarts != 1 || s.Played < 985 || b.Delay() > 80*ms {
			t.Errorf("explicit %v: %+v, delay %v", explicit, s, b.Delay())
		}
	}
}

// The first frame of a new timeline isn't played before the last of the old one is
// over.
func TestAdaptiveRestartDoesntOverlap(t *testing.T) {
	b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000, Min: 5 * ms, Start: 5 * ms})
	var played []simtime.Time
	drain := func() {
		for r, ok := b.Poll(); ok; r, ok = b.Poll() {
			played = append(played, r.At)
		}
	}
	for i := range 100 {
		b.Insert(simtime.At(time.Duration(i)*20*ms), playout.AudioPacket{Seq: uint64(100 + i), Timestamp: uint32(960 * i), Samples: 960, Voice: true})
	}
	end := simtime.At(99*20*ms + 6*ms)
	b.HandleTimeout(end)
	drain()
	last := played[len(played)-1]
	b.Restart(end)
	b.Insert(end, playout.AudioPacket{Seq: 5, Timestamp: 5, Samples: 960, Voice: true})
	b.HandleTimeout(simtime.At(time.Minute))
	drain()
	if len(played) != 101 || played[100].Sub(last) < 18*ms {
		t.Errorf("%d frames, the last at %v after %v", len(played), played[len(played)-1], last)
	}
}

// RFC 3550 Appendix A.1: after a gap of more than 3000 packets the stream is taken for
// a new one; what was missing isn't played in its place.
func TestAdaptiveLongGap(t *testing.T) {
	for missing, restarts := range map[int]uint64{2900: 0, 3100: 1} {
		o := call{frames: 5000, delay: constant(50 * ms), lost: func(i int) bool { return i >= 500 && i < 500+missing }}.run(t)
		s := o.buffer.Stats()
		if s.Restarts != restarts || (s.Concealed == 0) != (restarts == 1) || o.buffer.Delay() > 40*ms {
			t.Errorf("%d missing: %+v", missing, s)
		}
	}
}

// RFC 7164 §4, RFC 8834 §4.10: a leap second must not disturb play-out. RTP timestamps
// go on, and nothing else is looked at. A sender whose timestamps follow its wall
// clock all the same, by a second back or ahead, is heard on with the delay it had.
//
// conformance: RTP-4.1-26
func TestAdaptiveLeapSecond(t *testing.T) {
	for _, step := range []int{0, -48000, 48000} {
		o := call{frames: 2000, ts0: 1 << 20, delay: jitter(7, 50*ms, 5*ms), edit: func(i int, p *playout.AudioPacket) {
			if i >= 1000 {
				p.Timestamp += uint32(step)
			}
		}}.run(t)
		s := o.buffer.Stats()
		if step == 0 && s.Restarts != 0 || step != 0 && s.Restarts != 1 {
			t.Errorf("step %d: %d restarts", step, s.Restarts)
		}
		if s.Played < 1900 || s.Interruptions > 0 || s.Interrupted > 0 {
			t.Errorf("step %d: %+v", step, s)
		}
		for i, d := range o.delays {
			if d > 70*ms || d < 0 {
				t.Fatalf("step %d, frame %d: a delay of %v", step, i, d)
			}
		}
	}
}

// Whatever comes, the buffer doesn't grow without bounds, and its deadline moves on.
func TestAdaptiveGarbage(t *testing.T) {
	for seed := range uint64(20) {
		random := rng.New(seed).Stream("garbage")
		b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000})
		now, played := simtime.Time(0), simtime.Time(0)
		wild := seed%2 == 0
		for i := range 20_000 {
			now = now.Add(time.Duration(random.Exponential(float64(20 * ms))))
			p := playout.AudioPacket{
				Seq: uint64(1<<17+i) + random.Uint64()%20, Timestamp: uint32(960*i) + random.Uint32()%9600, Samples: random.Uint32() % 2000,
				Voice: random.Bool(0.5), Comfort: random.Bool(0.1), FEC: random.Bool(0.3),
			}
			if wild {
				p.Timestamp = random.Uint32()
			}
			b.Insert(now, p)
			if b.NextTimeout() <= now {
				t.Fatalf("seed %d: deadline %v at %v", seed, b.NextTimeout(), now)
			}
			for r, ok := b.Poll(); ok; r, ok = b.Poll() {
				if r.Outcome == playout.AudioPlayed {
					if r.At < played {
						t.Fatalf("seed %d: played at %v after %v", seed, r.At, played)
					}
					played = r.At
				}
			}
			if b.Waiting() > 5*time.Second {
				t.Fatalf("seed %d: %v wait", seed, b.Waiting())
			}
		}
		if s := b.Stats(); s.Played < 1000 {
			t.Errorf("seed %d: %+v", seed, s)
		}
	}
}

// A sampling clock that drifts has frames that aren't whole ticks apart: that is no
// gap.
func TestAdaptiveTicks(t *testing.T) {
	edit := func(i int, p *playout.AudioPacket) {
		p.Timestamp = uint32(i*960) - uint32(i%3) // one, and one, less than two
	}
	o := call{frames: 1000, delay: constant(50 * ms), edit: edit}.run(t)
	if s := o.buffer.Stats(); s.Played != 1000 || s.Silence > 0 || s.Lengthened+s.Shortened > 0 {
		t.Errorf("%+v", s)
	}
}
