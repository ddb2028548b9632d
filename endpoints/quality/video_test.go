package quality_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/quality"
	"rtpfabric/sim/units"
)

// hd is a good second: 2 Mbit/s at 720p and 30 frames a second, 0.072 bits per pixel.
var hd = quality.VideoSecond{Size: 250_000, Width: 1280, Height: 720, Shown: 30, FPS: 30}

// Each of what the score is made of does what its description says.
func TestVideoScore(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(v *quality.VideoSecond)
		want   float64
	}{
		{"good", func(*quality.VideoSecond) {}, 78.53},
		{"rich", func(v *quality.VideoSecond) { v.Size = 600_000 }, 100},
		{"poor", func(v *quality.VideoSecond) { v.Size = 17_000 }, 0},
		{"half the bits", func(v *quality.VideoSecond) { v.Size /= 2 }, 78.53 - 100*math.Ln2/math.Log(30)},
		{"half the frames and bits", func(v *quality.VideoSecond) { v.Shown, v.Size = 15, v.Size/2 }, 78.53 * math.Sqrt(0.5)},
		{"frozen for a quarter", func(v *quality.VideoSecond) { v.Frozen = 250 * time.Millisecond }, 78.53 * 0.75},
		{"frozen", func(v *quality.VideoSecond) { v.Frozen = 2 * time.Second }, 0},
		{"as many undecodable", func(v *quality.VideoSecond) { v.Undecodable = 30 }, 78.53 / 2},
		{"nothing", func(v *quality.VideoSecond) { v.Shown = 0 }, 0},
		{"no size", func(v *quality.VideoSecond) { v.Width = 0 }, 0},
		{"two seconds", func(v *quality.VideoSecond) { v.Shown, v.Size, v.Length = 60, 2*v.Size, 2*time.Second }, 78.53},
		{"half of two seconds", func(v *quality.VideoSecond) { v.Length, v.Frozen = 2*time.Second, time.Second }, 78.53 * math.Sqrt(0.5) / 2},
		{"more frames than wanted", func(v *quality.VideoSecond) { v.FPS = 15 }, 78.53},
	} {
		v := hd
		c.change(&v)
		if got := v.Score(); math.Abs(got-c.want) > 0.05 {
			t.Errorf("%s: %.2f, want %.2f", c.name, got, c.want)
		}
	}
}

// More bits never make the score worse, more disturbance never better.
func TestVideoScoreIsMonotone(t *testing.T) {
	last := 0.0
	for size := units.Bytes(0); size < 800_000; size += 1000 {
		v := hd
		v.Size = size
		s := v.Score()
		if s < last || s < 0 || s > 100 {
			t.Fatalf("%v: %.3f after %.3f", size, s, last)
		}
		last = s
	}
}
