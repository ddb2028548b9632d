package encoder_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// flat is a trace in which all frames but the first have the mean size of their rate,
// so that what comes from it can be told from what doesn't.
func flat() *encoder.Trace {
	t := &encoder.Trace{FPS: 30, Skip: 1}
	for _, rate := range []units.BitRate{100 * units.Kbps, 2 * units.Mbps} {
		mean := units.Bytes(float64(rate) / 8 / 30)
		r := encoder.Rung{Rate: rate, Width: 640, Height: 360, Sizes: []units.Bytes{3 * mean}}
		for range 9 {
			r.Sizes = append(r.Sizes, mean)
		}
		t.Rungs = append(t.Rungs, r)
	}
	return t
}

func hybrid(seed uint64, t *encoder.Trace) *encoder.Hybrid {
	return encoder.NewHybrid(figure2, t, 0, rng.New(seed).Stream("encoder"))
}

func steady(f encoder.Frame, goal units.BitRate) bool {
	return math.Abs(float64(f.Size)-float64(goal)/8/30) < 2
}

// §7: steady frames come from the trace, their intervals from the statistical model:
// Laplacian around 1/FPS.
func TestHybridSteadyState(t *testing.T) {
	e := hybrid(1, flat())
	first := take(e, 1)[0]
	if !first.Key || first.Size < 12_000 || first.Width != 640 {
		t.Errorf("%+v", first)
	}
	const n = 50_000
	frames := take(e, n+1)
	sum, abs := 0.0, 0.0
	for i, f := range frames[:n] {
		if !steady(f, 1*units.Mbps) || f.Key || f.Number != uint64(i+1) {
			t.Fatalf("frame %d: %+v", i, f)
		}
		d := frames[i+1].Captured.Sub(f.Captured).Seconds()*30 - 1
		sum, abs = sum+d/n, abs+math.Abs(d)/n
	}
	if math.Abs(sum) > 0.004 || math.Abs(abs-0.15) > 0.004 {
		t.Errorf("intervals: mean deviation %.4f, mean magnitude %.4f", sum, abs)
	}
}

// §7, §5.2: a change of more than 10 % makes K_d frames from the statistical model, the
// first of K_B; their mean is R_v. Then the trace goes on at the new rate.
func TestHybridTransient(t *testing.T) {
	for _, to := range []units.BitRate{500 * units.Kbps, 1300 * units.Kbps} {
		const runs = 2000
		var sums [10]float64
		for seed := range uint64(runs) {
			e := hybrid(seed, flat())
			take(e, 5)
			e.Request(e.NextFrame(), to)
			for i, f := range take(e, len(sums)) {
				sums[i] += float64(f.Size) / (float64(to) / 8 / 30) / runs
				if f.Key != (i == 0) || i >= 8 != steady(f, to) && i >= 8 {
					t.Fatalf("frame %d after the change: %+v", i, f)
				}
			}
		}
		total := 0.0
		for i, m := range sums {
			want := 1.0
			switch {
			case i == 0:
				want = 3.24
			case i < 8:
				want = (8 - 3.24) / 7
			}
			if math.Abs(m-want) > 0.03*want {
				t.Errorf("%v, frame %d: %.3f of the mean, want %.3f", to, i, m, want)
			}
			if i < 8 {
				total += m / 8
			}
		}
		if math.Abs(total-1) > 0.01 {
			t.Errorf("%v: the transient has %.3f of the mean", to, total)
		}
	}
	// A change of 10 % or less makes none.
	for _, to := range []units.BitRate{900 * units.Kbps, 1100 * units.Kbps} {
		e := hybrid(1, flat())
		take(e, 5)
		e.Request(e.NextFrame(), to)
		for i, f := range take(e, 10) {
			if !steady(f, to) || f.Key {
				t.Errorf("%v, frame %d: %+v", to, i, f)
			}
		}
	}
}

// §7: "the model will follow the time-damping mechanism as defined in Section 5.1".
func TestHybridReactionLatency(t *testing.T) {
	e := hybrid(1, flat())
	t0 := simtime.At(time.Second)
	e.Request(t0, 800*units.Kbps)
	e.Request(t0.Add(199*time.Millisecond), 400*units.Kbps)
	if e.Goal() != 800*units.Kbps {
		t.Errorf("goal %v", e.Goal())
	}
	e.Request(t0.Add(200*time.Millisecond), 10*units.Mbps)
	if e.Goal() != figure2.Max {
		t.Errorf("goal %v", e.Goal())
	}
}

// A key frame on request begins a transient (§5.2: "to mimic the insertion of a large
// on-demand I-frame"); so does another resolution.
func TestHybridKeyFrames(t *testing.T) {
	trace := flat()
	trace.Rungs[1].Width, trace.Rungs[1].Height = 1280, 720
	middle := encoder.Rung{Rate: 1 * units.Mbps, Width: 960, Height: 540}
	for range 10 {
		middle.Sizes = append(middle.Sizes, 4167)
	}
	trace.Rungs = []encoder.Rung{trace.Rungs[0], middle, trace.Rungs[1]}
	count := func(e encoder.Encoder, n int) (keys, transient int) {
		for _, f := range take(e, n) {
			if f.Key {
				keys++
			}
			if !steady(f, e.Goal()) {
				transient++
			}
		}
		return keys, transient
	}
	e := hybrid(2, trace)
	take(e, 10)
	e.Refresh()
	if keys, transient := count(e, 30); keys != 1 || transient < 7 || transient > 8 {
		t.Errorf("on request: %d key frames, %d frames not of the trace", keys, transient)
	}
	// From 1 Mbit/s to 5 % less is no abrupt change, but another resolution.
	e.Request(e.NextFrame(), 950*units.Kbps)
	f := take(e, 1)[0]
	if !f.Key || f.Width != 640 {
		t.Errorf("another resolution: %+v", f)
	}
	// An abrupt change has a key frame already.
	take(e, 30)
	e.Request(e.NextFrame(), 1200*units.Kbps)
	if keys, transient := count(e, 30); keys != 1 || transient < 7 || transient > 8 {
		t.Errorf("abrupt change: %d key frames, %d frames not of the trace", keys, transient)
	}
	// A change before the first frame, which is a key frame, has no transient.
	e = hybrid(5, flat())
	e.Request(0, 500*units.Kbps)
	take(e, 1)
	if keys, transient := count(e, 20); keys+transient > 0 {
		t.Errorf("at the start: %d key frames, %d frames not of the trace", keys, transient)
	}
	c := figure2
	c.Layers, c.KeyInterval = 2, time.Second
	keys := 0
	for i, f := range take(encoder.NewHybrid(c, flat(), 0, rng.New(3).Stream("encoder")), 3000) {
		if f.Key {
			keys++
			if f.Layer != 0 {
				t.Errorf("frame %d: %+v", i, f)
			}
		}
	}
	if keys < 92 || keys > 101 { // 100 s
		t.Errorf("%d key frames", keys)
	}
}

// §7: the mean is R_v whatever the requests, here every second.
func TestHybridMeanRate(t *testing.T) {
	e := hybrid(4, synthetic(t, 4))
	random := rng.New(4).Stream("requests")
	sent, asked := 0.0, 0.0
	next := simtime.At(time.Second)
	for range 60_000 {
		f := take(e, 1)[0]
		sent += float64(f.Size)
		asked += float64(e.Goal()) / 8 * e.NextFrame().Sub(f.Captured).Seconds()
		if f.Captured > next {
			e.Request(f.Captured, 300*units.Kbps+units.BitRate(random.Uint64()%1_000_000))
			next = f.Captured.Add(time.Second)
		}
	}
	if math.Abs(sent/asked-1) > 0.01 {
		t.Errorf("%.4f of the rate", sent/asked)
	}
}

// Frames of a synthetic trace are the same on every machine.
func TestHybridPinned(t *testing.T) {
	e := hybrid(6, synthetic(t, 6))
	h := fnv.New64a()
	for i := range 3000 {
		if i%100 == 50 {
			e.Request(e.NextFrame(), units.BitRate(300+i)*units.Kbps)
		}
		f := e.Encode(e.NextFrame())
		fmt.Fprintf(h, "{%v %v %v %v %v %v %v %v %v %v}", f.Number, f.Captured, f.Size, f.Key, f.Layer, f.Base, f.Discardable, f.Duration, f.Width, f.Height)
	}
	if got, want := h.Sum64(), uint64(0x589362d351566b97); got != want {
		t.Errorf("hash = %#x, want %#x", got, want)
	}
}
