package runner

import (
	"fmt"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/trace"
	"rtpfabric/sim/trace/replay"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// capacity makes a direction's rate vary.
func capacity(s *scenarios.Scenario, c *scenarios.Capacity, out *topologies.Direction) error {
	switch c.Type {
	case "mahimahi":
		f, err := s.ReadTrace(c)
		if err != nil {
			return err
		}
		out.Rate = f.Opportunities.MeanRate()
		out.Medium = func(env *topologies.Env) fabric.Medium { return replay.NewMedium(env.Loop, *f.Opportunities, true) }
		return nil
	case "opennetlab":
		f, err := s.ReadTrace(c)
		if err != nil {
			return err
		}
		follow(out, func(*rng.Stream) (trace.Trace, error) { return *f.Trace, nil })
	default:
		build, err := generator(c, s.Duration)
		if err != nil {
			return err
		}
		if _, err := build(rng.New(s.Seed).Stream("check")); err != nil {
			return err
		}
		follow(out, build)
	}
	return nil
}

// generator returns what makes the steps of a pattern or a random course.
func generator(c *scenarios.Capacity, length time.Duration) (func(*rng.Stream) (trace.Trace, error), error) {
	switch c.Type {
	case "random-walk":
		w := trace.Walk{
			Mean: *c.Mean, Min: *c.Low, Max: *c.High,
			Variation: trace.Variation{CV: 0.3, Coherence: 5 * time.Second},
		}
		return func(r *rng.Stream) (trace.Trace, error) { return w.Generate(length, r) }, nil
	case "lte", "5g", "wifi", "leo", "geo":
		g, err := trace.Preset(c.Type)
		if err != nil {
			return nil, err
		}
		if c.Mean != nil {
			scale := float64(*c.Mean) / float64(g.Mean)
			g.Mean, g.Min, g.Max = *c.Mean, times(g.Min, scale), times(g.Max, scale)
		}
		return func(r *rng.Stream) (trace.Trace, error) { return g.Generate(length, r) }, nil
	}
	shape, err := trace.ParseShape(c.Type)
	if err != nil {
		return nil, err
	}
	p := trace.Pattern{Shape: shape, Period: *c.Period, Low: units.Ratio(float64(*c.Low) / float64(*c.High)), High: 1}
	t, err := p.Trace(*c.High)
	return func(*rng.Stream) (trace.Trace, error) { return t, err }, err
}

func times(r units.BitRate, scale float64) units.BitRate { return units.BitRate(float64(r) * scale) }

// follow lets the link follow a trace.
func follow(out *topologies.Direction, build func(*rng.Stream) (trace.Trace, error)) {
	if out.Rate == fabric.Unlimited {
		out.Rate = 0
	}
	out.Follow = func(env *topologies.Env) func() (fabric.Change, bool) {
		t, err := build(env.Stream("capacity"))
		if err != nil {
			panic(fmt.Sprintf("runner: capacity of %s: %v", env.Name, err)) // checked when the scenario was read
		}
		steps := t.Iterate()
		return func() (fabric.Change, bool) {
			s, more := steps.Next()
			return fabric.Change{At: simtime.At(s.At), Rate: s.Rate, Delay: s.Delay, Loss: s.Loss, Jitter: s.Jitter}, more
		}
	}
}
