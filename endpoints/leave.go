package endpoints

import "rtpfabric/sim/simtime"

// Leave ends the endpoint's part in all its sessions. Streams stop; when what is in
// the pacer has left, every SSRC says BYE, in a large group after the time that
// RFC 3550 §6.3.7 demands. Then the endpoint is deaf and silent.
func (e *Endpoint) Leave(now simtime.Time) {
	for _, s := range e.sessions {
		s.Leave(now)
	}
}

// Leave ends this end's part in the session, as [Endpoint.Leave] does in all.
func (s *Session) Leave(now simtime.Time) {
	s.touch()
	s.leaving, s.parting = true, true
	for _, m := range s.sections {
		m.stopped = true
	}
	if s.entered {
		s.applyTarget(now)
		s.pump(now)
	}
}

// PeerLeft reports whether all other members have left, and not just haven't come yet.
func (s *Session) PeerLeft() bool {
	return s.farewell && s.timing.Members() <= s.present
}

// gone reports whether this end has left, with all its SSRCs.
func (s *Session) gone() bool {
	return s.refused || s.leaving && s.present == 0
}
