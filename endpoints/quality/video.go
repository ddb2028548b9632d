package quality

import (
	"math"
	"time"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/units"
)

// VideoSecond is what a viewer got in one second, or in another stretch of time.
type VideoSecond struct {
	// Size is that of the frames that were shown, without headers.
	Size units.Bytes
	// Width and Height of the picture.
	Width, Height int
	// Shown counts the frames that were rendered, Undecodable those that came but
	// couldn't be: what they are predicted from was missing.
	Shown, Undecodable int
	// FPS is how many frames were to be shown.
	FPS float64
	// Frozen is for how long of the Length the picture stood still in freezes.
	// Length 0 stands for a second.
	Frozen, Length time.Duration
}

// Bits per pixel at which the score is nothing and everything. Talking heads look
// good at about 0.1 and fall apart below 0.01.
const (
	poorest = 0.005
	richest = 0.15
)

// Score returns a figure from 0 to 100 for the video.
//
// It is a proxy for comparing runs with each other, and no model of perception: it was
// fitted to no viewers, and a difference of ten points means no more than that one
// run had more bits, more frames, or less of what disturbs. It is the product of
//
//   - detail: the logarithm of bits per pixel shown, 0 at 0.005 and 1 at 0.15;
//   - motion: the square root of the share of the frames that were shown;
//   - flow: the share of the time that wasn't frozen;
//   - soundness: the share of the frames that came which could be decoded.
func (v VideoSecond) Score() float64 {
	if v.Shown <= 0 || v.Width <= 0 || v.Height <= 0 || v.FPS <= 0 {
		return 0
	}
	length := v.Length
	if length <= 0 {
		length = time.Second
	}
	density := float64(v.Size) * 8 / (float64(v.Width) * float64(v.Height) * float64(v.Shown))
	if density <= poorest {
		return 0
	}
	detail := unit(detmath.Log(density/poorest) / detmath.Log(richest/poorest))
	motion := math.Sqrt(unit(float64(v.Shown) / (v.FPS * length.Seconds())))
	flow := unit(1 - v.Frozen.Seconds()/length.Seconds())
	soundness := float64(v.Shown) / float64(v.Shown+max(v.Undecodable, 0))
	return 100 * detail * motion * flow * soundness
}

func unit(x float64) float64 { return min(max(x, 0), 1) }
