package runner

import (
	"fmt"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/aqm"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// network translates the scenario's network.
func network(s *scenarios.Scenario, c *topologies.Config) error {
	channels, err := newChannels(s)
	if err != nil {
		return err
	}
	for i := range s.Network.Links {
		l := &s.Network.Links[i]
		out := topologies.Link{Name: l.Name, From: l.Between[0], To: l.Between[1]}
		forward, backward := l.Resolve()
		if out.Forward, err = direction(s, forward, channels); err != nil {
			return fmt.Errorf("link %s forward: %w", l.Name, err)
		}
		if out.Backward, err = direction(s, backward, channels); err != nil {
			return fmt.Errorf("link %s backward: %w", l.Name, err)
		}
		for _, ch := range l.Schedule {
			f, b := ch.Forward, ch.Backward
			if f != (scenarios.ChangeTo{}) {
				out.Forward.Schedule = append(out.Forward.Schedule, change(ch.At, f))
			}
			if b != (scenarios.ChangeTo{}) {
				out.Backward.Schedule = append(out.Backward.Schedule, change(ch.At, b))
			}
		}
		c.Links = append(c.Links, out)
	}
	for i := range s.Network.Nodes {
		c.Nodes = append(c.Nodes, node(c, &s.Network.Nodes[i], i))
	}
	return nil
}

func direction(s *scenarios.Scenario, d scenarios.Direction, channels map[string]*channel) (topologies.Direction, error) {
	out := topologies.Direction{Rate: fabric.Unlimited, Delay: *d.Delay, Loss: float64(*d.Loss)}
	if d.Rate != nil {
		out.Rate = *d.Rate
	}
	if d.Cost != nil {
		out.Cost = *d.Cost
	}
	for i := range d.Impairments {
		impairment(&d.Impairments[i], &out)
	}
	if j := d.Jitter; j != nil {
		out.Jitter = &topologies.Jitter{Mean: *j.Mean, Std: j.Std, Bound: j.Bound, NoReorder: j.Model == "nr-bpdv"}
	}
	if d.Queue != nil {
		build, err := queue(d.Queue)
		if err != nil {
			return out, err
		}
		out.Queue = build
	}
	switch {
	case d.Channel != "":
		ch := channels[d.Channel]
		out.Medium, out.Rate = ch.medium, ch.nominal
		if ch.classes && out.Queue != nil {
			out.Queue = ch.classQueue(out.Queue)
		}
	case d.Shaper != nil:
		out.Medium = shaper(*d.Rate, d.Shaper)
	case d.Capacity != nil:
		if err := capacity(s, d.Capacity, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func change(at time.Duration, c scenarios.ChangeTo) fabric.Change {
	out := fabric.Change{At: simtime.At(at), Rate: c.Rate, Delay: c.Delay, Up: c.Up, Cost: c.Cost}
	if c.Loss != nil {
		loss := float64(*c.Loss)
		out.Loss = &loss
	}
	return out
}

func shaper(rate units.BitRate, s *scenarios.Shaper) func(*topologies.Env) fabric.Medium {
	c := aqm.ShaperConfig{Rate: rate, Burst: s.Burst}
	if s.PeakRate != nil {
		c.PeakRate = *s.PeakRate
	}
	return func(env *topologies.Env) fabric.Medium {
		return aqm.NewShaper(c, func(fire func(simtime.Time)) aqm.Timer {
			return env.Loop.NewTimer(engine.HandlerFunc(fire))
		})
	}
}
