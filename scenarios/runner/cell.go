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
	downlink := cellular.Case1()
	if c.Coverage == "case-3" {
		downlink = cellular.Case3()
	}
	config.Deployment = downlink
	if c.Direction == "uplink" {
		config.Deployment = downlink.ForUplink()
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
			if err := m.SetUser(u.link, place(config, downlink, env.Random, u)); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	_, err := ch.build(checkEnv())
	return err
}

// cellUser is a direction of a link that uses a cell, and what its place is drawn
// by: the name of the link.
type cellUser struct{ link, place string }

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

// cellEdge is the downlink's mean SNR below which a neighbouring cell would serve
// a user: about the worst that users of a macro network have.
const cellEdge = -5.0 // dB

// place draws where a user is: again if another cell would serve it. Both
// directions of its link are in one place.
func place(c cellular.Config, downlink cellular.Deployment, random *rng.Source, u cellUser) cellular.UserConfig {
	user := c.User
	r := random.Stream(fmt.Sprintf("cell/place/%s", u.place))
	const attempts = 1000 // more than half of all succeed
	for range attempts {
		user.Distance, user.Shadowing = downlink.Drop(r)
		if downlink.SNR(user.Distance, c.Bandwidth, user.Shadowing) >= cellEdge {
			break
		}
	}
	return user
}
