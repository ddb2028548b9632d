package scenarios

import (
	"time"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// FlowName returns the name of the stream in records and expectations, such as
// S1/video.
func (m *Media) FlowName() string {
	name := m.Name
	if name == "" {
		name = m.Kind
	}
	return m.From + "/" + name
}

// SourceNames returns the names of the sources of RTCP at the two ends of the
// stream: S1/video, which sends it, and R1/video, which receives it.
func (m *Media) SourceNames() (sender, receiver string) {
	sender = m.FlowName()
	return sender, m.To + sender[len(m.From):]
}

// MaxRate returns the highest rate of the stream's payload: of video that of
// its encoder, of audio its constant rate.
func (m *Media) MaxRate() units.BitRate {
	switch {
	case m.Kind == "audio" && m.Rate != nil:
		return *m.Rate
	case m.Kind == "audio":
		return defaultAudioRate
	case m.Encoder != nil:
		return m.Encoder.Max
	}
	return defaultEncoder().Max
}

// Stops returns when the stream ends, which is at the latest the end of the
// run.
func (m *Media) Stops(duration time.Duration) time.Duration {
	if m.Stop == nil {
		return duration
	}
	return min(*m.Stop, duration)
}

// SessionBandwidth is the bandwidth whose fraction RTCP may use: what the
// scenario says, or the sum of the maximum rates of all media.
func (s *Scenario) SessionBandwidth() units.BitRate {
	if s.RTCP.Bandwidth != nil {
		return *s.RTCP.Bandwidth
	}
	var sum units.BitRate
	for i := range s.Media {
		sum += s.Media[i].MaxRate()
	}
	return sum
}

// Window returns the stretch of time that the expectation is about; the whole
// run if it doesn't say.
func (e *Expect) Window(duration time.Duration) Interval {
	if e.During == nil {
		return Interval{To: duration}
	}
	return *e.During
}

// Link returns the link of that name, or nil.
func (s *Scenario) Link(name string) *Link {
	for i := range s.Network.Links {
		if s.Network.Links[i].Name == name {
			return &s.Network.Links[i]
		}
	}
	return nil
}

// Endpoint returns the endpoint of that name, or nil.
func (s *Scenario) Endpoint(name string) *Endpoint {
	for i := range s.Endpoints {
		if s.Endpoints[i].Name == name {
			return &s.Endpoints[i]
		}
	}
	return nil
}

// Nodes returns the nodes of the network in the order in which links name
// them.
func (s *Scenario) Nodes() []string {
	var nodes []string
	seen := map[string]bool{}
	for _, l := range s.Network.Links {
		for _, n := range l.Between {
			if !seen[n] {
				seen[n] = true
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

func defaultEncoder() *VideoEncoder {
	e := &VideoEncoder{}
	strict.FillDefaults(e)
	return e
}
