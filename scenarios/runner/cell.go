package runner

import (
	"fmt"

	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
	"rtpfabric/sim/wireless/cellular"
	"rtpfabric/topologies"
)

// cell makes one direction of a cell. Every link that uses it is a user, whose
// place in the cell is drawn.
func (ch *channel) cell(s *scenarios.Scenario, c *scenarios.Channel) error {
	config := cellular.Defaults()
	if c.Direction == "uplink" {
		config = cellular.DefaultsUplink()
	}
	config.Name = c.Name
	if c.Scheduler != "" {
		config.Scheduler = cellular.Scheduler(c.Scheduler)
	}
	if c.Bandwidth != nil {
		config.Bandwidth = float64(*c.Bandwidth)
	}
	if c.Coverage == "case-3" {
		config.Deployment = cellular.Case3()
		if c.Direction == "uplink" {
			config.Deployment = config.Deployment.ForUplink()
		}
	}
	set(&config.User.Speed, c.Speed)
	for _, h := range c.Handovers {
		config.User.Handovers = append(config.User.Handovers, cellular.Handover{At: h.From, Gap: h.To - h.From})
	}
	users := cellUsers(s, c.Name)
	// Queues limited in time need a rate: an equal share of a good channel.
	ch.nominal = max(config.Shannon.Rate(100, config.Bandwidth)/units.BitRate(max(len(users), 1)), 1)
	ch.build = func(env *topologies.Env) (fabric.Medium, error) {
		m, err := cellular.NewCell(env.Loop, env.Random, config)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if err := m.SetUser(u.link, place(config, env.Random, u)); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	_, err := ch.build(checkEnv())
	return err
}

// cellUser is a direction of a link that uses a cell, and the node that moves.
type cellUser struct{ link, node string }

func cellUsers(s *scenarios.Scenario, channel string) []cellUser {
	var users []cellUser
	for i := range s.Network.Links {
		l := &s.Network.Links[i]
		if l.Forward.Channel == channel {
			users = append(users, cellUser{l.Name + "/forward", l.Name})
		}
		if l.Backward.Channel == channel {
			users = append(users, cellUser{l.Name + "/backward", l.Name})
		}
	}
	return users
}

// place draws where a user is; both directions of its link are in one place.
func place(c cellular.Config, random *rng.Source, u cellUser) cellular.UserConfig {
	user := c.User
	user.Distance, user.Shadowing = c.Deployment.Drop(random.Stream(fmt.Sprintf("cell/place/%s", u.node)))
	return user
}
