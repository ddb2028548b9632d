package topologies

import (
	"cmp"
	"fmt"
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/protect"
	"rtpfabric/sim/packet"
)

// Relay is Topo-PtM-Trn-Translator with unicast paths only (RFC 7667 §3.5.1,
// figure 12): endpoints that share their RTP sessions, with a relay between them.
const Relay = "relay"

// connectGroup connects every endpoint of a group to its relay, or to all others. All of them have the
// same media sections, so that each has one SSRC a section, whether it sends or only
// receives, and the same key in both directions.
func (s *Simulation) connectGroup(group *Group) error {
	configs := make([]endpoints.ConnectionConfig, len(group.Peers))
	var media []Media
	for i := range group.Sessions {
		media = append(media, group.Sessions[i].Media...)
	}
	feedback := s.config.groupFeedback(group.Peers)
	extensions := endpoints.WithFeedback(s.config.Extensions, feedback)
	allowed, err := s.bandwidths(group.Peers, media, extensions)
	if err != nil {
		return err
	}
	host := s.openKeyHost(group)
	port := uint16(firstPort)
	for i := range group.Sessions {
		session := &group.Sessions[i]
		number := nextPort(&port, session.RTCPPort)
		s.openRelays(group, number)
		if session.RTCPPort {
			s.openRelays(group, number+1)
		}
		var at []packet.Addr // where each peer is
		for _, name := range group.Peers {
			at = append(at, packet.Addr{IP: s.Addr(name), Port: nextPort(&s.byName[name].nextPort, session.RTCPPort)})
		}
		sections, keys := sectionsByName(session.Media), s.keyServer(group, session.Name)
		for j, name := range group.Peers {
			box := group.via(name)
			sc, err := s.sessionConfig(sessionEnd{
				self: name, peer: box, session: session.Name, rtcp: session.RTCP[j], extensions: extensions, sections: sections,
				bandwidth: allowed[j], heard: feedback, given: feedback, wanted: &s.config.Congestion.Control, several: true,
			})
			if err != nil {
				return err
			}
			s.share(&sc, group.Name)
			switch {
			case host != nil:
				sc.Handshake, sc.Keying = true, host.invite(name, session.Name)
			case keys != nil:
				sc.Keying = keys.Join(name)
			}
			sc.PeerProfile = s.groupProfile(group)
			if len(group.Relays) == 0 {
				s.meetOthers(&sc, at, j, session.RTCPPort)
			} else {
				s.meetRelay(&sc, box, number, at[j], session.RTCPPort, name)
			}
			configs[j].Peer, configs[j].Bandwidth = box, allowed[j]
			configs[j].Sessions = append(configs[j].Sessions, sc)
		}
	}
	if err := s.join(group, configs, extensions); err != nil {
		return err
	}
	s.meetKeyHost(host)
	return nil
}

// openRelays lets the relays of a group use a port, at which each knows those that it has trunks to.
func (s *Simulation) openRelays(group *Group, port uint16) {
	for i := range group.Relays {
		r := &group.Relays[i]
		f := relayFlow{local: packet.Addr{IP: s.Addr(r.Name), Port: port}}
		if group.Bind {
			f.bound = newBindings(unbound)
		}
		for _, trunk := range group.Trunks {
			for side, name := range trunk {
				if name == r.Name {
					f.trunks++
					f.add(trunk[1-side], s.seenFrom(f.local, packet.Addr{IP: s.Addr(trunk[1-side]), Port: port}))
				}
			}
		}
		s.relay(r.Name).flows = append(s.relay(r.Name).flows, f)
	}
}

// meetRelay lets an endpoint and its relay know each other.
func (s *Simulation) meetRelay(sc *endpoints.SessionConfig, box string, number uint16, own packet.Addr, rtcpPort bool, name string) {
	meet := func(port uint16, own packet.Addr) (local, remote packet.Addr) {
		f := s.relay(box).flow(packet.Addr{IP: s.Addr(box), Port: port})
		f.add(name, s.seenFrom(f.local, own))
		return own, s.seenFrom(own, f.local)
	}
	sc.Local, sc.Remote = meet(number, own)
	if rtcpPort {
		own.Port++
		sc.RTCPLocal, sc.RTCPRemote = meet(number+1, own)
	}
}

// meetOthers lets an endpoint know where the others of a joint mesh are.
func (s *Simulation) meetOthers(sc *endpoints.SessionConfig, at []packet.Addr, self int, rtcpPort bool) {
	sc.Local = at[self]
	for j, other := range at {
		switch other = s.seenFrom(at[self], other); {
		case j == self:
		case sc.Remote.Port == 0:
			sc.Remote = other
		default:
			sc.Others = append(sc.Others, other)
		}
	}
	if rtcpPort {
		sc.RTCPLocal, sc.RTCPRemote = sc.Local, sc.Remote
		sc.RTCPLocal.Port++
		sc.RTCPRemote.Port++
	}
}

// via returns what an endpoint's connection goes to: a relay, or the group.
func (g *Group) via(peer string) string {
	return cmp.Or(g.relayOf(peer), g.Name)
}

// relayOf returns the name of the relay that an endpoint is connected to, "" if there is none.
func (g *Group) relayOf(peer string) string {
	if len(g.Relays) == 0 {
		return ""
	}
	return g.Relays[slices.IndexFunc(g.Relays, func(r RelayConfig) bool { return slices.Contains(r.Peers, peer) })].Name
}

// join connects the endpoints of a group and notes which sections the streams
// have become. Of all who receive a stream, the first is who its frames are
// measured at.
func (s *Simulation) join(group *Group, configs []endpoints.ConnectionConfig, extensions []headerext.Entry) error {
	ends := map[string]*endpoints.Connection{}
	for i, name := range group.Peers {
		configs[i].CNAME, configs[i].LipSync = s.byName[name].config.CNAME, s.config.LipSync
		c, err := s.byName[name].endpoint.Connect(s.Loop.Now(), configs[i])
		if err != nil {
			return err
		}
		s.Connections = append(s.Connections, c)
		ends[name] = c
	}
	for i := range group.Sessions {
		session := &group.Sessions[i]
		for at, section := range sectionsByName(session.Media) {
			for _, m := range section {
				others := group.others(m.From)
				from, to := ends[m.From].Sessions()[i], ends[others[0]].Sessions()[i]
				s.Flows = append(s.Flows, &Flow{
					Media: *m, Sender: from.Sections()[at], Receiver: to.Sections()[at], Session: from,
					Model: s.model(extensions, m), RTCP: session.RTCP[0].Bandwidth,
					Relay: group.relayOf(m.From), group: group,
				})
				for _, r := range group.Relays {
					s.relay(r.Name).learn(from.Sections()[at], m.From)
				}
			}
		}
		s.block(group, ends, i)
	}
	return nil
}

// block tells relays what they aren't to copy of a session.
func (s *Simulation) block(group *Group, ends map[string]*endpoints.Connection, session int) {
	for _, b := range group.Blocks {
		for _, f := range s.Flows {
			if f.group != group || f.Flow() != b.Flow || f.Session != ends[f.From].Sessions()[session] {
				continue
			}
			r := s.relay(group.relayOf(b.To))
			r.blocks = append(r.blocks, block{f.Sender, b.To, b.From, b.Until})
		}
	}
}

// relay returns the relay of that name.
func (s *Simulation) relay(name string) *relay { return s.relays[name].stack.(*relay) }

// Relays returns the names of the relays.
func (s *Simulation) Relays() []string {
	var names []string
	for i := range s.config.Groups {
		for _, r := range s.config.Groups[i].Relays {
			names = append(names, r.Name)
		}
	}
	if r := s.config.Between; r != nil {
		names = append(names, r.Name)
	}
	return names
}

// Relayed returns how many packets a relay has suppressed, as their SSRC belongs to another
// address, and how many copies it has held back.
func (s *Simulation) Relayed(name string) (suppressed, blocked uint64) {
	r := s.relay(name)
	return r.suppressed, r.blocked
}

// groupProfile is what all of a group must interoperate with: that of its first peer.
func (s *Simulation) groupProfile(g *Group) *endpoints.ProfileConfig {
	return &endpoints.ProfileConfig{Secure: s.protection(g.Peers[0]) != protect.None, Feedback: g.Sessions[0].RTCP[0].AVPF}
}

// others returns the members of the group but for one.
func (g *Group) others(name string) []string {
	var list []string
	for _, p := range g.Peers {
		if p != name {
			list = append(list, p)
		}
	}
	return list
}

// sectionsByName groups the streams of a joint session into media sections: all
// streams of one name and kind go together.
func sectionsByName(media []Media) [][]*Media {
	var list [][]*Media
next:
	for i := range media {
		m := &media[i]
		for j, section := range list {
			if o := section[0]; o.Name == m.Name && o.Kind == m.Kind {
				list[j] = append(list[j], m)
				continue next
			}
		}
		list = append(list, []*Media{m})
	}
	return list
}

// addRelays puts the relays of all groups at their nodes, and that between the ends of calls.
func (s *Simulation) addRelays() {
	for i := range s.config.Groups {
		for _, r := range s.config.Groups[i].Relays {
			s.addRelay(&r, s.config.Groups[i].LastN)
		}
	}
	if r := s.config.Between; r != nil {
		s.addRelay(r, 0)
	}
}

func (s *Simulation) addRelay(r *RelayConfig, lastN int) {
	h := newHost(s.Loop, &relay{name: r.Name, pool: s.Fabric.Pool(), lastN: lastN, speakers: speakers{talk: map[string]*spurt{}}})
	h.port = s.Fabric.Attach(s.node(r.At), firstRelay+packet.IPv4(len(s.relays)), h)
	s.hosts = append(s.hosts, h)
	s.relays[r.Name] = h
}

// meet returns where each of two ends of a call reaches the other one: at its address, as it is seen from here, or at
// the relay between them, which gives each flow a port.
func (s *Simulation) meet(a, b packet.Addr, names [2]string) (fromA, fromB packet.Addr) {
	between := s.config.Between
	if between == nil {
		return s.seenFrom(a, b), s.seenFrom(b, a)
	}
	r := s.relay(between.Name)
	f := relayFlow{local: packet.Addr{IP: s.Addr(between.Name), Port: firstPort + uint16(len(r.flows))}, whole: true}
	f.add(names[0], s.seenFrom(f.local, a))
	f.add(names[1], s.seenFrom(f.local, b))
	r.flows = append(r.flows, f)
	return s.seenFrom(a, f.local), s.seenFrom(b, f.local)
}

// FromRelay reports whether a relay has sent a packet. It is then a copy.
func (s *Simulation) FromRelay(p *packet.Packet) bool {
	return p.Origin >= firstRelay && int(p.Origin-firstRelay) < len(s.relays)
}

// Midway reports whether a packet is at a relay between two ends, or at a TURN server, which passes it on.
func (s *Simulation) Midway(p *packet.Packet) bool {
	if s.icePort != nil && p.Dst.IP == iceServerAddr.IP {
		return !s.iceServer.Streamed(p.Dst) // there it isn't a packet any more
	}
	return s.config.Between != nil && p.Dst.IP == s.Addr(s.config.Between.Name)
}

// check refuses a configuration with ends that its type doesn't have.
func (c *Config) check() error {
	ofCalls := c.translates() || slices.Contains([]string{PointToPoint, Mesh, SFM, SwitchingMixer, Mixer, Fork}, c.Type)
	if len(c.Calls) > 0 && !ofCalls || len(c.Groups) > 0 && c.Type != Relay && c.Type != Mesh {
		return fmt.Errorf("no topology %q", c.Type)
	}
	return nil
}
