package runner

import (
	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/topologies"
)

// breakers translates the circuit breakers.
func breakers(s *scenarios.Scenario) topologies.Breakers {
	b := &s.Breakers
	out := topologies.Breakers{
		Config: endpoints.BreakerConfig{Mode: breakerModes[b.Mode], Settings: conditions(&b.Conditions), Restart: b.Restart},
		Frames: b.Frames,
	}
	if u := b.Conditions.Usability; u != nil && u.Judge != "sender" {
		out.Config.Leave = usability(u)
	}
	for i := range b.Watch {
		w := &b.Watch[i]
		out.Config.Watchers = append(out.Config.Watchers, endpoints.BreakerWatcher{Name: w.Name, Settings: conditions(&w.Conditions)})
	}
	if b.Group {
		out.Group = "all"
	}
	return out
}

var breakerModes = map[string]endpoints.BreakerMode{
	"enforce": endpoints.EnforceBreaker, "observe": endpoints.ObserveBreaker, "off": endpoints.NoBreaker,
}

func conditions(c *scenarios.Conditions) breaker.Settings {
	out := breaker.Settings{
		NoReportTimeout: !c.RTCPTimeout, NoMediaTimeout: !c.MediaTimeout, NoCongestion: c.Congestion == "off",
		Reduce: c.Congestion == "reduce", Factor: c.Factor, Recover: c.Recover, K: c.NonReporting, IgnoreECN: !c.ECN,
		Sustained: c.Sustained,
	}
	if c.Equation == "full" {
		out.Equation = breaker.Full
	}
	if u := c.Usability; u != nil && u.Judge != "receiver" {
		out.Usability = usability(u)
	}
	return out
}

func usability(u *scenarios.Usability) breaker.Usability {
	out := breaker.Usability{For: u.For}
	if u.Loss != nil {
		out.Loss = float64(*u.Loss)
	}
	if u.RTT != nil {
		out.RTT = *u.RTT
	}
	return out
}
