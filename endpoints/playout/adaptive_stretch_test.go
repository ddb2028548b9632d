package playout_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// The delay grows with the path's jitter and falls with it; in speech by no more than
// 5 % a second, in silence much faster.
func TestAdaptiveStretch(t *testing.T) {
	const change = 3000
	path := func(seed uint64) func(int) time.Duration {
		rough := jitter(seed, 50*ms, 30*ms)
		return func(i int) time.Duration {
			d := rough(i)
			if i < change {
				return d
			}
			return 50 * ms
		}
	}
	o := call{frames: 6000, delay: path(1)}.run(t)
	if d := o.delays[change-200]; d < 80*ms {
		t.Errorf("a delay of %v at great jitter", d)
	}
	settled := 0
	for settled = change; settled < len(o.delays) && o.delays[settled] > 32*ms; settled++ {
		continue
	}
	// The histogram forgets the rough path in about 700 packets: ln(0.03)/ln(0.995).
	if settled -= change; settled < 300 || settled > 1200 {
		t.Errorf("the delay falls within %d frames", settled)
	}

	o = call{frames: 6000, delay: path(2)}.run(t)
	for i := 1; i < len(o.results); i++ {
		a, b := o.results[i-1], o.results[i]
		if a.Outcome != playout.AudioPlayed || b.Outcome != playout.AudioPlayed || b.Seq != a.Seq+1 {
			continue
		}
		// Less only by stretching; more by waiting, too.
		if gap := b.At.Sub(a.At); gap < 19*ms || gap > 21*ms && b.Wait > 0 {
			t.Fatalf("a frame of speech lasts %v", gap)
		}
	}
	if s := o.buffer.Stats(); s.Accelerated < 30*ms || s.Expanded < 30*ms || s.Lengthened+s.Shortened > 0 {
		t.Errorf("%+v", s)
	}
}

// A delay of 180 ms that nothing calls for goes down by 50 ms a second in speech, by
// 500 ms a second in silence.
func TestAdaptiveStretchLimits(t *testing.T) {
	for _, c := range []struct {
		voice       bool
		least, most int // frames
	}{{true, 150, 165}, {false, 15, 20}} {
		o := call{
			frames: 1000, delay: constant(50 * ms), voice: func(int) bool { return c.voice },
			config: playout.AdaptiveConfig{Start: 180 * ms},
		}.run(t)
		if d := o.delays[0]; d != 180*ms {
			t.Errorf("starts with a delay of %v", d)
		}
		n := 0
		for n < len(o.delays) && o.delays[n] > 30*ms {
			n++
		}
		if n < c.least || n > c.most {
			t.Errorf("voice %v: %d frames", c.voice, n)
		}
		s := o.buffer.Stats()
		if s.Concealed > 0 || c.voice != (s.Accelerated > 140*ms) || c.voice == (s.Shortened > 140*ms) {
			t.Errorf("voice %v: %+v", c.voice, s)
		}
	}
}

// Time is accounted for: what is heard is what was played, stretched and concealed.
func TestAdaptiveAccount(t *testing.T) {
	for seed := range uint64(10) {
		random := rng.New(seed).Stream("loss")
		o := call{
			frames: 3000, delay: jitter(seed, 30*ms, 25*ms),
			lost: func(i int) bool { return i > 0 && i < 2990 && random.Bool(0.03) },
		}.run(t)
		s := o.buffer.Stats()
		var heardOf []playout.AudioResult
		for _, r := range o.results {
			if r.Outcome != playout.AudioLate && r.Outcome != playout.AudioDiscarded {
				heardOf = append(heardOf, r)
			}
		}
		first, last := heardOf[0], heardOf[len(heardOf)-1]
		// Up to the last frame's begin; all frames have 20 ms.
		media := time.Duration(last.Seq-first.Seq) * 20 * ms
		heard := last.At.Sub(first.At)
		if diff := heard - media - s.Expanded + s.Accelerated; diff > ms || diff < -ms {
			t.Errorf("seed %d: %v heard of %v: %+v", seed, heard, media, s)
		}
	}
}

// Discontinuous transmission: silence isn't concealed, and the delay is set right
// when speech goes on. So it is with comfort noise, and when nothing announces it.
func TestAdaptiveDTX(t *testing.T) {
	talks := func(i int) bool { return i%150 < 50 } // a second of three
	for _, c := range []struct {
		name string
		edit func(i int, p *playout.AudioPacket)
		sent func(i int) bool
	}{
		{"nothing announces it", nil, talks},
		{"comfort noise", func(i int, p *playout.AudioPacket) { p.Comfort = !talks(i); p.Voice = talks(i) }, func(i int) bool { return i%150 <= 50 }},
		{"a frame in 400 ms", func(i int, p *playout.AudioPacket) { p.Voice = talks(i) }, func(i int) bool { return talks(i) || i%20 == 0 }},
	} {
		o := call{frames: 15_000, delay: jitter(3, 50*ms, 4*ms), edit: c.edit, silent: func(i int) bool { return !c.sent(i) }}.run(t)
		s := o.buffer.Stats()
		if s.Played+s.Late < 5000 || s.Concealed > 150 || s.Interruptions > 0 || s.Lost() > 0 || s.Restarts > 0 {
			t.Errorf("%s: %+v", c.name, s)
		}
		if s.Silence < 180*time.Second || s.Silence > 205*time.Second {
			t.Errorf("%s: silent for %v, want 200 s", c.name, s.Silence)
		}
		if s.Lengthened > 4*time.Second || s.Shortened > 4*time.Second {
			t.Errorf("%s: silence is %v longer and %v shorter", c.name, s.Lengthened, s.Shortened)
		}
		if s.ConcealedTime > 4*time.Second {
			t.Errorf("%s: concealed for %v", c.name, s.ConcealedTime)
		}
	}
}

// Where a frame amid silence is lost, silence goes on; it is missing all the same.
func TestAdaptiveDTXLoss(t *testing.T) {
	talks := func(i int) bool { return i%150 < 50 }
	o := call{
		frames: 3000, delay: constant(50 * ms), silent: func(i int) bool { return !talks(i) && i%20 != 0 },
		voice: talks, lost: func(i int) bool { return i%150 == 80 },
	}.run(t)
	s := o.buffer.Stats()
	if s.Concealed != 10 || s.Lost() != 10 || s.ConcealedTime > 0 || s.Interruptions > 0 {
		t.Errorf("%+v", s)
	}
	if s.Silence < 37*time.Second || s.Silence > 40*time.Second {
		t.Errorf("silent for %v", s.Silence)
	}
}

// A copy of the frame before that comes when its time has passed restores nothing.
func TestAdaptiveLateCopy(t *testing.T) {
	for _, c := range []struct {
		late      time.Duration
		recovered uint64
	}{{0, 1}, {15 * ms, 1}, {25 * ms, 0}} {
		b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000})
		for i := range 500 {
			if i == 400 {
				continue
			}
			now := simtime.At(time.Duration(i) * 20 * ms)
			if i == 401 {
				now = b.NextTimeout().Add(20*ms + c.late) // the one that waits is played first
			}
			b.Insert(now, playout.AudioPacket{Seq: uint64(100 + i), Timestamp: uint32(960 * i), Samples: 960, Voice: true, FEC: true})
		}
		if s := b.Stats(); s.Recovered != c.recovered || s.Concealed != 1-c.recovered {
			t.Errorf("%v late: %+v", c.late, s)
		}
	}
}

// At the beginning of a talk spurt the delay is the target, whatever it was before
// (RFC 3551 §4.1).
func TestAdaptiveTalkSpurt(t *testing.T) {
	b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000})
	seq := uint64(100)
	spurt := func(from int, n int, path func(i int) time.Duration) {
		for i := from; i < from+n; i++ {
			b.Insert(simtime.At(time.Duration(i)*20*ms+path(i)), playout.AudioPacket{Seq: seq, Timestamp: uint32(i * 960), Samples: 960, Voice: i < from+n-1})
			seq++
		}
	}
	wave := func(i int) time.Duration { return time.Duration(i%5) * 15 * ms } // 0 to 60 ms
	spurt(0, 500, wave)
	if b.Target() != 65*ms {
		t.Fatalf("target %v", b.Target())
	}
	spurt(1000, 1, constant(0))
	b.HandleTimeout(b.NextTimeout())
	if d := b.Delay(); d != 65*ms {
		t.Errorf("a talk spurt begins with a delay of %v", d)
	}
}
