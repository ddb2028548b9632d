package runner_test

import (
	"testing"
	"time"

	"rtpfabric/sim/record"
)

// series returns a series of a run in steps of its bins.
func series(t *testing.T, r *record.Record, entity, metric string) []float64 {
	t.Helper()
	for _, s := range r.Series {
		if s.Entity == entity && s.Metric == metric {
			return s.Values
		}
	}
	t.Fatalf("no series %s of %s", metric, entity)
	return nil
}

// overload returns the share of seconds in which S1 sends a tenth more than the path carries,
// and the longest stretch of such seconds.
func overload(t *testing.T, r *record.Record) (share float64, longest time.Duration) {
	t.Helper()
	const bins = 5 // of 200 ms, in a second
	capacity := series(t, r, "bottleneck/forward", record.Capacity)
	video, audio := series(t, r, "S1/video", record.SendRate), series(t, r, "S1/audio", record.SendRate)
	seconds, over, inRow := 0, 0, 0
	for i := 0; i+bins <= min(len(capacity), len(video), len(audio)); i += bins {
		sent, room := 0.0, 0.0
		for j := i; j < i+bins; j++ {
			sent, room = sent+video[j]+audio[j], room+capacity[j]
		}
		seconds++
		if sent <= 1.1*room {
			inRow = 0
			continue
		}
		over++
		inRow++
		longest = max(longest, time.Duration(inRow)*time.Second)
	}
	return float64(over) / float64(seconds), longest
}

// While the capacity is 1, 2.5, 0.6 and 1 Mbit/s a controller doesn't send significantly more
// than it, "except for very short time periods" (draft-ietf-rtcweb-rtp-usage of July
// 2012, §7): for no more than 2 s in a row, and in 2 % of the seconds, or 17 % with TFRC,
// which fills the queue and has no regard for what an encoder varies by. What never backs off
// sends more for 39 s in a row.
//
// conformance: CC-7-1, CC-7-2
func TestTimeAboveTheCapacity(t *testing.T) {
	long(t)
	t.Parallel()
	for _, name := range []string{"gcc", "nada", "scream", "scream-v2", "tfrc", "never-back-off"} {
		r := run(t, load(t, case51, "seed=1", forward, "congestion.controller="+name, "congestion.parameters={}")[0])
		share, longest := overload(t, r)
		t.Logf("%-14s %4.1f %% of the seconds, at most %v in a row; queue up to %.0f ms, %.2f %% lost", name, 100*share, longest,
			stat(t, r, "bottleneck/forward", record.QueueDelay, "max"), 100*stat(t, r, "S1/video", "loss", "mean"))
		most := 0.05
		if name == "tfrc" {
			most = 0.2
		}
		within, broken := share <= most && longest <= 3*time.Second, name == "never-back-off"
		if within == broken {
			t.Errorf("%s sends more than the path carries in %.0f %% of the seconds, %v in a row", name, 100*share, longest)
		}
	}
}
