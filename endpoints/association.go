package endpoints

import (
	"bytes"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/headerext"
)

// route says which media section an SSRC of the peer belongs to.
type route struct {
	ssrc    uint32
	section *Section
}

// associate finds the media section of a packet: by its MID, then by what is known
// of its SSRC, then by a payload type that only one section has (RFC 9143 §9.2).
// It returns nil if the payload isn't to be decoded. The packet then still counts
// as received.
func (s *Session) associate(h *rtp.Header, src *source, fresh bool) *Section {
	if mid, ok := headerext.ReadMID(s.scratch.elements.Data(headerext.MID)); ok && fresh {
		m := s.sectionByMID(mid)
		if m != nil && m.config.Source != "" {
			var sure bool
			if m, sure = s.encodingOf(h, m); !sure {
				return nil
			}
		}
		s.route(h.SSRC, m)
		if m == nil {
			return nil
		}
	}
	if src != nil {
		if r := &src.routed; r.section != nil && r.at == s.routing && r.payloadType == h.PayloadType {
			return r.section
		}
	}
	for i := range s.routes {
		if r := &s.routes[i]; r.ssrc == h.SSRC {
			if r.section == nil {
				return nil
			}
			if f, _ := r.section.format(h.PayloadType); f == nil {
				return nil // an SSRC keeps to its section's formats (RFC 8860 §5.3)
			}
			if src != nil {
				src.routed = routed{r.section, s.routing, h.PayloadType}
			}
			return r.section
		}
	}
	m := s.sectionByPayloadType(h.PayloadType)
	if m != nil && m.config.Source != "" {
		m, _ = s.encodingOf(h, m)
	}
	if m != nil {
		s.route(h.SSRC, m)
	}
	return m
}

// route notes where an SSRC belongs. The latest word counts.
func (s *Session) route(ssrc uint32, m *Section) {
	for i := range s.routes {
		if r := &s.routes[i]; r.ssrc == ssrc {
			if r.section != m {
				r.section = m
				s.rerouted()
			}
			return
		}
	}
	s.routes = append(s.routes, route{ssrc, m})
	s.rerouted()
}

// rerouted notes that an SSRC belongs elsewhere than before.
func (s *Session) rerouted() {
	s.routing++
	s.stir()
}

// Expect says which SSRC the other end has described for what it sends in the section, and which ones it had there before
// (RFC 5576 §6.2): packets with it belong here from the first one on, and those before aren't waited for any more.
func (m *Section) Expect(ssrc uint32, previous ...uint32) {
	for _, before := range previous {
		m.session.forget(before)
	}
	m.session.route(ssrc, m)
}

// forget removes what is known of an SSRC.
func (s *Session) forget(ssrc uint32) {
	for i := range s.routes {
		if s.routes[i].ssrc == ssrc {
			s.routes = append(s.routes[:i], s.routes[i+1:]...)
			s.rerouted()
			return
		}
	}
}

func (s *Session) sectionByMID(mid []byte) *Section {
	for _, m := range s.sections {
		if bytes.Equal(mid, []byte(m.mid)) {
			return m
		}
	}
	return nil
}

// sectionByPayloadType returns the only media section that has a payload type, or the first encoding in it.
func (s *Session) sectionByPayloadType(pt uint8) *Section {
	var found *Section
	for _, m := range s.sections {
		if f, _ := m.format(pt); f != nil {
			if found != nil && found.medium != m.medium {
				return nil
			}
			if found == nil {
				found = m
			}
		}
	}
	return found
}
