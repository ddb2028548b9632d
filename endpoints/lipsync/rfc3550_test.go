package lipsync_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/lipsync"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

var (
	mic    = source{ssrc: audio, rate: 48000, first: 0xfffff000, delay: 60 * time.Millisecond}
	camera = source{ssrc: video, rate: 90000, first: 0x7ffffff0, delay: 250 * time.Millisecond}
)

// §6.4.1: through the pairs of sender reports goes a line whose slope is the clock
// rate, and the times of captures are on it to a tick, whatever the sender's clocks
// are off and over wrap-arounds of the timestamp.
//
// conformance: RTP-4.1-5
func TestClock(t *testing.T) {
	for _, drift := range []float64{-100e-6, 0, 100e-6} {
		for _, first := range []uint32{0, 0xffff0000, 0x7fff0000} {
			s := source{rate: 90000, drift: drift, first: first}
			c := lipsync.NewClock(s.rate)
			for i := range 20 {
				at := ms(5000 * i)
				if got := c.Add(at, s.timestamp(at)); got != lipsync.Used {
					t.Errorf("pair %d: %v", i, got)
				}
			}
			if got, want := c.Rate(), 90000*(1+drift); got < want-0.05 || got > want+0.05 {
				t.Errorf("drift %v: %v Hz, want %v", drift, got, want)
			}
			for _, x := range []int{50000, 95000, 97321, 100000} {
				got, ok := c.Time(s.timestamp(ms(x)))
				if tick := time.Second / 90000; !ok || !near(got.Sub(ms(x)), 0, tick+tick/5) {
					t.Errorf("drift %v: %v, want %v", drift, got, ms(x))
				}
			}
		}
	}
}

// Timestamps of reports that are inexact by a millisecond, as those of many senders
// are, are evened out.
func TestNoise(t *testing.T) {
	r := rng.New(1).Stream("noise")
	s := source{rate: 48000, drift: 80e-6}
	c := lipsync.NewClock(s.rate)
	worst := time.Duration(0)
	for i := range 200 {
		at := ms(5000 * i)
		c.Add(at, s.timestamp(at.Add(time.Duration(r.Uniform(-1e6, 1e6)))))
		if i < 32 {
			continue
		}
		got, _ := c.Time(s.timestamp(at))
		worst = max(worst, got.Sub(at).Abs())
	}
	if worst > 600*time.Microsecond || c.Rate() < 48000*(1+70e-6) || c.Rate() > 48000*(1+90e-6) {
		t.Errorf("off by up to %v, %v Hz", worst, c.Rate())
	}
}

// ADR 2: the same bits on every machine.
func TestPinned(t *testing.T) {
	r := rng.New(1).Stream("noise")
	s := source{rate: 44100, drift: 73e-6}
	c := lipsync.NewClock(s.rate)
	hash := uint64(0)
	for i := range 300 {
		at := ms(4999 * i)
		c.Add(at, s.timestamp(at.Add(time.Duration(r.Uniform(-1e6, 1e6)))))
		got, _ := c.Time(s.timestamp(at))
		hash = hash*31 + uint64(got)
		hash = hash*31 + math.Float64bits(c.Rate())
	}
	if want := uint64(0xf5ed463f118f0bb2); hash != want {
		t.Errorf("%#x, want %#x", hash, want)
	}
}

// A single report that is wrong changes nothing; a second that agrees with it is a
// step; reports out of order are ignored.
func TestOutliers(t *testing.T) {
	s := source{rate: 48000}
	begin := func() *lipsync.Clock {
		c := lipsync.NewClock(s.rate)
		for i := range 5 {
			c.Add(ms(5000*i), s.timestamp(ms(5000*i)))
		}
		return c
	}
	want := func(c *lipsync.Clock, at, shown simtime.Time) {
		t.Helper()
		if got, ok := c.Time(s.timestamp(at)); !ok || !near(got.Sub(shown), 0, 30*time.Microsecond) {
			t.Errorf("%v, want %v", got, shown)
		}
	}
	add := func(c *lipsync.Clock, at, shown simtime.Time, result lipsync.Result) {
		t.Helper()
		if got := c.Add(shown, s.timestamp(at)); got != result {
			t.Errorf("%v: %v, want %v", at, got, result)
		}
	}
	c := begin()
	add(c, ms(25000), ms(26000), lipsync.Ignored)
	want(c, ms(25000), ms(25000))
	add(c, ms(30000), ms(30000), lipsync.Used)
	add(c, ms(10000), ms(10000), lipsync.Ignored)
	add(c, ms(30000), ms(30000), lipsync.Ignored)
	add(c, ms(35000), ms(15000), lipsync.Ignored)
	add(c, ms(40000), ms(41000), lipsync.Ignored) // doesn't agree with the one before
	want(c, ms(40000), ms(40000))
	add(c, ms(45000), ms(46000), lipsync.Stepped)
	want(c, ms(50000), ms(51000))
	// A stream that paused for a day, several wrap-arounds, goes on.
	c = begin()
	const day = 24 * 3600 * 1000
	add(c, ms(day), ms(day), lipsync.Used)
	want(c, ms(day+100), ms(day+100))
	if _, ok := lipsync.NewClock(48000).Time(0); ok {
		t.Error("a time without a pair")
	}
}

// §6.4.1: the skew that comes out of sender reports is the true one, and with the
// delays audio and video are played together: each stream as late as the latest,
// which isn't delayed. The sender's clock may be hours off and drift, as may the
// sampling clocks.
//
// conformance: RTP-4.1-5
func TestPlayedTogether(t *testing.T) {
	for _, offset := range []time.Duration{0, 5 * time.Hour, -7 * time.Hour} {
		for _, drift := range []float64{-100e-6, 0, 100e-6} {
			a, v := mic, camera
			a.drift, v.drift = drift, -drift
			c := newCall(t, sender{offset: offset, drift: drift}, a, v)
			c.watch = ms(20000)
			c.run(ms(0), ms(120000))
			if raw, ok := c.Skew(ms(120000), audio, video, true); !ok || !near(raw, 190*time.Millisecond, 100*time.Microsecond) {
				t.Errorf("drift %v: the skew is %v, want 190ms", drift, raw)
			}
			if c.worst > 2*time.Millisecond || c.delays[video] > 2*time.Millisecond {
				t.Errorf("drift %v: skew up to %v, video is delayed by %v", drift, c.worst, c.delays[video])
			}
			if s, ok := c.Stats(audio); !ok || s.Early > 2*time.Millisecond || s.Steps+s.Leaps+s.TooFar > 0 || s.InSync > s.Measured || s.InSync < 1000 {
				t.Errorf("drift %v: %+v", drift, s)
			}
		}
	}
}

// No delay changes by more than the slew allows, in either direction, whatever the
// reason.
func TestSlew(t *testing.T) {
	c := newCall(t, sender{}, mic, camera)
	c.run(ms(0), ms(20000))
	for i, delay := range []time.Duration{400 * time.Millisecond, 100 * time.Millisecond, 20 * time.Millisecond} {
		c.sources[1].delay = delay
		c.run(ms(20000*(i+1)), ms(20000*(i+2)))
		if skew, _ := c.trueSkew(); !near(skew, 0, time.Millisecond) {
			t.Errorf("skew %v after the video's delay became %v", skew, delay)
		}
	}
	limit := lipsync.DefaultConfig().Slew / 10
	if c.steepest > limit+time.Microsecond || c.steepest < limit-time.Microsecond {
		t.Errorf("%v in 100 ms, the limit is %v", c.steepest, limit)
	}
}

// §6.5.1, RFC 8834 §4.1: two senders with clocks that are hours apart. A stream is
// delayed for those of its own CNAME alone.
//
// conformance: RTP-4.1-6, API-11.1-1, IMP-12.6-1
func TestSeveralCNAMEs(t *testing.T) {
	a, b := sender{offset: 3 * time.Hour}, sender{offset: -time.Minute}
	s := lipsync.New(lipsync.DefaultConfig())
	sources := []struct {
		source
		sender
		cname string
	}{
		{mic, a, "a"},
		{camera, a, "a"},
		{source{ssrc: audio2, rate: 48000, delay: 40 * time.Millisecond}, b, "b"},
		{source{ssrc: video2, rate: 90000, delay: 900 * time.Millisecond}, b, "b"},
	}
	for _, src := range sources {
		s.Add(ms(0), src.ssrc, src.rate)
		s.OnCNAME(ms(0), src.ssrc, src.cname)
	}
	for now := ms(0); now < ms(60000); now = now.Add(100 * time.Millisecond) {
		for _, src := range sources {
			if now.Duration()%(5*time.Second) == 0 {
				s.OnReport(now, src.ssrc, simtime.ToNTP(src.clock(now)), src.timestamp(now))
			}
			s.OnPlayout(now, src.ssrc, src.timestamp(now), now.Add(src.delay))
			if d := s.Delay(now, audio); d > 191*time.Millisecond {
				t.Fatalf("%v: the first sender's audio is delayed by %v", now, d)
			}
		}
	}
	for ssrc, want := range map[uint32]time.Duration{audio: 190 * time.Millisecond, video: 0, audio2: 860 * time.Millisecond, video2: 0} {
		if got := s.Delay(ms(60000), ssrc); !near(got, want, time.Millisecond) {
			t.Errorf("%d is delayed by %v, want %v", ssrc, got, want)
		}
	}
	if _, ok := s.Skew(ms(60000), audio, video2, true); ok {
		t.Error("there is a skew between two CNAMEs")
	}
	// Without the CNAME nothing is delayed; with it, it is.
	s.Add(ms(0), 9, 48000)
	for i := range 10 {
		now := ms(60000 + 100*i)
		s.OnReport(now, 9, simtime.ToNTP(a.clock(now)), uint32(4800*i))
		s.OnPlayout(now, 9, uint32(4800*i), now)
		if d := s.Delay(now, 9); d != 0 {
			t.Errorf("delayed by %v without CNAME", d)
		}
	}
}

// A stream without mapping is played as it comes, and so are others.
func TestWithoutMapping(t *testing.T) {
	c := newCall(t, sender{}, mic, camera)
	for i := range 100 {
		c.play(ms(100*i), mic)
		c.play(ms(100*i), camera)
	}
	c.OnReport(ms(10000), audio, 0, 1234) // no wall clock
	c.report(ms(10000), camera)
	c.play(ms(10100), mic)
	c.play(ms(10100), camera)
	if c.delays[audio] != 0 || c.delays[video] != 0 {
		t.Errorf("%v", c.delays)
	}
	if s, _ := c.Stats(audio); s.Unsynced != 101 || s.Ignored != 1 || s.Measured != 0 {
		t.Errorf("%+v", s)
	}
	if _, ok := c.Skew(ms(10100), audio, video, false); ok {
		t.Error("there is a skew")
	}
}

// A stream that paused is waited for no longer, and is played with the others again
// when it goes on.
func TestPause(t *testing.T) {
	c := newCall(t, sender{}, mic, camera)
	c.run(ms(0), ms(30000))
	c.sources = c.sources[:1]
	c.run(ms(30000), ms(60000))
	if d := c.delays[audio]; d != 0 {
		t.Errorf("audio waits %v for a video that paused", d)
	}
	c.sources = append(c.sources, camera)
	c.watch, c.worst = ms(75000), 0
	c.run(ms(60000), ms(90000))
	if c.worst > time.Millisecond {
		t.Errorf("skew up to %v after the pause", c.worst)
	}
}

// RFC 7160: with another clock rate, and after a change of SSRC, the mapping begins
// anew; the old one isn't used.
func TestChangeOfRateAndSSRC(t *testing.T) {
	c := newCall(t, sender{}, mic, camera)
	c.run(ms(0), ms(30000))
	slower := mic
	slower.rate = 16000
	c.Add(ms(30000), audio, slower.rate)
	if _, ok := c.Time(audio, slower.timestamp(ms(30000))); ok {
		t.Error("the mapping of another rate is used")
	}
	c.sources[0] = slower
	c.watch, c.worst = ms(50000), 0
	c.run(ms(30000), ms(60000))
	if c.worst > time.Millisecond {
		t.Errorf("skew up to %v", c.worst)
	}
	c.Remove(audio)
	if _, ok := c.Stats(audio); ok || c.Delay(ms(60000), audio) != 0 {
		t.Error("it is still known")
	}
	other := mic
	other.ssrc = 7
	c.Add(ms(60000), 7, other.rate)
	c.OnCNAME(ms(60000), 7, "a")
	c.sources[0] = other
	c.watch, c.worst = ms(80000), 0
	c.run(ms(60000), ms(90000))
	if s, _ := c.Stats(7); c.worst > time.Millisecond || s.Added != ms(60000) {
		t.Errorf("skew up to %v, %+v", c.worst, s)
	}
}

// The sender's clock is set: nothing moves while some mappings are of the old clock
// and some of the new.
func TestStep(t *testing.T) {
	for _, by := range []time.Duration{300 * time.Millisecond, -3 * time.Second, time.Hour} {
		c := newCall(t, sender{leaps: map[simtime.Time]time.Duration{ms(61000): by}}, mic, camera)
		c.watch = ms(20000)
		c.run(ms(0), ms(180000))
		if c.worst > time.Millisecond {
			t.Errorf("%v: skew up to %v", by, c.worst)
		}
		if s, _ := c.Stats(audio); s.Steps != 1 || s.Worst > 200*time.Millisecond {
			t.Errorf("%v: %+v", by, s)
		}
	}
}

// A mapping that would delay a stream for longer than anybody waits isn't believed.
func TestTooFar(t *testing.T) {
	c := newCall(t, sender{}, mic, camera)
	c.sources[1].delay = 3 * time.Second
	c.run(ms(0), ms(30000))
	if s, _ := c.Stats(audio); c.delays[audio] != 0 || s.TooFar == 0 {
		t.Errorf("delayed by %v, %+v", c.delays[audio], s)
	}
}

func BenchmarkPlayout(b *testing.B) {
	s := lipsync.New(lipsync.DefaultConfig())
	for _, src := range []source{mic, camera} {
		s.Add(0, src.ssrc, src.rate)
		s.OnCNAME(0, src.ssrc, "a")
	}
	now := ms(0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(20 * time.Millisecond)
		for _, src := range []source{mic, camera} {
			ts := uint32(int64(now) / 1000 * int64(src.rate) / 1e6)
			s.OnStamp(now, src.ssrc, simtime.ToNTP(now), ts)
			s.OnPlayout(now, src.ssrc, ts, now.Add(src.delay))
			s.Delay(now, src.ssrc)
		}
	}
}
