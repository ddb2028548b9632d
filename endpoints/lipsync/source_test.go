package lipsync_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/lipsync"
	"rtpfabric/sim/simtime"
)

const (
	audio, video   = 1, 2
	audio2, video2 = 3, 4
)

func ms(x int) simtime.Time { return simtime.At(time.Duration(x) * time.Millisecond) }

// source is a stream at its sender.
type source struct {
	ssrc  uint32
	rate  int
	drift float64       // of the sampling clock against the wall clock
	first uint32        // timestamp at time 0
	delay time.Duration // from capture to play-out, without synchronisation
}

// timestamp is that of what is captured at a time.
func (s source) timestamp(t simtime.Time) uint32 {
	return s.first + uint32(int64(math.Floor(t.Seconds()*float64(s.rate)*(1+s.drift))))
}

// sender has a wall clock that isn't the receiver's.
type sender struct {
	offset time.Duration
	drift  float64
	leaps  map[simtime.Time]time.Duration // by true time: what the clock is set back
}

// clock is what the wall clock shows.
func (s sender) clock(t simtime.Time) simtime.Time {
	shown := t.Add(s.offset + time.Duration(t.Seconds()*s.drift*1e9))
	for at, by := range s.leaps {
		if t >= at {
			shown = shown.Add(-by)
		}
	}
	return shown
}

// call is a receiver of some streams of one sender.
type call struct {
	*testing.T
	*lipsync.Sync
	sender  sender
	sources []source
	delays  map[uint32]time.Duration // last seen
	steepest,
	worst time.Duration // change of a delay in 100 ms; skew between the first two sources
	watch simtime.Time // from when on worst is taken
}

func newCall(t *testing.T, s sender, sources ...source) *call {
	c := &call{T: t, Sync: lipsync.New(lipsync.DefaultConfig()), sender: s, sources: sources, delays: map[uint32]time.Duration{}}
	for _, src := range sources {
		c.Add(ms(0), src.ssrc, src.rate)
		c.OnCNAME(ms(0), src.ssrc, "a")
	}
	return c
}

func (c *call) report(now simtime.Time, s source) {
	c.OnReport(now, s.ssrc, simtime.ToNTP(c.sender.clock(now)), s.timestamp(now))
}

// run plays from one time to another, a frame each 100 ms, with a sender report of
// each source every 5 s, not at the same time.
func (c *call) run(from, to simtime.Time) {
	c.Helper()
	for now := from; now < to; now = now.Add(100 * time.Millisecond) {
		for i, s := range c.sources {
			if (now.Duration()+time.Duration(i)*1700*time.Millisecond)%(5*time.Second) == 0 {
				c.report(now, s)
			}
			c.play(now, s)
		}
		if skew, ok := c.trueSkew(); ok && now >= c.watch {
			c.worst = max(c.worst, skew.Abs())
		}
	}
}

func (c *call) play(now simtime.Time, s source) {
	c.OnPlayout(now, s.ssrc, s.timestamp(now), now.Add(s.delay))
	d := c.Delay(now, s.ssrc)
	if last, ok := c.delays[s.ssrc]; ok {
		c.steepest = max(c.steepest, (d - last).Abs())
	}
	c.delays[s.ssrc] = d
}

// trueSkew is by how much the first source is played before the second, as the test
// knows.
func (c *call) trueSkew() (time.Duration, bool) {
	if len(c.sources) < 2 {
		return 0, false
	}
	a, b := c.sources[0], c.sources[1]
	return b.delay + c.delays[b.ssrc] - a.delay - c.delays[a.ssrc], true
}

func near(got, want, within time.Duration) bool { return (got - want).Abs() <= within }
