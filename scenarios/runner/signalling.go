package runner

import (
	"rtpfabric/endpoints/signalling/gateway"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/scenarios"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// agreement returns how a call is agreed on; nil if that has happened before the run.
func agreement(s *scenarios.Scenario) (*topologies.Signalling, error) {
	g := s.Signalling
	if g == nil {
		return nil, nil
	}
	resolution, err := glare.Parse(g.Resolution)
	if err != nil {
		return nil, err
	}
	c := &topologies.Signalling{
		At: g.At, Resolution: resolution, TieBreakerBits: g.Bits, Resolves: g.Resolves,
		Delivery: map[string]topologies.SignallingDelivery{}, Sends: map[string][]string{},
	}
	for _, d := range g.Peers {
		c.Delivery[d.Name] = topologies.SignallingDelivery{Poll: d.Poll, LongPoll: d.LongPoll, Phase: d.Phase}
		if d.Sends != nil {
			c.Sends[d.Name] = append([]string{}, *d.Sends...) // [] rather than nil
		}
	}
	for _, o := range g.Offers {
		offer := topologies.SignalledOffer{By: o.By, At: simtime.At(o.At)}
		if o.Sends != nil {
			offer.Sends = append([]string{}, *o.Sends...) // [] rather than nil
		}
		c.Offers = append(c.Offers, offer)
	}
	if g.By == "gateway" {
		policy, err := gateway.ParsePolicy(g.Gateway.Policy)
		if err != nil {
			return nil, err
		}
		c.Gateway = &gateway.Config{
			Policy: policy, NoOverride: !g.Gateway.Override, TieBreaker: g.Gateway.Values, Processing: g.Gateway.Processing,
		}
		c.UserAgent = sip.Config{TieBreaker: g.UserAgent.Values, HeedsRetryAfter: g.UserAgent.RetryAfter, Owner: g.UserAgent.Owner}
	}
	return c, nil
}
