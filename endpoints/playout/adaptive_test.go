package playout_test

import (
	"fmt"
	"hash/fnv"
	"sort"
	"testing"
	"time"

	"rtpfabric/endpoints/playout"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

const ms = time.Millisecond

// call is a stream of frames of 20 ms at 48 kHz on its way to an adaptive buffer.
type call struct {
	config playout.AdaptiveConfig
	frames int
	ts0    uint32
	seq0   uint64
	ppm    float64                   // by which the sender's clock is fast
	delay  func(i int) time.Duration // of the path
	lost   func(i int) bool          // nil: none
	silent func(i int) bool          // nothing is sent for the frame; nil: always sent
	voice  func(i int) bool          // nil: always
	edit   func(i int, p *playout.AudioPacket)
}

// outcome is what became of a call.
type outcome struct {
	buffer  *playout.Adaptive
	results []playout.AudioResult
	delays  []time.Duration // of the frames that were played
}

type arrival struct {
	at simtime.Time
	p  playout.AudioPacket
}

func (c call) packets() (arrivals []arrival) {
	seq := c.seq0
	if seq == 0 {
		seq = 1 << 17
	}
	for i := range c.frames {
		if c.silent != nil && c.silent(i) {
			continue
		}
		p := playout.AudioPacket{Seq: seq, Timestamp: c.ts0 + uint32(960*i), Samples: 960, Voice: c.voice == nil || c.voice(i)}
		seq++
		if c.edit != nil {
			c.edit(i, &p)
		}
		if c.lost != nil && c.lost(i) {
			continue
		}
		sent := time.Duration(float64(i) * float64(20*ms) / (1 + c.ppm*1e-6))
		arrivals = append(arrivals, arrival{simtime.At(sent + c.delay(i)), p})
	}
	sort.SliceStable(arrivals, func(i, j int) bool { return arrivals[i].at < arrivals[j].at })
	return arrivals
}

// run plays the call and checks what holds for every call: frames are played in
// order, each is reported once, no two at once, and the deadline lies in the future.
func (c call) run(t *testing.T) outcome {
	t.Helper()
	c.config.Clock = 48000
	o := outcome{buffer: playout.NewAdaptive(c.config)}
	seen := map[uint64]playout.AudioOutcome{}
	last := playout.AudioResult{}
	drain := func(now simtime.Time) {
		if o.buffer.NextTimeout() <= now {
			t.Fatalf("deadline %v is not after %v", o.buffer.NextTimeout(), now)
		}
		for r, ok := o.buffer.Poll(); ok; r, ok = o.buffer.Poll() {
			before, again := seen[r.Seq]
			if again && (r.Outcome != playout.AudioLate || before == playout.AudioPlayed) {
				t.Fatalf("packet %d: outcome %d after %d", r.Seq, r.Outcome, before)
			}
			seen[r.Seq] = r.Outcome
			o.results = append(o.results, r)
			if r.Outcome == playout.AudioLate || r.Outcome == playout.AudioDiscarded {
				continue
			}
			if r.Seq <= last.Seq || r.At < last.At {
				t.Fatalf("%+v after %+v", r, last)
			}
			last = r
			if r.Outcome == playout.AudioPlayed {
				o.delays = append(o.delays, o.buffer.Delay())
			}
		}
	}
	for _, x := range c.packets() {
		for o.buffer.NextTimeout() <= x.at {
			at := o.buffer.NextTimeout()
			o.buffer.HandleTimeout(at)
			drain(at)
		}
		o.buffer.Insert(x.at, x.p)
		drain(x.at)
	}
	for o.buffer.NextTimeout() < simtime.Never {
		at := o.buffer.NextTimeout()
		o.buffer.HandleTimeout(at)
		drain(at)
	}
	return o
}

func (o outcome) count(want playout.AudioOutcome) (n uint64) {
	for _, r := range o.results {
		if r.Outcome == want {
			n++
		}
	}
	return n
}

func constant(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// jitter delays each packet by an exponentially distributed time of the given mean.
func jitter(seed uint64, least, mean time.Duration) func(int) time.Duration {
	random := rng.New(seed).Stream("jitter")
	return func(int) time.Duration { return least + time.Duration(random.Exponential(float64(mean))) }
}

// Without jitter the delay falls to the least, and nothing is ever missing.
func TestAdaptiveSteadyPath(t *testing.T) {
	o := call{frames: 1000, delay: constant(50 * ms)}.run(t)
	s := o.buffer.Stats()
	if s.Played != 1000 || s.Concealed+s.Late+s.Discarded > 0 || s.ConcealedTime > 0 || s.Lost() != 0 {
		t.Errorf("%+v", s)
	}
	if o.buffer.Target() != 20*ms || o.buffer.Delay() < 18*ms || o.buffer.Delay() > 31*ms {
		t.Errorf("target %v, delay %v", o.buffer.Target(), o.buffer.Delay())
	}
}

// The target is the quantile of the relative delay: of an exponential distribution of
// mean 20 ms, 97 % lie below 70 ms.
func TestAdaptiveTarget(t *testing.T) {
	for _, c := range []struct {
		quantile float64
		want     time.Duration
	}{{0, 70 * ms}, {0.9, 46 * ms}, {0.99, 92 * ms}} {
		sum, n := time.Duration(0), 0
		b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000, Quantile: c.quantile})
		x := call{frames: 20_000, delay: jitter(1, 50*ms, 20*ms)}
		for i, p := range x.packets() {
			b.Insert(p.at, p.p)
			for _, ok := b.Poll(); ok; _, ok = b.Poll() {
				continue
			}
			if i > 1000 {
				sum += b.Target()
				n++
			}
		}
		got := sum / time.Duration(n)
		// Buckets of 5 ms end up to that later; a sample of 200 packets varies.
		if got < c.want-2*ms || got > c.want+10*ms {
			t.Errorf("quantile %v: target %v, want %v", c.quantile, got, c.want)
		}
	}
}

// About the share of frames that the quantile leaves is late, and the delay stays near
// the target.
func TestAdaptiveLate(t *testing.T) {
	for seed := range uint64(5) {
		o := call{frames: 10_000, delay: jitter(seed, 50*ms, 15*ms)}.run(t)
		s := o.buffer.Stats()
		if share := float64(s.Concealed) / 10_000; share > 0.05 || s.Concealed == 0 {
			t.Errorf("seed %d: %.4f of the frames were concealed", seed, share)
		}
		if s.Late != s.Concealed || s.Lost() != 0 || s.Discarded > 1 || o.count(playout.AudioLate) != s.Late || s.Played+s.Late+s.Discarded != 10_000 {
			t.Errorf("seed %d: %+v", seed, s)
		}
		mean := time.Duration(0)
		for _, d := range o.delays[500:] {
			mean += d / time.Duration(len(o.delays)-500)
		}
		if mean < 40*ms || mean > 80*ms {
			t.Errorf("seed %d: delay %v in the mean", seed, mean)
		}
	}
}

// Lost frames are concealed, one by one, without any change of the delay.
func TestAdaptiveLoss(t *testing.T) {
	o := call{frames: 1000, delay: constant(50 * ms), lost: func(i int) bool { return i%20 == 19 && i > 500 }}.run(t)
	s := o.buffer.Stats()
	// The last one isn't noticed.
	if s.Concealed != 24 || s.Lost() != 24 || s.Late != 0 || s.Played != 975 || s.Recovered != 0 || s.Interruptions != 0 {
		t.Errorf("%+v", s)
	}
	if s.ConcealedTime < 24*20*ms || s.ConcealedTime > 24*25*ms {
		t.Errorf("concealed for %v", s.ConcealedTime)
	}
	for _, d := range o.delays[500:] {
		if d > 35*ms {
			t.Fatalf("the delay rises to %v", d)
		}
	}
}

// ROB-6.2: with in-band FEC, an isolated loss is restored from the next frame, for
// which the buffer waits; of a pair the first one isn't.
func TestAdaptiveFEC(t *testing.T) {
	lost := func(i int) bool { return i > 500 && (i%50 == 10 || i%50 == 30 || i%50 == 31) }
	fec := func(_ int, p *playout.AudioPacket) { p.FEC = true }
	o := call{frames: 1005, delay: constant(50 * ms), lost: lost, edit: fec, config: playout.AdaptiveConfig{FEC: true}}.run(t)
	s := o.buffer.Stats()
	if s.Recovered != 20 || s.Concealed != 10 || s.Lost() != 30 || o.count(playout.AudioRecovered) != 20 {
		t.Errorf("%+v", s)
	}
	if d := o.buffer.Target(); d != 25*ms {
		t.Errorf("target %v, want a frame and a bucket", d)
	}
	for _, r := range o.results {
		if i := int(r.Seq - 1<<17); r.Outcome == playout.AudioRecovered && i%50 != 10 && i%50 != 31 {
			t.Errorf("frame %d is recovered", i)
		}
	}
}

// Reordered packets are played in order (checked for every call), and none is lost if
// the delay has room for them.
func TestAdaptiveReordering(t *testing.T) {
	o := call{frames: 2000, delay: func(i int) time.Duration {
		if i%10 == 3 {
			return 95 * ms // overtaken by two
		}
		return 50 * ms
	}}.run(t)
	s := o.buffer.Stats()
	if s.Played < 1995 || s.Concealed > 5 {
		t.Errorf("%+v", s)
	}
	if d := o.buffer.Target(); d < 45*ms || d > 55*ms {
		t.Errorf("target %v", d)
	}
}

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

func TestAdaptiveDeterminism(t *testing.T) {
	a := call{frames: 2000, delay: jitter(8, 50*ms, 15*ms)}.run(t)
	b := call{frames: 2000, delay: jitter(8, 50*ms, 15*ms)}.run(t)
	if fmt.Sprint(a.results) != fmt.Sprint(b.results) {
		t.Error("one call, two outcomes")
	}
}

// What is played when is the same on every machine.
func TestAdaptivePinned(t *testing.T) {
	h := fnv.New64a()
	o := call{frames: 3000, ppm: 50, delay: jitter(9, 50*ms, 20*ms), lost: func(i int) bool { return i%37 == 5 }}.run(t)
	fmt.Fprint(h, o.results)
	if got, want := h.Sum64(), uint64(0x4b24bc6b840d166c); got != want {
		t.Errorf("hash = %#x, want %#x", got, want)
	}
}

// A greater delay that is asked for is reached slowly, and left again, without any
// frame being missed; what the buffer would do by itself is known all the time.
func TestAdaptiveExtra(t *testing.T) {
	const path = 50 * ms
	b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000, Max: 100 * ms})
	var delays []time.Duration
	for i := range 3000 {
		at := simtime.At(time.Duration(i)*20*ms + path)
		for b.NextTimeout() <= at {
			b.HandleTimeout(b.NextTimeout())
		}
		switch {
		case i == 500:
			b.SetExtra(300 * ms) // more than Max
		case i > 2000:
			b.SetExtra(300*ms - time.Duration(i-2000)*600*time.Microsecond) // 30 ms/s
		}
		b.Insert(at, playout.AudioPacket{
			Seq: uint64(1<<17 + i), Timestamp: uint32(960 * i), Samples: 960, Voice: true, Captured: at.Add(-path), Size: 80,
		})
		for r, ok := b.Poll(); ok; r, ok = b.Poll() {
			if r.Outcome != playout.AudioPlayed || r.Size != 80 || r.Media != 20*ms {
				t.Fatalf("frame %d: %+v", i, r)
			}
			if r.Delay != r.At.Sub(simtime.At(time.Duration(r.Seq-1<<17)*20*ms)) || r.Timestamp != uint32(960*(r.Seq-1<<17)) {
				t.Fatalf("frame %d: %+v", i, r)
			}
			delays = append(delays, r.Delay)
		}
		if i > 20 {
			if got, want := b.Ideal(uint32(960*i)), at.Add(20*ms); got != want {
				t.Fatalf("frame %d would be played at %v, want %v", i, got, want)
			}
		}
	}
	for _, c := range []struct {
		from, to    int
		least, most time.Duration
	}{{400, 500, 70 * ms, 80 * ms}, {1300, 1900, 370 * ms, 380 * ms}, {2700, 2900, 70 * ms, 80 * ms}} {
		for i := c.from; i < c.to; i++ {
			if delays[i] < c.least || delays[i] > c.most {
				t.Fatalf("frame %d is played after %v, want %v to %v", i, delays[i], c.least, c.most)
			}
		}
	}
	for i := 1; i < len(delays); i++ {
		if step := (delays[i] - delays[i-1]).Abs(); step > ms && i > 20 {
			t.Fatalf("frame %d: the delay jumps by %v", i, step)
		}
	}
}

// A buffer whose delay may not change plays everything that much later, however the
// sender's clock drifts.
func TestAdaptiveFixed(t *testing.T) {
	for _, ppm := range []float64{-500, 0, 500} {
		config := playout.AdaptiveConfig{Min: 150 * ms, Max: 150 * ms, Start: 150 * ms}
		o := call{frames: 5000, ppm: ppm, delay: jitter(3, 30*ms, 5*ms), config: config}.run(t)
		if s := o.buffer.Stats(); s.Played != 5000 || s.Expanded > 200*ms || s.Accelerated > 200*ms {
			t.Errorf("%v ppm: %+v", ppm, s)
		}
		for i, d := range o.delays {
			if d < 140*ms || d > 170*ms {
				t.Fatalf("%v ppm: frame %d after %v", ppm, i, d)
			}
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

// feed gives it one frame.
func feed(b *playout.Adaptive, i int) {
	at := simtime.At(time.Duration(i)*20*ms + time.Duration(i%7)*5*ms)
	b.Insert(at, playout.AudioPacket{Seq: uint64(100 + i), Timestamp: uint32(960 * i), Samples: 960, Voice: true})
	for _, ok := b.Poll(); ok; _, ok = b.Poll() {
		continue
	}
}

func TestAdaptiveNoAllocation(t *testing.T) {
	b := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000})
	i := 0
	for ; i < 1000; i++ {
		feed(b, i)
	}
	if n := testing.AllocsPerRun(2000, func() { feed(b, i); i++ }); n > 0 {
		t.Errorf("%.2f allocations a frame", n)
	}
}

func BenchmarkAdaptive(b *testing.B) {
	buffer := playout.NewAdaptive(playout.AdaptiveConfig{Clock: 48000})
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		feed(buffer, i)
		i++
	}
}
