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

// ladder is a trace whose sizes tell the frame and the rate: rate/1000 plus the
// number, of 6 frames, of which 2 aren't repeated. The steps differ.
func ladder() *encoder.Trace {
	t := &encoder.Trace{FPS: 25, Skip: 2}
	for _, kbps := range []units.BitRate{200, 400, 1000} {
		r := encoder.Rung{Rate: kbps * units.Kbps, Width: 640, Height: 360}
		for i := range 6 {
			r.Sizes = append(r.Sizes, units.Bytes(kbps)*10+units.Bytes(10*i))
		}
		t.Rungs = append(t.Rungs, r)
	}
	return t
}

var wide = encoder.VideoConfig{Min: 1 * units.Kbps, Max: 100 * units.Mbps, Start: 200 * units.Kbps}

func sizes(frames []encoder.Frame) (out []units.Bytes) {
	for _, f := range frames {
		out = append(out, f.Size)
	}
	return out
}

// §6.2.1: t_current goes through the trace once, and then round without the first
// SkipFrames; frames come at the rate of the video.
func TestTraceOrder(t *testing.T) {
	start := simtime.At(time.Second)
	e := encoder.NewTraceDriven(wide, ladder(), start)
	frames := take(e, 12)
	want := "[2000B 2010B 2020B 2030B 2040B 2050B 2020B 2030B 2040B 2050B 2020B 2030B]"
	if got := fmt.Sprint(sizes(frames)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for i, f := range frames {
		if f.Captured != start.Add(time.Duration(i)*40*time.Millisecond) || f.Key != (i == 0) || f.Number != uint64(i) || f.Width != 640 || f.Height != 360 {
			t.Errorf("frame %d: %+v", i, f)
		}
	}
	short := ladder()
	short.Skip = 5
	if got := fmt.Sprint(sizes(take(encoder.NewTraceDriven(wide, short, 0), 8))); got != "[2000B 2010B 2020B 2030B 2040B 2050B 2050B 2050B]" {
		t.Errorf("with one frame left: %s", got)
	}
	whole := ladder()
	whole.Skip = 0
	if got := fmt.Sprint(sizes(take(encoder.NewTraceDriven(wide, whole, 0), 8))); got != "[2000B 2010B 2020B 2030B 2040B 2050B 2000B 2010B]" {
		t.Errorf("without skipping: %s", got)
	}
}

// §6.2.1 a to c: between two rates sizes are interpolated, with steps of any length
// (§6.2.2); outside they are scaled; all are clipped.
func TestTraceInterpolation(t *testing.T) {
	for _, c := range []struct {
		goal units.BitRate
		want units.Bytes // of the second frame
	}{
		{200 * units.Kbps, 2010},
		{250 * units.Kbps, 2510},
		{399_999, 4010},
		{400 * units.Kbps, 4010},
		{700 * units.Kbps, 7010},
		{1000 * units.Kbps, 10010},
		{100 * units.Kbps, 1005},
		{20 * units.Kbps, 201},
		{1 * units.Kbps, 24},
		{3000 * units.Kbps, 30030},
		{100 * units.Mbps, 1_000_000},
	} {
		e := encoder.NewTraceDriven(wide, ladder(), 0)
		take(e, 1)
		e.Request(e.NextFrame(), c.goal)
		if got := take(e, 1)[0].Size; got != c.want || e.Goal() != c.goal {
			t.Errorf("%v: %v, want %v", c.goal, got, c.want)
		}
	}
	// §5.4: the application's range comes first.
	c := wide
	c.Min, c.Max = 300*units.Kbps, 500*units.Kbps
	e := encoder.NewTraceDriven(c, ladder(), 0)
	if e.Goal() != c.Min {
		t.Errorf("starts at %v", e.Goal())
	}
	e.Request(0, units.Gbps)
	if e.Goal() != c.Max {
		t.Errorf("goal %v", e.Goal())
	}
}

// §6.2.2: a key frame on demand resets t_current; so does the key interval.
func TestTraceKeyFrames(t *testing.T) {
	e := encoder.NewTraceDriven(wide, ladder(), 0)
	take(e, 4)
	e.Refresh()
	frames := take(e, 3)
	if got := fmt.Sprint(sizes(frames)); got != "[2000B 2010B 2020B]" || !frames[0].Key || frames[1].Key {
		t.Errorf("after a request: %s", got)
	}
	c := wide
	c.KeyInterval = 200 * time.Millisecond
	for i, f := range take(encoder.NewTraceDriven(c, ladder(), 0), 20) {
		if f.Key != (i%5 == 0) || f.Key != (f.Size == 2000) {
			t.Errorf("frame %d: %+v", i, f)
		}
	}
	c = wide
	c.Layers = 3
	for i, f := range take(encoder.NewTraceDriven(c, ladder(), 0), 8) {
		if f.Layer != []uint8{0, 2, 1, 2}[i%4] || f.Base != uint64(i/4+1) || f.Discardable != (i%2 == 1) || f.Sync != (i%4 == 1 || i%4 == 2) {
			t.Errorf("frame %d: %+v", i, f)
		}
	}
}

// §6.3: another resolution needs a key frame; with a lower frame rate frames are
// larger, at the same bit rate.
func TestTraceResolutionAndFrameRate(t *testing.T) {
	trace := ladder()
	trace.Rungs[1].Width, trace.Rungs[1].Height = 960, 540
	trace.Rungs[2].Width, trace.Rungs[2].Height = 960, 540
	e := encoder.NewTraceDriven(wide, trace, 0)
	take(e, 3)
	for i, c := range []struct {
		goal  units.BitRate
		width int
		key   bool
	}{
		{390 * units.Kbps, 640, false},
		{430 * units.Kbps, 640, false}, // less than 10 % above
		{450 * units.Kbps, 960, true},
		{1200 * units.Kbps, 960, false},
		{410 * units.Kbps, 960, false}, // no way back yet
		{390 * units.Kbps, 640, true},
		{5 * units.Kbps, 640, false},
		{5000 * units.Kbps, 960, true},
	} {
		e.Request(e.NextFrame(), c.goal)
		f := take(e, 1)[0]
		if f.Width != c.width || f.Key != c.key {
			t.Errorf("%d: %v: %+v", i, c.goal, f)
		}
	}
	slow := wide
	slow.FPS = 12.5
	frames := take(encoder.NewTraceDriven(slow, ladder(), 0), 3)
	if got := fmt.Sprint(sizes(frames)); got != "[4000B 4020B 4040B]" || frames[2].Captured != simtime.At(160*time.Millisecond) {
		t.Errorf("half the frame rate: %s, %v", got, frames[2].Captured)
	}
}

func TestTraceSkip(t *testing.T) {
	e := encoder.NewTraceDriven(wide, ladder(), 0)
	take(e, 2)
	e.Skip(simtime.At(time.Second))
	e.Skip(simtime.At(time.Millisecond))
	frames := take(e, 2)
	if frames[0].Captured != simtime.At(time.Second) || frames[1].Captured != simtime.At(1040*time.Millisecond) || frames[0].Key {
		t.Errorf("%+v", frames)
	}
}

func synthetic(t testing.TB, seed uint64) *encoder.Trace {
	t.Helper()
	trace, err := encoder.Synthesize(encoder.SyntheticTrace{}, rng.New(seed).Stream("trace"))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// A synthetic trace has each rate in the mean, its frames vary together, and it begins
// with a key frame that the next ones make up for.
func TestSyntheticTrace(t *testing.T) {
	trace := synthetic(t, 1)
	if len(trace.Rungs) != 10 || len(trace.Rungs[0].Sizes) != 5400 || trace.Skip != 20 {
		t.Fatalf("%d rates, %d frames", len(trace.Rungs), len(trace.Rungs[0].Sizes))
	}
	logs := make([][]float64, len(trace.Rungs))
	for i, r := range trace.Rungs {
		mean := float64(r.Rate) / 8 / 30
		steady, start := 0.0, 0.0
		sum, square := 0.0, 0.0
		for j, s := range r.Sizes {
			if j < 20 {
				start += float64(s) / 20
				continue
			}
			steady += float64(s) / 5380
			l := math.Log(float64(s) / mean)
			sum, square = sum+l/5380, square+l*l/5380
			logs[i] = append(logs[i], l-sum)
		}
		if math.Abs(steady/mean-1) > 0.001 || math.Abs(start/mean-1) > 0.01 || math.Abs(float64(r.Sizes[0])/mean-4) > 0.01 {
			t.Errorf("%v: %.1f octets, at the start %.1f, first %v; want %.1f", r.Rate, steady, start, r.Sizes[0], mean)
		}
		if d := math.Sqrt(square - sum*sum); math.Abs(d-math.Hypot(0.2, 0.1)) > 0.03 {
			t.Errorf("%v: deviation of the logarithm %.3f", r.Rate, d)
		}
	}
	// What is shown is correlated over about a second: 0.97 from a frame to the next,
	// of the part of the variance that is its.
	next, all := 0.0, 0.0
	for j, l := range logs[4] {
		all += l * l
		if j > 0 {
			next += l * logs[4][j-1]
		}
	}
	if r := next / all; r < 0.65 || r > 0.9 {
		t.Errorf("correlation of two frames %.3f", r)
	}
	product, a, b := 0.0, 0.0, 0.0
	for j := range logs[0] {
		product, a, b = product+logs[0][j]*logs[9][j], a+logs[0][j]*logs[0][j], b+logs[9][j]*logs[9][j]
	}
	if r := product / math.Sqrt(a*b); r < 0.7 || r > 0.9 { // 0.2² / (0.2² + 0.1²)
		t.Errorf("correlation of two rates %.3f", r)
	}
	same, other := synthetic(t, 1), synthetic(t, 2)
	if fmt.Sprint(trace.Rungs[3].Sizes) != fmt.Sprint(same.Rungs[3].Sizes) || fmt.Sprint(trace.Rungs[3].Sizes) == fmt.Sprint(other.Rungs[3].Sizes) {
		t.Error("the trace doesn't follow from the seed")
	}
	if _, err := encoder.Synthesize(encoder.SyntheticTrace{Length: 100 * time.Millisecond}, rng.New(1).Stream("trace")); err == nil {
		t.Error("three frames are a trace")
	}
}

// §6: the mean of the output is R_v, at any rate.
func TestTraceMeanRate(t *testing.T) {
	trace := synthetic(t, 3)
	for _, goal := range []units.BitRate{100 * units.Kbps, 200 * units.Kbps, 530 * units.Kbps, 1900 * units.Kbps, 3 * units.Mbps} {
		for _, fps := range []float64{0, 15} {
			c := wide
			c.FPS = fps
			e := encoder.NewTraceDriven(c, trace, 0)
			e.Request(0, goal)
			take(e, 20)
			frames := take(e, 2*5380)
			if got := rate(frames, e.NextFrame()); math.Abs(got/float64(goal)-1) > 0.002 {
				t.Errorf("%v at %v fps: %.0f bit/s", goal, fps, got)
			}
		}
	}
}

func BenchmarkTraceDriven(b *testing.B) {
	e := encoder.NewTraceDriven(wide, synthetic(b, 1), 0)
	b.ReportAllocs()
	for b.Loop() {
		e.Encode(e.NextFrame())
	}
}

func BenchmarkHybrid(b *testing.B) {
	e := encoder.NewHybrid(figure2, synthetic(b, 1), 0, rng.New(1).Stream("encoder"))
	b.ReportAllocs()
	for b.Loop() {
		e.Encode(e.NextFrame())
	}
}

func TestTraceNoAllocation(t *testing.T) {
	trace := synthetic(t, 1)
	for _, e := range []encoder.Encoder{encoder.NewTraceDriven(wide, trace, 0), encoder.NewHybrid(figure2, trace, 0, rng.New(1).Stream("encoder"))} {
		if n := testing.AllocsPerRun(1000, func() { e.Encode(e.NextFrame()) }); n > 0 {
			t.Errorf("%T: %.2f allocations a frame", e, n)
		}
	}
}
