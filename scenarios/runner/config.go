package runner

import (
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// Config translates a checked scenario into a simulation's configuration.
func Config(s *scenarios.Scenario) topologies.Config {
	c := topologies.Config{
		Seed: s.Seed, Type: s.Topology.Type, Peers: s.Topology.Peers,
		Protection:   protect.Mode(s.Protection),
		PlayoutDelay: s.Playout.Delay,
		Congestion: topologies.Congestion{
			Controller: s.Congestion.Controller, Settings: map[string]string{},
			Feedback: endpoints.Feedback(s.Congestion.Feedback), Interval: s.Congestion.Interval,
		},
		RTCP: rtcp(s),
	}
	for _, p := range s.Congestion.Parameters {
		c.Congestion.Settings[p.Name] = p.Value
	}
	for i := range s.Network.Links {
		c.Links = append(c.Links, link(&s.Network.Links[i]))
	}
	for _, e := range s.Endpoints {
		c.Endpoints = append(c.Endpoints, topologies.Endpoint{
			Name: e.Name, At: e.At, ClockOffset: time.Duration(e.ClockOffset),
		})
	}
	for i := range s.Media {
		c.Media = append(c.Media, media(&s.Media[i], s.Duration))
	}
	return c
}

func rtcp(s *scenarios.Scenario) endpoints.RTCPConfig {
	session := s.SessionBandwidth()
	minimum := rtcptiming.FixedMinimum
	if s.RTCP.Minimum == "reduced" {
		minimum = rtcptiming.ReducedMinimum(session)
	}
	return endpoints.RTCPConfig{
		AVPF:        s.RTCP.Profile == "avpf",
		Bandwidth:   units.BitRate(float64(session) * float64(s.RTCP.Fraction)),
		TrrInterval: s.RTCP.TrrInterval,
		Minimum:     minimum,
		ReducedSize: s.RTCP.ReducedSize && s.RTCP.Profile == "avpf",
		Aggregate:   s.RTCP.Aggregate,
		PadTo:       s.RTCP.PadTo,
	}
}

func link(l *scenarios.Link) topologies.Link {
	forward, backward := l.Resolve()
	out := topologies.Link{
		Name: l.Name, From: l.Between[0], To: l.Between[1],
		Forward: direction(forward), Backward: direction(backward),
	}
	for _, c := range l.Schedule {
		f, b := c.Forward, c.Backward
		if f != (scenarios.ChangeTo{}) {
			out.Forward.Schedule = append(out.Forward.Schedule, change(c.At, f))
		}
		if b != (scenarios.ChangeTo{}) {
			out.Backward.Schedule = append(out.Backward.Schedule, change(c.At, b))
		}
	}
	return out
}

func direction(d scenarios.Direction) topologies.Direction {
	out := topologies.Direction{Rate: fabric.Unlimited, Delay: *d.Delay, Loss: float64(*d.Loss)}
	if d.Rate != nil {
		out.Rate = *d.Rate
	}
	if q := d.Queue; q != nil {
		out.Queue = fabric.Limit{Time: q.Length.Time, Bytes: q.Length.Bytes, Packets: q.Length.Packets}
	}
	if j := d.Jitter; j != nil {
		out.Jitter = &topologies.Jitter{Mean: *j.Mean, Std: j.Std, Bound: j.Bound, NoReorder: j.Model == "nr-bpdv"}
	}
	return out
}

func change(at time.Duration, c scenarios.ChangeTo) fabric.Change {
	out := fabric.Change{At: simtime.At(at), Rate: c.Rate, Delay: c.Delay}
	if c.Loss != nil {
		loss := float64(*c.Loss)
		out.Loss = &loss
	}
	return out
}

func media(m *scenarios.Media, duration time.Duration) topologies.Media {
	out := topologies.Media{
		From: m.From, To: m.To, Name: m.Name, Kind: endpoints.Kind(m.Kind),
		Start: simtime.At(m.Start), Stop: simtime.At(m.Stops(duration)), PacketSize: m.PacketSize,
	}
	if m.Stops(duration) == duration {
		out.Stop = simtime.Never
	}
	if m.Kind == "audio" {
		out.Rate, out.Frame = *m.Rate, *m.Frame
		return out
	}
	e := m.Encoder
	out.Perfect = e.Model == "perfect"
	out.Video = encoder.VideoConfig{
		Min: e.Min, Max: e.Max, Start: *e.Start, FPS: e.FPS, Reaction: e.Reaction,
		BurstSize: e.BurstSize, BurstFrames: e.BurstFrames,
		ScaleInterval: e.ScaleInterval, ScaleSize: e.ScaleSize,
	}
	return out
}
