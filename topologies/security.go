package topologies

import (
	"fmt"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/keying/ekt"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// profile returns the protection profile of all sessions.
func (s *Simulation) profile() keying.Profile {
	if p := s.config.Security.Profile; p != 0 {
		return p
	}
	return keying.AES128CMSHA180
}

// secure gives an end its keys, or a handshake that gets them. Whoever answered the
// call begins it (RFC 8842 §5.3); the other end opens the way for that.
func (s *Simulation) secure(sc *endpoints.SessionConfig, call *Call, self, peer string) error {
	suffix := suffixOf(sc.Name)
	if !s.handshakes(s.like(self, peer)) {
		sc.Profile = s.profile()
		sc.Keying = keying.NewPreshared(s.random, self+suffix, peer+suffix)
		return nil
	}
	sc.Handshake = true
	var err error
	if sc.Keying, err = s.handshake(call, self, peer, suffix, sc.Local, sc.Remote); err != nil || sc.RTCPLocal.Port == 0 {
		return err
	}
	sc.RTCPKeying, err = s.handshake(call, self, peer, suffix+"/rtcp", sc.RTCPLocal, sc.RTCPRemote)
	return err
}

// handshake returns one end of a DTLS association of a flow (RFC 5764 §4).
func (s *Simulation) handshake(call *Call, self, peer, suffix string, local, remote packet.Addr) (keying.Step, error) {
	name := "dtls/" + self + suffix + "/" + peer + suffix
	role := dtls.Server
	if self == call.B {
		role = dtls.Client
	}
	config := s.dtlsConfig(role, self, peer, s.random.Stream(name))
	if c := &s.config.Security; c.DTLS != "" || c.ICE != "" {
		return s.hostedHandshake(config, self, peer, suffix, local, remote)
	}
	if s.config.Security.FullICE {
		agent := s.checker(self+suffix, peer+suffix, 1, config.Role == dtls.Server, s.credentials(self+suffix, peer+suffix), ice.HostCandidate(local))
		full := ice.NewFull(dtls.New(config), agent, local, remote)
		full.Agent().Begin(s.Loop.Now(), s.credentials(peer+suffix, self+suffix), ice.HostCandidate(remote))
		return full, nil
	}
	if config.Role == dtls.Client {
		return dtls.New(config), nil
	}
	return keying.NewOpening(dtls.New(config), s.random.Stream(name+"/opening")), nil
}

// checker returns an agent of ICE. Whoever offers is the controlling end (RFC 8445 §6.1.1). An end that begins anew counts
// its agents.
func (s *Simulation) checker(self, peer string, count int, controlling bool, own ice.Credentials, candidates ...ice.Candidate) *ice.Agent {
	c := ice.Config{
		Controlling: controlling, Local: own, Candidates: candidates, Random: s.random.Stream(fmt.Sprintf("ice/%s/%s/checks/%d", self, peer, count)),
	}
	if g := s.config.Gathering; g != nil {
		if c.NominationDelay = g.NominateAfter; c.NominationDelay == 0 {
			c.NominationDelay = -1
		}
	}
	return ice.NewAgent(c)
}

// TagRTP returns what protection adds to the payload of RTP packets, octets; 0 without any.
func (s *Simulation) TagRTP() units.Bytes {
	if s.config.Protection == protect.None {
		return 0
	}
	return s.profile().OverheadRTP()
}

// credentials are those of an end for its checks with another one.
func (s *Simulation) credentials(self, peer string) ice.Credentials {
	name := "ice/" + self
	if self != s.caller() { // who has the same for all devices
		name += "/" + peer
	}
	return ice.NewCredentials(s.random.Stream(name))
}

// dtlsConfig describes one end of a handshake.
func (s *Simulation) dtlsConfig(role dtls.Role, self, peer string, random *rng.Stream) dtls.Config {
	return dtls.Config{
		Role: role, Identity: s.identity(self), PeerFingerprint: s.identity(peer).Fingerprint(),
		Profiles: []keying.Profile{s.profile()}, Random: random, InitialTimeout: s.config.Security.Timeout,
	}
}

// protection returns how an endpoint protects media.
func (s *Simulation) protection(name string) protect.Mode {
	if s.byName[name].config.Insecure {
		return protect.None
	}
	return s.config.Protection
}

// handshakes reports whether an endpoint gets its keys by DTLS.
func (s *Simulation) handshakes(name string) bool {
	return s.config.Security.Handshake && s.protection(name) != protect.None
}

// interworkingInterval is the trr-int with which AVP looks like AVPF (RFC 8834 §10,
// RFC 8108 §7.1.3).
const interworkingInterval = 4 * time.Second

// introduce tells an end what the peer's description says of its profile. An
// interworking function, which stands between them, rewrites that.
func (s *Simulation) introduce(end, peer *endpoints.SessionConfig, name string) {
	p := endpoints.ProfileConfig{
		Secure: s.protection(name) != protect.None, Handshake: s.handshakes(name), Feedback: peer.RTCP.AVPF,
	}
	if s.byName[name].config.Interworking && !p.Feedback {
		p.Feedback = true
		end.RTCP.TrrInterval = max(end.RTCP.TrrInterval, interworkingInterval)
	}
	end.PeerProfile = &p
}

// share gives an end the key of a group, which is there from the start: a handshake
// agrees on keys for two ends only. Both directions have the same.
func (s *Simulation) share(sc *endpoints.SessionConfig, group string) {
	name := group + suffixOf(sc.Name)
	sc.Profile = s.profile()
	sc.Keying = keying.NewPreshared(s.random, name, name)
}

// keyServer returns what gives each endpoint of a group's session a key of its own without packets,
// nil if all have the same key, or get theirs from a key host. When somebody leaves it gives the others another group key at once:
// its signalling isn't simulated.
func (s *Simulation) keyServer(group *Group, session string) *ekt.Host {
	if !group.OwnKeys || group.KeyHost != "" {
		return nil
	}
	host := ekt.NewHost(s.random, group.Name+suffixOf(session))
	for _, name := range group.Peers {
		if leaves := s.byName[name].config.Leaves; leaves > 0 {
			s.Loop.NewTimer(engine.HandlerFunc(func(simtime.Time) { host.Leave(name) })).Set(leaves)
		}
	}
	return host
}

// suffixOf tells the sessions between the same ends apart.
func suffixOf(session string) string {
	if session == "" {
		return ""
	}
	return "/" + session
}

// identity returns the key and certificate of an endpoint.
func (s *Simulation) identity(endpoint string) *dtls.Identity {
	p := s.byName[endpoint]
	if p.identity == nil {
		p.identity = dtls.NewIdentity(s.random.Stream("identity/" + endpoint))
	}
	return p.identity
}

// scheduleRequests lets a receiver limit a stream, and ask for trade-offs, when their time
// has come.
func (s *Simulation) scheduleRequests(m *Media, section *endpoints.Section) {
	h := s.byName[m.To].host
	for _, l := range m.Limits {
		s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
			if l.Rate == 0 {
				section.Unlimit(now)
			} else {
				section.Limit(now, l.Rate)
			}
			h.drain(now)
		})).Set(l.At)
	}
	for _, r := range m.TradeOffs { // they wait for the next regular packet
		s.Loop.NewTimer(engine.HandlerFunc(func(simtime.Time) { section.TradeOff(r.Index) })).Set(r.At)
	}
}
