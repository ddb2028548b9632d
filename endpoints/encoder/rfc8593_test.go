package encoder_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// figure2 is RFC 8593 Figure 2. K_B is 13.5 kB, that is 3.24 mean frames.
var figure2 = encoder.VideoConfig{
	Min: 150 * units.Kbps, Max: 1500 * units.Kbps, Start: 1 * units.Mbps, FPS: 30,
	Reaction: 200 * time.Millisecond, BurstSize: 3.24, BurstFrames: 8, ScaleInterval: 0.15, ScaleSize: 0.15,
}

func statistical(seed uint64) *encoder.Statistical {
	return encoder.NewStatistical(figure2, 0, rng.New(seed).Stream("encoder"))
}

// take encodes n frames at their times.
func take(e encoder.Encoder, n int) (frames []encoder.Frame) {
	for range n {
		frames = append(frames, e.Encode(e.NextFrame()))
	}
	return frames
}

func rate(frames []encoder.Frame, end simtime.Time) float64 {
	total := 0.0
	for _, f := range frames {
		total += float64(f.Size)
	}
	return total * 8 / end.Sub(frames[0].Captured).Seconds()
}

// §5: the output matches R_v in the mean.
//
// conformance: RFC8868-5.2
func TestMeanRate(t *testing.T) {
	for _, goal := range []units.BitRate{150 * units.Kbps, 1 * units.Mbps, 1500 * units.Kbps} {
		e := statistical(1)
		e.Request(0, goal)
		take(e, 10) // the transient
		const n = 100000
		frames := take(e, n)
		// σ of a size or an interval is 0.15·√2; of the ratio of their sums
		// √2 times that over √n: 0.1 %.
		if got := rate(frames, e.NextFrame()); math.Abs(got/float64(goal)-1) > 0.005 {
			t.Errorf("%v: %.0f bit/s", goal, got)
		}
	}
}

// §5.3: sizes and intervals are Laplacian around B0 and t0, and independent.
func TestFluctuations(t *testing.T) {
	e := statistical(2)
	take(e, 10)
	const n = 200000
	frames := take(e, n+1)
	b0, t0 := 1e6/8/30, time.Second.Seconds()/30
	var sizes, gaps []float64
	product := 0.0
	for i, f := range frames[:n] {
		ds := float64(f.Size)/b0 - 1
		dt := frames[i+1].Captured.Sub(f.Captured).Seconds()/t0 - 1
		sizes, gaps = append(sizes, ds), append(gaps, dt)
		product += ds * dt
	}
	for name, x := range map[string][]float64{"size": sizes, "interval": gaps} {
		sum, abs, square, tail := 0.0, 0.0, 0.0, 0
		for _, v := range x {
			sum, abs, square = sum+v, abs+math.Abs(v), square+v*v
			if math.Abs(v) > 3*0.15 {
				tail++
			}
		}
		sum, abs, square = sum/n, abs/n, square/n
		// A Laplacian of scale b has mean 0 (standard error b√2/√n), mean
		// magnitude b (b/√n), mean square 2b² (2b²√5/√n), and e⁻³ beyond 3b.
		se := 0.15 / math.Sqrt(n)
		if math.Abs(sum) > 4*math.Sqrt2*se+2e-4 { // sizes are whole, gaps positive
			t.Errorf("%s: mean deviation %.5f", name, sum)
		}
		if math.Abs(abs-0.15) > 4*se+2e-4 {
			t.Errorf("%s: mean magnitude %.5f, want 0.15", name, abs)
		}
		if math.Abs(square-0.045) > 4*0.045*math.Sqrt(5.0/n)+2e-4 {
			t.Errorf("%s: mean square %.5f, want 0.045", name, square)
		}
		if want := n * math.Exp(-3); math.Abs(float64(tail)-want) > 4*math.Sqrt(want) {
			t.Errorf("%s: %d deviations beyond three scales, want %.0f", name, tail, want)
		}
	}
	if c := product / n / 0.045; math.Abs(c) > 4/math.Sqrt(n) {
		t.Errorf("correlation of size and interval %.4f", c)
	}
	for i, f := range frames {
		if f.Number != uint64(i+10) || f.Key || f.Size <= 0 {
			t.Fatalf("frame %d: %+v", i, f)
		}
		if i > 0 && f.Captured <= frames[i-1].Captured {
			t.Fatalf("frame %d isn't later than the one before", i)
		}
	}
}

// RFC 8867 §4.3: the rate over one second is mostly within 5 % of the goal.
func TestRateOverOneSecond(t *testing.T) {
	e := statistical(3)
	take(e, 10)
	within, windows := 0, 0
	start := e.NextFrame()
	bytes := 0.0
	for windows < 3000 {
		f := take(e, 1)[0]
		if f.Captured.Sub(start) >= time.Second {
			if math.Abs(bytes*8/1e6-1) <= 0.05 {
				within++
			}
			windows++
			start, bytes = start.Add(time.Second), 0
		}
		bytes += float64(f.Size)
	}
	// σ of a window is 0.15·√2·√(2/30) = 5.5 %.
	if share := float64(within) / float64(windows); share < 0.58 {
		t.Errorf("%.2f of the windows are within 5 %%", share)
	}
}

// §5.1: "when the encoder has reacted to a rate-change request at time t, it
// will simply ignore all subsequent rate-change requests until time t+tau_v."
func TestReactionLatency(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  units.BitRate
	}{
		{time.Millisecond, 800 * units.Kbps},
		{199 * time.Millisecond, 800 * units.Kbps},
		{200 * time.Millisecond, 400 * units.Kbps},
		{time.Second, 400 * units.Kbps},
	} {
		e := statistical(1)
		t0 := simtime.At(time.Second)
		e.Request(t0, 800*units.Kbps)
		if e.Goal() != 800*units.Kbps {
			t.Fatalf("goal %v after the first request", e.Goal())
		}
		e.Request(t0.Add(c.after), 400*units.Kbps)
		if e.Goal() != c.want {
			t.Errorf("second request after %v: goal %v, want %v", c.after, e.Goal(), c.want)
		}
	}
	// A request that changes nothing isn't a transition.
	e := statistical(1)
	e.Request(0, figure2.Start)
	e.Request(simtime.At(time.Millisecond), 800*units.Kbps)
	if e.Goal() != 800*units.Kbps {
		t.Errorf("goal %v: a request of the same rate blocked the next", e.Goal())
	}
	// Nor does an ignored one start the wait anew.
	e = statistical(1)
	e.Request(0, 800*units.Kbps)
	e.Request(simtime.At(150*time.Millisecond), 700*units.Kbps)
	e.Request(simtime.At(210*time.Millisecond), 600*units.Kbps)
	if e.Goal() != 600*units.Kbps {
		t.Errorf("goal %v", e.Goal())
	}
}

// §5.2: the burst after an abrupt change: K_B first, the mean is R_v over its
// K_d frames.
func TestTransientBurst(t *testing.T) {
	for _, to := range []units.BitRate{500 * units.Kbps, 1200 * units.Kbps} {
		const runs = 4000
		b0 := float64(to) / 8 / 30
		var sums [12]float64
		for seed := range uint64(runs) {
			e := statistical(seed)
			take(e, 3)
			e.Request(e.NextFrame(), to)
			for i, f := range take(e, len(sums)) {
				sums[i] += float64(f.Size) / b0 / runs
				if f.Key != (i == 0) {
					t.Fatalf("frame %d of the burst: key %v", i, f.Key)
				}
			}
		}
		se := 0.15 * math.Sqrt2 / math.Sqrt(runs)
		total := 0.0
		for i, m := range sums {
			want := 1.0
			switch {
			case i == 0:
				want = 3.24
			case i < 8:
				want = (8 - 3.24) / 7
			}
			if math.Abs(m-want) > 4*se*want+0.001 {
				t.Errorf("%v, frame %d: %.4f of the mean, want %.4f", to, i, m, want)
			}
			if i < 8 {
				total += m
			}
		}
		if math.Abs(total/8-1) > 0.01 {
			t.Errorf("%v: the burst has %.3f of the mean", to, total/8)
		}
	}
	// Small changes make no burst.
	for _, to := range []units.BitRate{920 * units.Kbps, 1080 * units.Kbps} {
		most := 0.0
		for seed := range uint64(300) {
			e := statistical(seed)
			take(e, 3)
			e.Request(e.NextFrame(), to)
			most += float64(take(e, 1)[0].Size) / (float64(to) / 8 / 30) / 300
		}
		if math.Abs(most-1) > 0.06 {
			t.Errorf("%v: the first frame has %.2f of the mean", to, most)
		}
	}
}

// §5.4: the rate stays within [R_min, R_max].
func TestRange(t *testing.T) {
	for _, e := range []encoder.Encoder{statistical(1), encoder.NewPerfect(figure2, 0)} {
		for i, c := range []struct{ request, want units.BitRate }{
			{10 * units.Mbps, figure2.Max}, {1, figure2.Min}, {0, figure2.Min}, {-5, figure2.Min}, {700 * units.Kbps, 700 * units.Kbps},
		} {
			e.Request(simtime.At(time.Duration(i)*time.Second), c.request)
			if e.Goal() != c.want {
				t.Errorf("%T: goal %v after a request of %v, want %v", e, e.Goal(), c.request, c.want)
			}
		}
	}
}

// The perfect encoder is exact over any number of frames, at once.
func TestPerfect(t *testing.T) {
	for _, fps := range []float64{7.5, 25, 29.97, 30} {
		for _, goal := range []units.BitRate{150 * units.Kbps, 333333, 1500 * units.Kbps} {
			c := figure2
			c.FPS = fps
			start := simtime.At(123 * time.Millisecond)
			e := encoder.NewPerfect(c, start)
			e.Request(0, goal)
			total := units.Bytes(0)
			for i := range 3000 {
				due := e.NextFrame()
				if want := start.Add(time.Duration(float64(i) / fps * 1e9)); due-want < -2 || due-want > 2 {
					t.Fatalf("frame %d is due at %v, want %v", i, due, want)
				}
				f := e.Encode(due)
				total += f.Size
				if exact := float64(goal) / 8 / fps * float64(i+1); math.Abs(float64(total)-exact) > 1 {
					t.Fatalf("%v, %v fps: %v after %d frames, want %.1f", goal, fps, total, i+1, exact)
				}
				if f.Number != uint64(i) || f.Captured != due {
					t.Fatalf("%+v", f)
				}
			}
		}
	}
}

func TestAudio(t *testing.T) {
	for _, c := range []struct {
		rate  units.BitRate
		frame time.Duration
		want  units.Bytes
	}{
		{64 * units.Kbps, 20 * time.Millisecond, 160},
		{32 * units.Kbps, 20 * time.Millisecond, 80},
		{24 * units.Kbps, 60 * time.Millisecond, 180},
		{64 * units.Kbps, 10 * time.Millisecond, 80},
	} {
		start := simtime.At(5 * time.Millisecond)
		e := encoder.NewAudio(c.rate, c.frame, start)
		e.Request(0, 1*units.Mbps)
		if e.Goal() != c.rate {
			t.Errorf("goal %v", e.Goal())
		}
		for i := range 100 {
			if due, want := e.NextFrame(), start.Add(time.Duration(i)*c.frame); due != want {
				t.Fatalf("frame %d is due at %v, want %v", i, due, want)
			}
			if f := e.Encode(e.NextFrame()); f.Size != c.want || f.Number != uint64(i) || !f.Key {
				t.Fatalf("%v, %v: %+v, want %v", c.rate, c.frame, f, c.want)
			}
		}
	}
}

// One seed makes one sequence of frames.
func TestDeterminism(t *testing.T) {
	a, b, c := take(statistical(1), 100), take(statistical(1), 100), take(statistical(2), 100)
	if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) == fmt.Sprint(c) {
		t.Error("frames don't follow from the seed")
	}
}
