package trace

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Radio makes synthetic traces of a wireless access link. Nothing it makes was
// measured; docs/traces.md says which measurements the presets resemble and in
// what.
//
// The rate of a step is Mean times two independent variations, times the level
// of the present satellite, times the attenuation of a blockage, or 0 in a gap,
// and is then cut to the bounds. Blockages and gaps are accounted for, so that
// Mean is the mean over a long time but for the bounds.
type Radio struct {
	// Interval is the length of a step; 0 means 100 ms.
	Interval time.Duration
	// Mean, Min and Max are of the rate; a gap goes below Min.
	Mean, Min, Max units.BitRate
	// Slow is what position and load do, Fast what fading and scheduling do.
	Slow, Fast Variation
	// Gaps are outages.
	Gaps Spells
	// Blockages multiply the rate by Blocked, 0 to 1.
	Blockages Spells
	Blocked   units.Ratio
	// Handover is of a satellite; its zero value is none.
	Handover Handover
	// Delay, Jitter and Loss are of every step; where one is 0 the trace leaves
	// the link's own alone, unless handovers change it.
	Delay, Jitter time.Duration
	Loss          float64
}

// Spells are stretches of time that come and go. The time from the end of one
// to the start of the next is exponential with mean Every; 0 means there are
// none. A spell's length is uniform between Min and Max. A step belongs to a
// spell if its middle does.
type Spells struct {
	Every, Min, Max time.Duration
}

// share returns the part of time that lies in spells.
func (s Spells) share() float64 {
	if s.Every == 0 {
		return 0
	}
	mean := float64(s.Min+s.Max) / 2
	return mean / (mean + float64(s.Every))
}

func (s Spells) check(name string) error {
	if s == (Spells{}) {
		return nil
	}
	if s.Every <= 0 || s.Every > MaxLength || s.Min < 0 || s.Max < s.Min || s.Max <= 0 || s.Max > MaxLength {
		return fmt.Errorf("%s: %v to %v every %v is out of range: write times above 0, the shorter one first", name, s.Min, s.Max, s.Every)
	}
	return nil
}

// Handover is a periodic change of satellite.
type Handover struct {
	// Period is the time from one to the next; 0 means there are none. The
	// first comes at Offset.
	Period, Offset time.Duration
	// CV is the coefficient of variation of the level that a satellite brings
	// with it, a log-normal factor with mean 1.
	CV float64
	// GapMin and GapMax bound the outage at each, which is uniform.
	GapMin, GapMax time.Duration
	// DelaySpread is added to Delay, a uniform share of it for each satellite.
	DelaySpread time.Duration
	// Loss takes the place of the other for LossFor from the handover on.
	Loss    float64
	LossFor time.Duration
}

func (h Handover) check() error {
	if h == (Handover{}) {
		return nil
	}
	switch {
	case h.Period <= 0 || h.Period > MaxLength:
		return fmt.Errorf("handover: period: %v is out of range: write more than 0 and at most %v", h.Period, MaxLength)
	case h.Offset < 0 || h.Offset >= h.Period:
		return fmt.Errorf("handover: offset: %v is out of range: write 0 to less than the period", h.Offset)
	case h.GapMin < 0 || h.GapMax < h.GapMin || h.GapMax > h.Period/2 || h.LossFor < 0 || h.LossFor > h.Period:
		return fmt.Errorf("handover: gap or loss: a time is out of range: write at most half a period of gap and a period of loss")
	case !(h.Loss >= 0 && h.Loss <= 1):
		return fmt.Errorf("handover: loss: %v is out of range: write a probability from 0 to 1", h.Loss)
	case h.DelaySpread < 0 || h.DelaySpread > MaxDelay/2:
		return fmt.Errorf("handover: delay spread: %v is out of range: write 0 to %v", h.DelaySpread, MaxDelay/2)
	}
	return Variation{h.CV, time.Second}.check("handover")
}

// gapShare returns the part of time that lies in a handover's gap.
func (h Handover) gapShare() float64 {
	if h.Period == 0 {
		return 0
	}
	return float64(h.GapMin+h.GapMax) / 2 / float64(h.Period)
}

// Check returns an error about the first parameter that is out of its range.
func (g Radio) Check() error {
	switch {
	case g.Interval < 0 || g.Interval > MaxLength || g.Interval > 0 && g.Interval < time.Millisecond:
		return fmt.Errorf("interval: %v is out of range: write 1ms to %v", g.Interval, MaxLength)
	case g.Mean <= 0 || g.Mean > MaxRate:
		return fmt.Errorf("mean: %v is out of range: write more than 0 and at most %v", g.Mean, MaxRate)
	case g.Min < 0 || g.Min > g.Mean || g.Max < g.Mean || g.Max > MaxRate:
		return fmt.Errorf("min, max: %v to %v is out of range: write bounds around the mean", g.Min, g.Max)
	case !(g.Blocked >= 0 && g.Blocked <= 1):
		return fmt.Errorf("blocked: %v is out of range: write a ratio from 0 to 1", g.Blocked)
	case g.Delay < 0 || g.Delay > MaxDelay/2 || g.Jitter < 0 || g.Jitter > MaxDelay:
		return fmt.Errorf("delay, jitter: %v and %v are out of range: write 0 to %v", g.Delay, g.Jitter, MaxDelay/2)
	case !(g.Loss >= 0 && g.Loss <= 1):
		return fmt.Errorf("loss: %v is out of range: write a probability from 0 to 1", g.Loss)
	case g.Gaps.share()+g.Handover.gapShare() > 0.9:
		return fmt.Errorf("gaps: they take more than 90 %% of the time: write shorter or rarer ones")
	}
	for _, err := range []error{
		g.Slow.check("slow"), g.Fast.check("fast"), g.Gaps.check("gaps"), g.Blockages.check("blockages"), g.Handover.check(),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// CV returns the coefficient of variation over a long time, without the bounds.
func (g Radio) CV() float64 {
	up := g.up()
	b, f := g.Blockages.share(), float64(g.Blocked)
	first := 1 - b + float64(b*f)
	second := 1 - b + float64(b*float64(f*f))
	square := second / float64(first*first) / up
	for _, cv := range []float64{g.Slow.CV, g.Fast.CV, g.Handover.CV} {
		square = float64(square * (1 + float64(cv*cv)))
	}
	return math.Sqrt(square - 1)
}

// up returns the part of time outside gaps.
func (g Radio) up() float64 {
	return float64((1 - g.Gaps.share()) * (1 - g.Handover.gapShare()))
}

// Generate draws a repeating trace of the given length, rounded up to whole
// steps. The trace depends on the parameters, the length and the stream's state
// alone.
func (g Radio) Generate(length time.Duration, r *rng.Stream) (Trace, error) {
	if g.Interval == 0 {
		g.Interval = 100 * time.Millisecond
	}
	if err := g.Check(); err != nil {
		return Trace{}, err
	}
	if length <= 0 || length > MaxLength || length/g.Interval >= MaxSteps {
		return Trace{}, fmt.Errorf("length: %v is out of range: write more than 0 and less than %d steps of %v", length, MaxSteps, g.Interval)
	}
	return g.generate(int((length+g.Interval-1)/g.Interval), r), nil
}
