package signalling

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// e44 is the experiment of the specification: 50 ms from end to end, offers within half a second.
func e44(r glare.Resolution, pollA, pollB time.Duration) *Experiment {
	return &Experiment{
		Path: ByServer, Resolution: r, Latency: 50 * ms, Window: 500 * ms,
		Delivery: [2]Delivery{{Poll: pollA}, {Poll: pollB}},
	}
}

// crossing returns the probability that offers cross: each comes at a time between 0 and w, and takes l and a wait
// between 0 and the receiver's period. With a period p ≥ w − l it is 1 − (w−l)³/(3w²p), and without one 1 − (1−l/w)².
func crossingProbability(w, l, pollA, pollB float64) float64 {
	none := func(p float64) float64 {
		if p > 0 {
			return (w - l) * (w - l) * (w - l) / (3 * w * w * p)
		}
		return (1 - l/w) * (1 - l/w)
	}
	return 1 - (none(pollA)+none(pollB))/2
}

// What timers do to each other is hidden by polls that come less often: at 5 s and push the polling end, whose timer
// is the longer one, always offers again before it can have seen the other's offer. Values settle it within a period and
// the latency, whoever polls.
//
// conformance: GLR-1, GLR-9
func TestTimersAndPolling(t *testing.T) {
	runs := 10_000
	if testing.Short() {
		runs = 1000
	}
	s := func(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
	for _, c := range []struct {
		pollA, pollB   float64
		again, never   [2]float64 // of timers, bounds
		mean           [2]float64 // until settled
		meanTie, worst float64    // of values
	}{
		// The bounds hold the specification's figures (E44).
		{0, 0, [2]float64{0, 0}, [2]float64{0, 0}, [2]float64{1.3, 1.5}, 0.30, 0.55},
		{1, 1, [2]float64{0.05, 0.10}, [2]float64{0, 0}, [2]float64{3.0, 3.4}, 0.86, 1.55},
		{2, 2, [2]float64{0.28, 0.38}, [2]float64{0, 0}, [2]float64{7.5, 9.5}, 1.4, 2.55},
		{5, 5, [2]float64{0.22, 0.30}, [2]float64{0.01, 0.06}, [2]float64{8.5, 9.7}, 2.9, 5.55},
		{3, 0, [2]float64{0.42, 0.50}, [2]float64{0, 0}, [2]float64{6.6, 7.7}, 1.1, 3.55},
		{4, 0, [2]float64{0.94, 0.99}, [2]float64{0, 0.01}, [2]float64{50, 95}, 1.3, 4.55},
		{5, 0, [2]float64{0.96, 1}, [2]float64{0.96, 1}, [2]float64{0, 6}, 1.6, 5.55}, // a livelock
		{0, 5, [2]float64{0, 0.001}, [2]float64{0, 0}, [2]float64{3.6, 4.2}, 1.5, 5.55},
	} {
		timers := e44(glare.Timers, s(c.pollA), s(c.pollB)).Sample(0, runs)
		if p := crossingProbability(0.5, 0.05, c.pollA, c.pollB); math.Abs(Proportion(timers.Glare, timers.Runs).Value-p) > 4*math.Sqrt(p*(1-p)/float64(runs)) {
			t.Errorf("%v/%v: %d of %d cross, the formula says %.4f", c.pollA, c.pollB, timers.Glare, timers.Runs, p)
		}
		within := func(what string, v float64, bounds [2]float64) {
			if v < bounds[0] || v > bounds[1] {
				t.Errorf("%v/%v: %s is %.3f, not within %v", c.pollA, c.pollB, what, v, bounds)
			}
		}
		within("a second glare", Proportion(timers.Again, timers.Glare).Value, c.again)
		within("never", Proportion(timers.Never, timers.Glare).Value, c.never)
		within("mean", Mean(timers.Settled).Value, c.mean)
		values := e44(glare.TieBreaker, s(c.pollA), s(c.pollB)).Sample(0, runs)
		within("a second glare with values", float64(values.Again+values.Never+values.Failed), [2]float64{0, 0})
		within("mean with values", Mean(values.Settled).Value, [2]float64{0.9 * c.meanTie, 1.1 * c.meanTie})
		within("worst with values", Quantile(1, values.Settled).Value, [2]float64{0, c.worst})
	}
}

// conformance: GLR-9
func TestDeliveries(t *testing.T) {
	const latency = 10 * ms
	for name, c := range map[string]struct {
		Delivery
		sent, arrives []float64 // ms
	}{
		"push": {Delivery{}, []float64{0, 5, 5}, []float64{10, 15, 15}},
		// Asked at 3, 103, …, which is at the server at 13, 113, ….
		"short": {Delivery{Poll: 100 * ms, Phase: 3 * ms}, []float64{0, 13, 13.5, 113, 114}, []float64{23, 23, 123, 123, 223}},
		// A request is at the server at 13, and each one 20 ms behind an answer. The one of 93 is answered with nothing at
		// 193, so that the message of 200 waits for the one of 213.
		"long": {Delivery{LongPoll: 100 * ms, Phase: 3 * ms}, []float64{0, 20, 40, 41, 54, 55, 200}, []float64{23, 43, 63, 63, 83, 83, 223}},
	} {
		b := mailbox{delivery: c.Delivery}
		for i, sent := range c.sent {
			at := b.arrival(simtime.At(time.Duration(sent*float64(ms))), latency)
			if want := simtime.At(time.Duration(c.arrives[i] * float64(ms))); at != want {
				t.Errorf("%s: sent at %v ms it arrives at %v, not %v", name, sent, at, want)
			}
		}
	}
	for _, text := range []string{"push", "poll:5s", "long-poll:30s"} {
		if d, err := ParseDelivery(text); err != nil || d.String() != text {
			t.Errorf("%s is read as %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "poll", "poll:", "poll:0s", "poll:-1s", "polls:1s", "push:1s"} {
		if _, err := ParseDelivery(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// Intervals hold the true value as often as they say.
func TestIntervals(t *testing.T) {
	random := rng.New(1).Stream("samples")
	for _, size := range []int{5, 20, 200} {
		testIntervals(t, random, size)
	}
}

func testIntervals(t *testing.T, random *rng.Stream, size int) {
	t.Helper()
	const experiments = 2000
	var p, mean, median, tail int
	for range experiments {
		var hits int
		samples := make([]float64, size)
		for i := range samples {
			samples[i] = 3 + random.Normal()
			if random.Bool(0.03) {
				hits++
			}
		}
		count := func(n *int, e Estimate, truth float64) {
			if e.Low <= truth && !(e.High < truth) || math.IsNaN(e.Low) && !(e.High < truth) { // an open bound holds all
				*n++
			}
		}
		count(&p, Proportion(hits, size), 0.03)
		count(&mean, Mean(samples), 3)
		count(&median, Quantile(0.5, samples), 3)
		count(&tail, Quantile(0.95, samples), 3+1.644854)
	}
	for what, n := range map[string]int{"proportion": p, "mean": mean, "median": median, "95 %": tail} {
		if what == "proportion" && size < 20 {
			continue // Wilson's intervals are as good as that on average over all probabilities
		}
		if share := float64(n) / experiments; share < 0.94 || size == 200 && share > 0.98 {
			t.Errorf("%s of %d samples: %.1f %% of intervals hold the value", what, size, 100*share)
		}
	}
}

func BenchmarkGlare(b *testing.B) {
	x := e44(glare.TieBreaker, 5*time.Second, 5*time.Second)
	b.ReportAllocs()
	for seed := range b.N {
		x.Run(uint64(seed))
	}
}
