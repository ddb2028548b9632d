package endpoints

import (
	"time"

	"rtpfabric/endpoints/protect"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/sim/simtime"
)

// ProfileConfig is an end's RTP profile, as descriptions name it.
type ProfileConfig struct {
	// Secure is SRTP, Handshake that its keys come from DTLS; Feedback is RFC 4585.
	Secure, Handshake, Feedback bool
}

// String returns the protocol of a media description (RFC 8866 §5.14): RTP/AVP of
// RFC 3551, RTP/AVPF of RFC 4585, RTP/SAVP of RFC 3711, RTP/SAVPF of RFC 5124, and
// those with UDP/TLS before them of RFC 5764 §8.
func (p ProfileConfig) String() string {
	name := "RTP/"
	if p.Secure {
		if p.Handshake {
			name = "UDP/TLS/RTP/"
		}
		name += "S"
	}
	name += "AVP"
	if p.Feedback {
		name += "F"
	}
	return name
}

// Interoperates reports whether two ends understand each other: with AVPF on one side
// they do, with SRTP on one side they don't (RFC 8834 §10).
func (p ProfileConfig) Interoperates(o ProfileConfig) bool { return p.Secure == o.Secure }

// Profile returns this end's profile. Handshake says whether keys come from DTLS.
func (s *Session) Profile() ProfileConfig {
	return ProfileConfig{
		Secure: s.config.Protection != protect.None, Handshake: s.config.Handshake, Feedback: s.config.RTCP.AVPF,
	}
}

// peerTiming returns the least of the peer's reporting intervals: T_rr_interval with AVPF,
// otherwise Tmin, which is the session's, or 5 s if only the peer has AVP.
func (c *SessionConfig) peerTiming() (trr, tmin time.Duration) {
	feedback := c.RTCP.AVPF
	if c.PeerProfile != nil {
		feedback = c.PeerProfile.Feedback
	}
	switch {
	case feedback:
		return c.RTCP.TrrInterval, 0
	case c.RTCP.AVPF:
		return 0, rtcptiming.FixedMinimum
	}
	return 0, c.RTCP.Minimum
}

// refuse ends a session before it begins if the peer's profile doesn't go with this
// end's. Nothing is sent in it or taken from it.
func (s *Session) refuse(now simtime.Time) {
	if peer := s.config.PeerProfile; peer != nil && !s.Profile().Interoperates(*peer) {
		s.refused = true
		s.event(Event{Kind: ProfileRefused, At: now})
	}
}

// Refused reports whether the session was refused for the peer's profile.
func (s *Session) Refused() bool { return s.refused }

// PeerProfile returns what the peer's description names; RTP/AVP if it isn't known.
func (s *Session) PeerProfile() ProfileConfig {
	if s.config.PeerProfile == nil {
		return ProfileConfig{}
	}
	return *s.config.PeerProfile
}
