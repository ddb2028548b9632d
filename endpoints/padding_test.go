package endpoints

import (
	"testing"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Padding fills what media leaves of a rate for as long as the target rises by it; if that
// doesn't, the pauses between trials get longer, up to 20 seconds.
func TestFilling(t *testing.T) {
	t.Parallel()
	f := &filling{}
	if f.due() != simtime.Never {
		t.Error("padding without need")
	}
	const size = 1000
	// run returns the rate of padding over so many seconds beside half of the rate as media; the
	// target is 1 Mbit/s times what rises says of the moment.
	now := simtime.Time(0)
	run := func(seconds int, target func(simtime.Time) float64) units.BitRate {
		end, media, padded := now.Add(time.Duration(seconds)*time.Second), now, units.Bytes(0)
		for now < end {
			if at := max(f.due(), now); at < media {
				if now = at; f.worthwhile(now, units.BitRate(1e6*target(now))) {
					f.sent(now, size)
					padded += size
				}
				continue
			}
			now, media = media, media.Add(units.BitRate(500e3).TimeToSend(size))
			f.sent(now, size)
		}
		return units.BitRate(int64(padded) * 8 / int64(seconds))
	}
	rises := func(now simtime.Time) float64 { return 1 + 0.02*now.Seconds() }
	f.fill(1e6)
	if r := run(10, rises); r < 490e3 || r > 510e3 {
		t.Errorf("%v of padding while the target rises, want 500kbit/s", r)
	}
	stays := rises(now)
	same := func(simtime.Time) float64 { return stays }
	run(40, same) // trials of two seconds, with pauses of 5, 10 and 20
	if r := run(220, same); r < 40e3 || r > 50e3 {
		t.Errorf("%v of padding that is of no use, want 500kbit/s for two of 22 seconds", r)
	}
	if f.pause != longestPause {
		t.Errorf("a pause of %v", f.pause)
	}
	again := now
	rises = func(now simtime.Time) float64 { return stays * (1 + 0.02*now.Sub(again).Seconds()) }
	run(30, rises)
	if r := run(5, rises); r < 490e3 || f.pause != 0 {
		t.Errorf("%v of padding when the target rises again, the pause %v", r, f.pause)
	}
	f.fill(0)
	if f.due() != simtime.Never {
		t.Error("padding goes on without need")
	}
}
