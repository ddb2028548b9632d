package lipsync_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/lipsync"
	"rtpfabric/sim/simtime"
)

// midnight is the end of January 2026, 31 days after a run's epoch.
const midnight = simtime.Time(31 * 24 * time.Hour)

// §5.1: reports from around the end of a month are ignored; others aren't.
//
// conformance: RTP-4.1-26
func TestReportsNearLeapSecond(t *testing.T) {
	for _, end := range []simtime.Time{midnight, 0, midnight.Add(28 * 24 * time.Hour)} {
		for off, near := range map[time.Duration]bool{
			-5 * time.Second: false, -1600 * time.Millisecond: false, -time.Second: true, -time.Millisecond: true,
			0: true, 400 * time.Millisecond: true, 600 * time.Millisecond: false, 24 * time.Hour: false,
		} {
			s := lipsync.New(lipsync.DefaultConfig())
			s.Add(0, audio, 48000)
			s.OnCNAME(0, audio, "a")
			s.OnReport(0, audio, simtime.ToNTP(end.Add(off)), 0)
			if st, _ := s.Stats(audio); (st.NearLeap == 1) != near || (st.Pairs == 0) != near {
				t.Errorf("%v before midnight: %+v", -off, st)
			}
		}
	}
}

// §4, §5.2: over a leap second, whether inserted or skipped, known in advance or not,
// no delay moves and nothing is out of sync. A stream that begins after it is in sync
// with those that were there before.
//
// conformance: RTP-4.1-26
func TestLeapSecond(t *testing.T) {
	for _, by := range []time.Duration{time.Second, -time.Second} {
		for _, scheduled := range []bool{false, true} {
			// A clock with an inserted second shows the last one again.
			c := newCall(t, sender{leaps: map[simtime.Time]time.Duration{midnight: by}}, mic, camera)
			if scheduled {
				c.SetLeap("a", midnight.Add(-10*24*time.Hour), by < 0)
				c.SetLeap("a", midnight, by < 0) // the same again
			}
			start := midnight.Add(-60 * time.Second)
			c.watch = start.Add(20 * time.Second)
			c.run(start, c.watch)
			c.steepest = 0
			c.run(c.watch, midnight.Add(30*time.Second))
			// Half a minute after, a third stream begins, with a single report.
			late := source{ssrc: 8, rate: 16000, delay: 100 * time.Millisecond}
			now := midnight.Add(30 * time.Second)
			c.Add(now, late.ssrc, late.rate)
			c.OnCNAME(now, late.ssrc, "a")
			c.report(now, late)
			c.play(now, late)
			if d := c.delays[late.ssrc]; !near(d, 150*time.Millisecond, 2*time.Millisecond) {
				t.Errorf("%v, scheduled %v: a late stream is delayed by %v", by, scheduled, d)
			}
			c.run(now, midnight.Add(120*time.Second))
			if c.worst > time.Millisecond || c.steepest > time.Millisecond {
				t.Errorf("%v, scheduled %v: skew up to %v, a delay moves by %v", by, scheduled, c.worst, c.steepest)
			}
			for _, ssrc := range []uint32{audio, video} {
				if s, _ := c.Stats(ssrc); s.Steps != 0 || s.TooFar != 0 || s.Worst > 200*time.Millisecond {
					t.Errorf("%v, scheduled %v: %+v", by, scheduled, s)
				}
			}
			a, _ := c.Stats(audio)
			v, _ := c.Stats(video)
			if n := a.Leaps + v.Leaps; n == 1 == scheduled || n > 1 {
				t.Errorf("%v, scheduled %v: %d leap seconds found", by, scheduled, n)
			}
		}
	}
}

// A stream that came between a leap second and its discovery, and one whose CNAME
// comes late, are corrected with the others.
func TestLeapSecondFoundLate(t *testing.T) {
	c := newCall(t, sender{leaps: map[simtime.Time]time.Duration{midnight: time.Second}}, mic)
	for i := range 10 {
		c.report(midnight.Add(time.Duration(5*i-60)*time.Second), mic)
	}
	after := midnight.Add(2 * time.Second)
	for _, ssrc := range []uint32{video, video2} {
		c.Add(after, ssrc, camera.rate)
		s := camera
		s.ssrc = ssrc
		if ssrc == video {
			c.OnCNAME(after, ssrc, "a")
		}
		c.report(after, s)
	}
	c.report(midnight.Add(3*time.Second), mic)
	c.OnCNAME(midnight.Add(4*time.Second), video2, "a")
	at := midnight.Add(5 * time.Second)
	want, _ := c.Time(audio, mic.timestamp(at))
	for _, ssrc := range []uint32{video, video2} {
		if got, ok := c.Time(ssrc, camera.timestamp(at)); !ok || !near(got.Sub(want), 0, time.Millisecond) {
			t.Errorf("%d: %v, audio has %v", ssrc, got, want)
		}
	}
}
