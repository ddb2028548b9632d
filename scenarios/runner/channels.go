package runner

import (
	"fmt"

	"rtpfabric/scenarios"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
	"rtpfabric/sim/wireless/wifi"
	"rtpfabric/topologies"
)

// channel makes the medium of every link that uses a shared channel: one for
// each simulation.
type channel struct {
	name string
	// nominal is a rate that informs queues limited in time.
	nominal units.BitRate
	// classes says that queues sort packets into access categories.
	classes bool
	build   func(*topologies.Env) (fabric.Medium, error)
	made    map[*fabric.Fabric]fabric.Medium
}

func newChannels(s *scenarios.Scenario) (map[string]*channel, error) {
	list := map[string]*channel{}
	for i := range s.Network.Channels {
		c := &s.Network.Channels[i]
		ch := &channel{name: c.Name, made: map[*fabric.Fabric]fabric.Medium{}}
		var err error
		switch c.Type {
		case "wifi":
			err = ch.wifi(c)
		case "cell":
			err = ch.cell(s, c)
		}
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", c.Name, err)
		}
		list[c.Name] = ch
	}
	return list, nil
}

// medium returns the channel of the simulation that a link belongs to.
func (ch *channel) medium(env *topologies.Env) fabric.Medium {
	if m := ch.made[env.Fabric]; m != nil {
		return m
	}
	m, err := ch.build(env)
	if err != nil {
		panic(fmt.Sprintf("runner: channel %s: %v", ch.name, err)) // checked before
	}
	ch.made[env.Fabric] = m
	return m
}

// classQueue puts a queue into each access category.
func (*channel) classQueue(build func(*topologies.Env) fabric.Queue) func(*topologies.Env) fabric.Queue {
	return func(env *topologies.Env) fabric.Queue {
		n := 0
		return wifi.NewClassQueue(func() fabric.Queue {
			part := *env
			n++
			part.Name += "/" + numbered("category", n)
			return build(&part)
		})
	}
}

func (ch *channel) wifi(c *scenarios.Channel) error {
	standard := wifi.N
	if c.PHY != "" {
		standard = wifi.Standard(c.PHY)
	}
	w := wifi.Defaults(standard)
	if c.Mode != "" {
		w.Station.Mode = c.Mode
	}
	if c.FrameErrors != nil {
		w.Station.PER = float64(*c.FrameErrors)
	}
	if c.Aggregation != nil {
		w.Aggregation.MaxFrames = *c.Aggregation
	}
	set(&w.WMM, c.WMM)
	ch.classes = w.WMM
	for _, m := range standard.Modes(w.ShortGI, w.ShortPreamble) {
		if m.Name == w.Station.Mode {
			ch.nominal = m.Rate
		}
	}
	stations := map[string]wifi.StationConfig{}
	for _, s := range c.Stations {
		st := w.Station
		if s.Mode != "" {
			st.Mode = s.Mode
		}
		set(&st.Distance, s.Distance)
		if s.FrameErrors != nil {
			st.PER = float64(*s.FrameErrors)
		}
		stations[s.Name] = st
	}
	ch.build = func(env *topologies.Env) (fabric.Medium, error) {
		m, err := wifi.NewChannel(env.Loop, env.Random.Stream("channel/"+ch.name), w)
		if err != nil {
			return nil, err
		}
		for _, s := range c.Stations {
			if err := m.SetStation(s.Name, stations[s.Name]); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	_, err := ch.build(checkEnv())
	return err
}

// checkEnv is an environment to try whether something can be made.
func checkEnv() *topologies.Env {
	loop := &engine.Loop{}
	random := rng.New(1)
	return &topologies.Env{Loop: loop, Fabric: fabric.New(loop, random), Random: random, Name: "check"}
}
