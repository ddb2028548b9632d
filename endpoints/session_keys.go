package endpoints

import (
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/nack"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// enter joins the RTP session as soon as there are keys. RTCP waits for its own.
func (s *Session) enter(now simtime.Time) error {
	if s.config.Carried {
		return nil // CarrierReady does
	}
	if !s.entered || s.moved {
		p, ready, err := s.protect(s.config.Keying)
		if err != nil || !ready {
			return err
		}
		s.protector = p
		s.ownKeys, _ = p.(*protect.Group)
		if s.config.RTCPKeying == nil {
			s.control = p
		}
		if s.moved = false; s.entered {
			s.event(Event{Kind: SessionEntered, At: now})
			s.runRTCP(now) // what has waited
			return nil
		}
		s.entered = true
		s.join(now)
	}
	if s.control != nil {
		return nil
	}
	p, ready, err := s.protect(s.config.RTCPKeying)
	if err != nil || !ready {
		return err
	}
	s.control = p
	return nil
}

// Move gives the session other addresses, and lets it wait for the keys that its keying step, which begins anew, agrees on
// there (RFC 8829 §5.11: another ice-ufrag restarts connectivity checks, RFC 8842 §4: another transport makes another
// association). Who takes part and what was sent stay as they are; what waits in the pacer is dropped. Until there are
// keys media have to be held, and RTCP waits by itself. RTCP shares the port, and the endpoint isn't an independent one.
func (s *Session) Move(now simtime.Time, local, remote packet.Addr) {
	if s.gone() {
		return
	}
	s.touch()
	if profile, keys, ok := s.Secrets(0); ok {
		s.former = append(s.former, Former{Flow: s.Flows()[0], Profile: profile, Keys: keys, KeyLog: keyLog(s.config.Keying)})
	}
	s.config.Local, s.config.Remote = local, remote
	s.control, s.moved = nil, s.entered
	s.discard(nil)
	s.table.Moved()
}

// Former is what a session had before it moved.
type Former struct {
	Flow    [2]packet.Addr // from this end to the other
	Profile keying.Profile
	Keys    keying.Keys
	KeyLog  string
}

// Former returns what opens a capture of what the session sent and got before it moved.
func (s *Session) Former() []Former { return s.former }

func keyLog(step keying.Step) string {
	if k, ok := step.(keying.KeyLogger); ok {
		return k.KeyLog()
	}
	return ""
}

// protect returns what a keying step has the keys for; false as long as it has none.
func (s *Session) protect(step keying.Step) (protect.Protector, bool, error) {
	return protect.NewWith(protect.Config{
		Mode: s.config.Protection, Profile: s.config.Profile,
		EncryptedExtensions: s.extensions.Encrypted(), Cryptex: s.config.Cryptex,
	}, step)
}

// followGroup takes to a new key, if the group has one, before something is protected.
func (s *Session) followGroup(now simtime.Time) {
	if s.ownKeys != nil && s.ownKeys.Follow(now) {
		s.event(Event{Kind: KeyRenewed, At: now})
	}
}

// planTelling returns by how much a packet of media gets larger as it tells this end's key: those
// of key frames may, as who joins asks for one, and those of all else (RFC 8870 §4.6).
func (s *Session) planTelling(now simtime.Time, st *Stream, importance nack.Importance) units.Bytes {
	if s.ownKeys == nil {
		return 0
	}
	s.followGroup(now)
	video := st.section.config.Kind == Video && st == st.section.main
	return s.ownKeys.Plan(now, st.ssrc, !video || importance == nack.Key)
}

// pollKeying sends what key management has to say.
func (s *Session) pollKeying(now simtime.Time) {
	s.pollStep(now, s.config.Keying, s.config.Local, s.config.Remote)
	if k := s.config.RTCPKeying; k != nil {
		s.pollStep(now, k, s.config.RTCPLocal, s.config.RTCPRemote)
	}
}

// HandleKeying does what key management has to do that has something to say without having been asked: one
// that lives by itself, as those of other stacks do.
func (s *Session) HandleKeying(now simtime.Time) {
	if s.gone() {
		return
	}
	s.touch()
	s.advanceKeying(now)
}

// advanceKeying sends what key management has to say, and joins the session when there are keys.
func (s *Session) advanceKeying(now simtime.Time) {
	s.pollKeying(now)
	if s.control == nil {
		_ = s.enter(now)
		if s.config.RTCPKeying != nil && s.entered {
			s.runRTCP(now) // what has waited for the keys
		}
	}
}

// pollStep sends what one flow's has to say.
func (s *Session) pollStep(now simtime.Time, step keying.Step, src, dst packet.Addr) {
	keying.Send(now, step, s.endpoint.config.Pool, &s.out, src, dst)
	if s.router != nil {
		s.pollRouter(now)
	}
	if f, ok := step.(keying.Failer); ok && !s.failed && f.Err() != nil {
		s.failed = true
		s.event(Event{Kind: KeyingFailed, At: now})
	}
	if c, ok := step.(keying.Closer); ok && s.entered && !s.leaving && c.Closed() {
		s.event(Event{Kind: PeerClosed, At: now})
		if m, ok := step.(keying.Muter); ok {
			s.muted = m.Muted()
		}
		s.Leave(now) // nobody takes anything any more
	}
}

// keyingOf returns the key management of the flow that a packet came by.
func (s *Session) keyingOf(p *packet.Packet) keying.Step {
	if k := s.config.RTCPKeying; k != nil && p.Dst == s.config.RTCPLocal {
		return k
	}
	return s.config.Keying
}

// Keying returns the key management of the session's flows, in the order of
// [Session.Flows]; it may have more to tell. There is one if both have the same keys.
func (s *Session) Keying() []keying.Step {
	if s.config.RTCPKeying == nil {
		return []keying.Step{s.config.Keying}
	}
	return []keying.Step{s.config.Keying, s.config.RTCPKeying}
}

// Secrets returns the profile and the keys that open a capture of one of the session's
// flows, by its place in [Session.Flows]; false if nothing is encrypted, or there are no
// keys yet.
func (s *Session) Secrets(flow int) (keying.Profile, keying.Keys, bool) {
	if s.config.Protection != protect.Full || s.refused {
		return 0, keying.Keys{}, false
	}
	steps := s.Keying()
	step := steps[min(flow, len(steps)-1)]
	profile, ok := protect.ProfileOf(s.config.Profile, step)
	if !ok {
		return 0, keying.Keys{}, false
	}
	keys, ok := step.Keys(profile.KeyLen(), profile.SaltLen())
	return profile, keys, ok
}
