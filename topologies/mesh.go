package topologies

import (
	"rtpfabric/endpoints"
	"rtpfabric/endpoints/encoder"
)

// Mesh is Topo-Mesh with an RTP session for each pair of endpoints (RFC 7667 §3.4, figure
// 9; figures 6 to 8 of draft-ietf-rtcweb-rtp-usage of July 2012): all calls are as of
// [PointToPoint], and nobody learns how others hear each other.
const Mesh = "mesh"

// sectionName is how a section at one end is called: in a mesh it says who the other is,
// as there are several of the same name.
func sectionName(m *Media, peer string) string {
	if m.Copy || m.Projected {
		return m.Name + ">" + peer
	}
	return m.Name
}

// encoder returns what makes the frames of a stream: an encoder of its own, or one that
// it shares with the sender's streams of the same source to others, or of the same picture. Encodings that are described
// as such never share one: that they are to differ is explicit (003 §12.8).
func (s *Simulation) encoder(m *Media, model endpoints.StreamModel) encoder.Encoder {
	if s.forwards(m.From) {
		return &endpoints.Passage{}
	}
	of := m.source()
	if m.Simulcast != "" {
		of = m.From + "/" + m.Simulcast
	}
	if !s.config.SharedEncoders || !m.Copy && m.Simulcast == "" || m.RID != "" || m.Kind != endpoints.Video {
		return s.newEncoder(m, model)
	}
	shared := s.shared[of]
	if shared == nil {
		shared = encoder.NewShared(s.newEncoder(m, model))
		s.shared[of] = shared
	}
	return shared.Tap()
}
