package runner

import (
	"slices"
	"strings"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/rtcptiming"
	"rtpfabric/scenarios"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// sessions returns the RTP sessions of a call.
func sessions(s *scenarios.Scenario, call []string) ([]topologies.Session, error) {
	var list []topologies.Session
	for _, of := range s.Sessions(call) {
		bandwidth := s.SessionBandwidth(of)
		session := topologies.Session{Name: of.Name, RTCPPort: !s.RTCP.Mux}
		reduced := true
		for i, name := range call {
			if s.Topology.Translates() && s.Topology.Stands(name) { // it is what the peer can deal with
				name = call[1-i]
			}
			session.RTCP[i] = rtcp(s, name, bandwidth)
			reduced = reduced && session.RTCP[i].ReducedSize
		}
		for i := range session.RTCP {
			session.RTCP[i].ReducedSize = reduced
		}
		for _, m := range of.Media {
			out, err := media(s, m)
			if err != nil {
				return nil, err
			}
			if s.Topology.Translates() {
				out.SSRC = kept(s, m)
			}
			if out.Speech != nil && s.Dials() {
				out.Speech.Keypad = true
			}
			session.Media = append(session.Media, out)
		}
		list = append(list, session)
	}
	return list, nil
}

// group returns the endpoints that share sessions over a relay.
func group(s *scenarios.Scenario) (topologies.Group, error) {
	g := topologies.Group{Name: scenarios.RelayName, Peers: s.Topology.Everyone(), Trunks: s.Topology.Joins(), Bind: *s.Topology.Bind, LastN: s.Topology.LastN, OwnKeys: s.Topology.Keys == "own", KeyHost: s.Topology.KeyHost}
	if s.Topology.Joint {
		g.Name = scenarios.MeshName
	}
	for _, b := range s.Topology.Boxes() {
		g.Relays = append(g.Relays, topologies.RelayConfig{Name: b.Name, At: b.At, Peers: b.Peers})
	}
	for _, b := range s.Topology.Blocks {
		for _, d := range b.During {
			g.Blocks = append(g.Blocks, topologies.Block{Flow: b.Flow, To: b.To, From: simtime.At(d.From), Until: simtime.At(d.To)})
		}
	}
	for _, of := range s.Sessions(g.Peers) {
		session := topologies.GroupSession{Name: of.Name, RTCPPort: !s.RTCP.Mux}
		bandwidth, reduced := s.SessionBandwidth(of), true
		for _, name := range g.Peers {
			c := rtcp(s, name, bandwidth)
			session.RTCP, reduced = append(session.RTCP, c), reduced && c.ReducedSize
		}
		for i := range session.RTCP {
			session.RTCP[i].ReducedSize = reduced
		}
		for _, m := range of.Media {
			out, err := media(s, m)
			if err != nil {
				return g, err
			}
			out.SSRC = spoofed(s, m)
			session.Media = append(session.Media, out)
		}
		g.Sessions = append(g.Sessions, session)
	}
	return g, nil
}

// kept returns the SSRC that a stream has on both sides of a translator.
func kept(s *scenarios.Scenario, m *scenarios.Media) uint32 {
	origin := m.From
	if origin == s.Topology.Box() { // of the peer that it doesn't go to
		origin = s.Topology.Peers[0]
		if origin == m.To {
			origin = s.Topology.Peers[1]
		}
	}
	name := m.Name
	if m.Projected {
		_, name, _ = strings.Cut(m.Name, "/")
	}
	if s.Topology.Decodes() && m.Kind == "audio" {
		name = m.Kind
	}
	return rng.New(s.Seed).Stream("kept/" + origin + "/" + name).Uint32()
}

// spoofed returns the SSRC that a stream has in common with who tries to pass for its sender;
// 0 if nobody does.
func spoofed(s *scenarios.Scenario, m *scenarios.Media) uint32 {
	victim := m.From
	if m.Spoofs != "" {
		victim = m.Spoofs
	}
	if !slices.ContainsFunc(s.Media, func(o scenarios.Media) bool { return o.Spoofs == victim && o.Name == m.Name }) {
		return 0
	}
	return rng.New(s.Seed).Stream("spoofed/" + victim + "/" + m.Name).Uint32()
}

// rtcp returns an endpoint's view of a session with the given bandwidth.
func rtcp(s *scenarios.Scenario, endpoint string, session units.BitRate) endpoints.RTCPConfig {
	e, r := s.Endpoint(endpoint), s.RTCPOf(endpoint)
	c := endpoints.RTCPConfig{
		Off:          e != nil && e.Type == "legacy-no-rtcp",
		AVPF:         r.Profile == "avpf",
		TrrInterval:  r.TrrInterval,
		Minimum:      rtcptiming.FixedMinimum,
		ReducedSize:  r.ReducedSize && r.Profile == "avpf",
		Aggregate:    r.Aggregate,
		Groups:       r.ReportingGroups,
		Burst:        r.InitialBurst,
		OldTimeouts:  r.Timeouts == "rfc4585",
		PadTo:        r.PadTo,
		ReportSilent: r.ReportSilent,
	}
	if r.Minimum == "reduced" {
		c.Minimum = rtcptiming.ReducedMinimum(session)
	}
	if r.DSCP != nil {
		d := uint8(*r.DSCP)
		c.DSCP = &d
	}
	c.Bandwidth = units.BitRate(float64(session) * float64(r.Fraction))
	if r.Senders != nil || r.Receivers != nil {
		senders, receivers := c.Bandwidth/4, c.Bandwidth-c.Bandwidth/4
		if r.Senders != nil {
			senders = *r.Senders
		}
		if r.Receivers != nil {
			receivers = *r.Receivers
		}
		c.Bandwidth = senders + receivers
		c.SenderShare = -1
		if senders > 0 {
			c.SenderShare = float64(senders) / float64(senders+receivers)
		}
	}
	if r.Limits {
		c.Media = session
	}
	return c
}
