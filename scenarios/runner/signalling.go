package runner

import (
	"rtpfabric/endpoints/peer"
	"rtpfabric/endpoints/signalling/forking"
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
		Delivery: map[string]topologies.SignallingDelivery{}, Sends: map[string][]string{}, Simulcast: map[string]int{},
	}
	for _, d := range g.Peers {
		c.Delivery[d.Name] = topologies.SignallingDelivery{Poll: d.Poll, LongPoll: d.LongPoll, Phase: d.Phase}
		c.Simulcast[d.Name] = d.Simulcast
		if d.Sends != nil {
			c.Sends[d.Name] = append([]string{}, *d.Sends...) // [] rather than nil
		}
	}
	for _, o := range g.Offers {
		offer := topologies.SignalledOffer{By: o.By, At: simtime.At(o.At), Restart: o.Restart}
		if o.Sends != nil {
			offer.Sends = append([]string{}, *o.Sends...) // [] rather than nil
		}
		c.Offers = append(c.Offers, offer)
	}
	if s.Topology.Forked() {
		c.Fork = fork(g.Fork)
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

// gathering returns how ends gather candidates; nil if those are known.
func gathering(s *scenarios.Scenario) *topologies.Gathering {
	i := s.ICE
	if i == nil {
		return nil
	}
	return &topologies.Gathering{At: i.At, Relays: i.TURN, Trickle: *i.Trickle, RelayOnly: i.Policy == "relay", Pool: i.Pool, NominateAfter: i.NominateAfter}
}

// fork returns how a call forks.
func fork(f *scenarios.Fork) *topologies.Forking {
	c := &topologies.Forking{
		Warmth: warmths[f.WarmUp], Limit: f.Limit, CodecStart: f.CodecStart, Choice: choices[f.Choose], Prefers: f.Prefers, Decides: f.Decides, Closes: f.Closes,
		Rings: f.Rings, AcceptedOnly: f.Answers == "accepted", KeepRinging: f.KeepRinging,
		Pool: peer.Resources{Encoders: f.Encoders, Decoders: f.Decoders}, EarlyClones: f.Clones == "early", Devices: map[string]topologies.ForkedDevice{},
	}
	for i := range f.Keys {
		k := &f.Keys[i]
		c.Keys = append(c.Keys, topologies.ForkedKeys{To: k.To, Digits: k.Presses()})
	}
	for i := range f.Devices {
		d := &f.Devices[i]
		device := topologies.ForkedDevice{AcceptsOn: d.AcceptsOn, Silent: !d.Answers, Processing: d.Processing, Early: d.Early}
		if d.Accepts != nil {
			device.Accepts = d.Accepts.From
		}
		if d.Declines != nil {
			device.Declines = d.Declines.From
		}
		for _, r := range d.Replaces {
			device.Replaces = append(device.Replaces, topologies.Replacement(r))
		}
		c.Devices[d.Name] = device
	}
	return c
}

var warmths = map[string]topologies.Warmth{
	"none": topologies.Cold, "ice": topologies.Connected, "dtls": topologies.Keyed, "media": topologies.CodecsRunning,
}

var choices = map[string]forking.Choice{"first": forking.First, "last": forking.Last, "best": forking.Best}
