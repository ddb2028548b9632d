package trace

import (
	"fmt"
	"time"

	"rtpfabric/sim/units"
)

// Shape is the course of a pattern over one period.
type Shape uint8

// The shapes. All but Falling begin at the low end.
const (
	Square   Shape = iota // low, then high for the last Duty of the period
	Rising                // sawtooth from low to high
	Falling               // sawtooth from high to low
	Triangle              // up in the first half, down in the second
	Sine                  // like the triangle, with the slopes of a cosine
)

var shapes = [...]string{Square: "square", Rising: "rising", Falling: "falling", Triangle: "triangle", Sine: "sine"}

// String returns the shape's name.
func (s Shape) String() string {
	if int(s) < len(shapes) {
		return shapes[s]
	}
	return fmt.Sprintf("Shape(%d)", uint8(s))
}

// ParseShape is the inverse of String.
func ParseShape(s string) (Shape, error) {
	for i, name := range shapes {
		if s == name {
			return Shape(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a shape: write square, rising, falling, triangle or sine", s)
}

// Pattern is a capacity that repeats itself, in ratios of a reference capacity.
type Pattern struct {
	Shape     Shape
	Period    time.Duration
	Low, High units.Ratio // 0 ≤ Low ≤ High
	// Duty is the high share of a square, between 0 and 1; 0 means 0.5.
	Duty units.Ratio
	// Interval is the length of a step; 0 means 100 ms. A slope is constant
	// during a step at its middle value. A square has two steps and no interval.
	Interval time.Duration
}

// Trace returns the pattern for a reference capacity.
func (p Pattern) Trace(reference units.BitRate) (Trace, error) {
	if p.Interval == 0 {
		p.Interval = 100 * time.Millisecond
	}
	if p.Duty == 0 {
		p.Duty = 0.5
	}
	switch {
	case int(p.Shape) >= len(shapes):
		return Trace{}, fmt.Errorf("shape: %v is unknown: write square, rising, falling, triangle or sine", p.Shape)
	case reference <= 0 || reference > MaxRate:
		return Trace{}, fmt.Errorf("reference: %v is out of range: write more than 0 and at most %v", reference, MaxRate)
	case !(p.Low >= 0 && p.Low <= p.High && float64(p.High)*float64(reference) <= float64(MaxRate)):
		return Trace{}, fmt.Errorf("low, high: %v to %v is out of range: write ratios of 0 or more, low first, that stay below %v",
			p.Low, p.High, MaxRate)
	case !(p.Duty > 0 && p.Duty < 1):
		return Trace{}, fmt.Errorf("duty: %v is out of range: write a ratio between 0 and 1", p.Duty)
	case p.Period < 2*time.Microsecond || p.Period > MaxLength:
		return Trace{}, fmt.Errorf("period: %v is out of range: write 2µs to %v", p.Period, MaxLength)
	}
	if p.Shape == Square {
		return p.square(reference)
	}
	if p.Interval <= 0 || p.Interval > p.Period/2 || p.Period/p.Interval > MaxSteps-1 {
		return Trace{}, fmt.Errorf("interval: %v is out of range: write at most half the period, and enough for %d steps",
			p.Interval, MaxSteps)
	}
	n := int((p.Period + p.Interval - 1) / p.Interval)
	rates := make([]units.BitRate, n)
	t := uniform(rates, p.Interval)
	t.Length = p.Period
	for i := range rates {
		middle := float64(t.Steps[i].At+t.end(i)) / 2 / float64(p.Period)
		rates[i] = p.rate(reference, p.course(middle))
	}
	return t, t.Check()
}

func (p Pattern) square(reference units.BitRate) (Trace, error) {
	low, high := p.rate(reference, 0), p.rate(reference, 1)
	rise := time.Duration(float64(p.Period) * (1 - float64(p.Duty)))
	rise = min(max(rise, 1), p.Period-1)
	t := Trace{Steps: []Step{{At: 0, Rate: &low}, {At: rise, Rate: &high}}, Length: p.Period, Repeat: true}
	return t, t.Check()
}

// course returns the height, 0 to 1, at a share of the period.
func (p Pattern) course(x float64) float64 {
	switch p.Shape {
	case Rising:
		return x
	case Falling:
		return 1 - x
	case Triangle:
		return min(2*x, 2-2*x)
	case Sine:
		return (1 - cosine(x)) / 2
	case Square:
	}
	return 0
}

// rate turns a height into a rate, rounded to a bit per second.
func (p Pattern) rate(reference units.BitRate, height float64) units.BitRate {
	low, high := float64(p.Low), float64(p.High)
	ratio := low + float64((high-low)*height)
	return units.BitRate(float64(ratio*float64(reference)) + 0.5)
}

// cosine returns cos(2πx) for x from 0 to 1 with an error below 1e-12 and the
// same bits on every machine.
func cosine(x float64) float64 {
	const tau = 6.283185307179586
	// Fold onto the first quarter turn, where the series is short.
	if x > 0.5 {
		x = 1 - x
	}
	if x > 0.25 {
		return -cosine(0.5 - x)
	}
	z := float64(tau * x)
	z2 := float64(z * z)
	sum := 1.0
	for k := 20; k >= 2; k -= 2 {
		sum = 1 - float64(float64(z2*sum)/float64(k*(k-1)))
	}
	return sum
}
