package runner

import (
	"slices"
	"time"

	"rtpfabric/ccontrol/coupled"
	"rtpfabric/ccontrol/multicast"
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/protect"
	"rtpfabric/scenarios"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// Config translates a checked scenario into a simulation's configuration. The
// error is about a file that the scenario names.
func Config(s *scenarios.Scenario) (topologies.Config, error) {
	c := topologies.Config{
		Seed: s.Seed, Type: s.Topology.Type,
		Protection: protect.Mode(s.Protection), SharedEncoders: s.Topology.Encoders == "shared",
		SFM:          topologies.SFMConfig{LastN: s.Topology.Shown(), NoLimits: !s.Topology.Limits, Pauses: s.Topology.PauseUnneeded, NoCSRC: !s.Topology.CSRC},
		Mixer:        topologies.MixerConfig{Loudest: s.Topology.Loudest, NoCSRC: !s.Topology.CSRC, NoLimits: !s.Topology.Limits, Speaker: s.Topology.Layout == "speaker", Bind: *s.Topology.Bind},
		Marking:      markings[s.Network.HonoursDSCP],
		PlayoutDelay: s.Playout.Delay, FixedAudio: s.Playout.Audio == "fixed", LipSync: s.Playout.LipSync,
		Congestion: topologies.Congestion{
			Control: control(&s.Congestion), ECN: codepoint(s.Congestion.ECN), Coupling: coupling(&s.Congestion),
			Make: standIn(s), Receivers: policies[s.Congestion.Receivers],
		},
	}
	if at := s.Topology.Relay; at != "" {
		c.Between = &topologies.RelayConfig{Name: scenarios.RelayName, At: at}
	}
	for _, r := range s.Topology.Restarts {
		c.Restarts = append(c.Restarts, topologies.Restart{At: simtime.At(r.At), For: r.For})
	}
	protection(s, &c)
	c.Breakers = breakers(s)
	var err error
	if c.Signalling, err = agreement(s); err != nil {
		return c, err
	}
	c.Gathering = gathering(s)
	for _, call := range s.Topology.Calls() {
		list, err := sessions(s, call)
		if err != nil {
			return c, err
		}
		if len(list) == 0 {
			continue // two of a mesh who only listen have nothing to do with each other
		}
		c.Calls = append(c.Calls, topologies.Call{A: call[0], B: call[1], Sessions: list})
	}
	if s.Topology.Grouped() {
		g, err := group(s)
		if err != nil {
			return c, err
		}
		c.Groups = []topologies.Group{g}
	}
	for _, e := range s.Endpoints {
		leaves := simtime.Time(0)
		bandwidth := topologies.Bandwidth{}
		if b := e.Bandwidth; b != nil {
			bandwidth = topologies.Bandwidth{AS: rateOf(b.AS), CT: rateOf(b.CT)}
		}
		if e.Leaves != nil {
			leaves = simtime.At(*e.Leaves)
		}
		flood := (*topologies.Flood)(nil)
		if f := e.Floods; f != nil {
			flood = &topologies.Flood{From: simtime.At(f.During.From), To: simtime.At(f.During.To), Every: f.Every}
		}
		own, offers := endCongestion(s, &e)
		c.Endpoints = append(c.Endpoints, topologies.Endpoint{
			Name: e.Name, At: e.At, ClockOffset: time.Duration(e.ClockOffset), ClockDrift: float64(e.ClockDrift), Weight: e.Priority, Legacy: e.Legacy(),
			Leaves: leaves, Floods: flood, CNAME: e.CNAME, Bandwidth: bandwidth, Asymmetric: !e.Symmetric,
			MaxSSRC: e.MaxSSRC, DecodeTop: e.DecodeTop, Insecure: e.Protection == "none", Interworking: e.Interworking,
			Control: own, Offers: offers, VideoType: uint8(e.VideoType), Stack: guestStack(&e), StackOptions: guestOptions(&e), Interceptors: interceptors(&e),
			Stubborn: slices.ContainsFunc(s.Media, func(m scenarios.Media) bool { return m.From == e.Name && m.Spoofs != "" }),
		})
	}
	for _, w := range s.Withheld() {
		c.SFM.Withheld = append(c.SFM.Withheld, topologies.Withheld(w))
	}
	if s.Topology.Forwarded() {
		for _, b := range s.Topology.Boxes() {
			c.Endpoints = append(c.Endpoints, topologies.Endpoint{Name: b.Name, At: b.At, Weight: 1, Forwards: true})
		}
	}
	for i := range s.Traffic {
		c.Traffic = append(c.Traffic, crossTraffic(&s.Traffic[i], s.Duration))
	}
	err = network(s, &c)
	return c, err
}

// guestStack returns the kind of guest that an endpoint is; empty if it is one of ours.
func guestStack(e *scenarios.Endpoint) string {
	if e.Hosted() {
		return e.Stack
	}
	return ""
}

func guestOptions(e *scenarios.Endpoint) map[string]string {
	if e.Stack != "pion" {
		return nil
	}
	return map[string]string{"profile": e.Pion.Profile, "pacer": e.Pion.Pacer, "dtls": e.Pion.DTLS, "turn": e.Pion.TURN}
}

// interceptors returns those of an endpoint.
func interceptors(e *scenarios.Endpoint) []topologies.Interceptor {
	var list []topologies.Interceptor
	for _, i := range e.Interceptors {
		out := topologies.Interceptor{Type: i.Type, Options: map[string]string{}}
		for _, o := range i.Options {
			out.Options[o.Name] = o.Value
		}
		list = append(list, out)
	}
	return list
}

func control(g *scenarios.Congestion) topologies.Control {
	return topologies.Control{
		Controller: g.Controller, Settings: g.Settings(),
		Feedback: endpoints.Feedback(g.Feedback), Pace: endpoints.FeedbackPace(g.Interval.Per), Interval: g.Interval.Every,
	}
}

// policies of senders with several receivers; one that has none believes in a single one.
var policies = map[string]multicast.Policy{"least": multicast.Least, "drop-worst": multicast.DropWorst}

// endCongestion returns what an endpoint has otherwise than the scenario.
func endCongestion(s *scenarios.Scenario, e *scenarios.Endpoint) (own *topologies.Control, offers []endpoints.Feedback) {
	if e.Congestion == nil {
		return nil, nil
	}
	g := s.CongestionOf(e.Name)
	c := control(&g)
	if e.Congestion.Offers != nil {
		offers = []endpoints.Feedback{}
	}
	for _, f := range e.Congestion.Offers {
		offers = append(offers, endpoints.Feedback(f))
	}
	return &c, offers
}

var algorithms = map[string]coupled.Algorithm{
	"active": coupled.Active, "conservative": coupled.Conservative, "passive": coupled.Passive,
}

var couplingGroups = map[string]topologies.CouplingGroups{
	"endpoint": topologies.GroupByEndpoint, "peer": topologies.GroupByPeer, "sbd": topologies.GroupByDelay,
}

func coupling(g *scenarios.Congestion) topologies.Coupling {
	a, on := algorithms[g.Coupled]
	return topologies.Coupling{On: on, Algorithm: a, Groups: couplingGroups[g.Groups]}
}

// rateOf is 0 if there is none.
func rateOf(r *units.BitRate) units.BitRate {
	if r == nil {
		return 0
	}
	return *r
}

var markings = map[string]endpoints.Marking{
	"true": endpoints.AlwaysMark, "false": endpoints.NeverMark, "unknown": endpoints.TestMarking,
}

func codepoint(ecn string) packet.ECN {
	switch ecn {
	case "ect0":
		return packet.ECT0
	case "ect1":
		return packet.ECT1
	}
	return packet.NotECT
}

var codecs = map[string]endpoints.Codec{
	"opus": endpoints.CodecOpus, "pcmu": endpoints.CodecPCMU, "pcma": endpoints.CodecPCMA, "dvi4": endpoints.CodecDVI4,
}

func speech(s *scenarios.Speech) *topologies.Speech {
	if s == nil {
		return nil
	}
	out := &topologies.Speech{Conversation: s.Activity == "conversation", DTX: s.DTX, VBR: s.VBR, FEC: s.FEC}
	if s.Tone != nil {
		out.Tone = *s.Tone
	}
	for _, t := range s.Talks {
		out.Talks = append(out.Talks, audio.Spurt{From: simtime.At(t.From), To: simtime.At(t.To)})
	}
	for _, d := range s.Digits {
		out.Digits = append(out.Digits, d.Presses())
	}
	names := s.Codecs()
	for _, name := range names {
		out.Codecs = append(out.Codecs, codecs[name])
	}
	for _, w := range s.Switches {
		out.Switches = append(out.Switches, endpoints.Switch{At: simtime.At(w.At), Voice: slices.Index(names, w.Codec)})
	}
	return out
}

var levels = map[string]endpoints.Level{
	"very-low": endpoints.VeryLowLevel, "low": endpoints.LowLevel,
	"medium": endpoints.MediumLevel, "high": endpoints.HighLevel,
}

func media(s *scenarios.Scenario, m *scenarios.Media) (topologies.Media, error) {
	duration := s.Duration
	out := topologies.Media{
		From: m.From, To: m.To, Name: m.Name, Kind: endpoints.Kind(m.Kind),
		Start: simtime.At(m.Start.From), Stop: simtime.At(m.Stops(duration)), PacketSize: m.PacketSize,
		Copy: m.Copy, Projected: m.Projected, Simulcast: m.Simulcast, RID: m.RID, MSID: m.MSID, DSCP: m.CodePoint(), Level: levels[m.Priority], ClockDrift: float64(m.ClockDrift),
	}
	if m.Bandwidth != nil {
		out.Bandwidth = m.Bandwidth.AS
	}
	if m.Stops(duration) == duration {
		out.Stop = simtime.Never
	}
	if f := m.FEC; f != nil && f.Type != "none" {
		out.FEC = topologies.FEC{Scheme: topologies.FECScheme(f.Type)}
		if m.Kind == "audio" {
			out.FEC.Level = *f.Level
		} else {
			out.FEC.Share = float64(*f.Overhead)
		}
	}
	for _, p := range m.Pauses {
		out.Pauses = append(out.Pauses, endpoints.Pause{From: simtime.At(p.From), To: simtime.At(p.To)})
	}
	for _, l := range m.Limits {
		limit := topologies.Limit{At: simtime.At(l.At)}
		if l.Rate != nil {
			limit.Rate = *l.Rate
		}
		out.Limits = append(out.Limits, limit)
	}
	for _, r := range m.TradeOffs {
		out.TradeOffs = append(out.TradeOffs, topologies.TradeOff{At: simtime.At(r.At), Index: uint8(r.Index)})
	}
	if m.Kind == "audio" {
		out.Rate, out.Frame = *m.Rate, *m.Frame
		out.Speech = speech(m.Speech)
		return out, nil
	}
	e := m.Encoder
	out.Perfect, out.Hybrid = e.Model == "perfect", e.Model == "hybrid"
	out.Width, out.Height = e.Resolution.Width, e.Resolution.Height
	out.Video = encoder.VideoConfig{
		Min: e.Min, Max: e.Max, Start: *e.Start, FPS: *e.FPS, Reaction: e.Reaction,
		BurstSize: e.BurstSize, BurstFrames: e.BurstFrames,
		ScaleInterval: e.ScaleInterval, ScaleSize: e.ScaleSize,
		Layers: e.Layers, KeyInterval: e.KeyInterval,
	}
	var err error
	out.Trace, err = s.ReadFrames(e)
	return out, err
}
