package topologies

import (
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/keying/ekt"
	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// keyHost is a [Stack] beside a relay that hasn't keys itself (figure 18 of
// draft-ietf-rtcweb-rtp-usage of July 2012): each endpoint of a group has a DTLS association with it, by
// which it gets the group's EKT key (RFC 8870 §5.2), and another when somebody has left.
type keyHost struct {
	pool   *packet.Pool
	keys   *ekt.Host
	addr   packet.Addr
	guests []*guest
	out    packet.FIFO
}

// guest is an endpoint, at both ends of the association.
type guest struct {
	name   string
	at     packet.Addr // as the key host sees it
	conn   *dtls.Conn  // the key host's end
	client *keyClient
}

// KeyHost is what a key host is called.
const KeyHost = "keys"

// lifetime is for how long a key may be used, in seconds: longer than a run.
const lifetime = 1 << 20

// Name implements [Stack].
func (*keyHost) Name() string { return KeyHost }

// HandlePacket implements [Stack].
func (k *keyHost) HandlePacket(now simtime.Time, p *packet.Packet) {
	defer k.pool.Release(p)
	i := slices.IndexFunc(k.guests, func(g *guest) bool { return g.at == p.Src })
	if i < 0 || p.Dst != k.addr || len(p.Payload) == 0 || p.Payload[0] < 20 || p.Payload[0] > 63 {
		return
	}
	k.guests[i].conn.HandlePacket(now, p)
	k.poll(now)
}

// HandleTimeout implements [Stack].
func (k *keyHost) HandleTimeout(now simtime.Time) {
	for _, g := range k.guests {
		g.conn.HandleTimeout(now)
	}
	k.poll(now)
}

// poll sends what associations have to say.
func (k *keyHost) poll(now simtime.Time) {
	for _, g := range k.guests {
		keying.Send(now, g.conn, k.pool, &k.out, k.addr, g.at)
	}
}

// PollPacket implements [Stack].
func (k *keyHost) PollPacket(simtime.Time) *packet.Packet { return k.out.Pop() }

// PollEvent has none.
func (*keyHost) PollEvent() (endpoints.Event, bool) { return endpoints.Event{}, false }

// NextTimeout implements [Stack].
func (k *keyHost) NextTimeout() (simtime.Time, endpoints.Reason) {
	at := simtime.Never
	for _, g := range k.guests {
		at = min(at, g.conn.NextTimeout())
	}
	return at, endpoints.ReasonOther
}

// Held implements [Stack].
func (k *keyHost) Held() int { return k.out.Len() }

// invite returns the keying step of an endpoint in one of the sessions.
func (k *keyHost) invite(name, session string) *ekt.Member {
	i := slices.IndexFunc(k.guests, func(g *guest) bool { return g.name == name })
	m := k.keys.Invite(name + suffixOf(session))
	k.guests[i].client.members = append(k.guests[i].client.members, m)
	return m
}

// dismiss ends an endpoint's association, and gives all others another key.
func (k *keyHost) dismiss(now simtime.Time, name string) {
	k.keys.Leave(name)
	for _, g := range k.guests {
		if g.name == name {
			g.conn.Close(now)
			continue
		}
		g.conn.SendEKTKey(now, dtls.EKTKey{Parameters: k.keys.Current(), TTL: lifetime})
	}
	k.poll(now)
}

// keyClient is an endpoint's end: a keying step that brings keys to those of its sessions.
type keyClient struct {
	*dtls.Conn
	members []*ekt.Member
}

// HandlePacket implements [keying.Step].
func (c *keyClient) HandlePacket(now simtime.Time, p *packet.Packet) {
	c.Conn.HandlePacket(now, p)
	for _, key := range c.EKTKeys() {
		for _, m := range c.members {
			m.Learn(key.Parameters)
		}
	}
	c.report()
}

// HandleTimeout implements [keying.Step].
func (c *keyClient) HandleTimeout(now simtime.Time) {
	c.Conn.HandleTimeout(now)
	c.report()
}

// report tells sessions that there will be no keys, if that is so.
func (c *keyClient) report() {
	if err := c.Err(); err != nil {
		for _, m := range c.members {
			m.Fail(err)
		}
	}
}

// openKeyHost puts the key host of a group at its node; nil if it has none.
func (s *Simulation) openKeyHost(group *Group) *keyHost {
	if group.KeyHost == "" {
		return nil
	}
	ip := firstKeyHost + packet.IPv4(len(s.keyHosts))
	k := &keyHost{pool: s.Fabric.Pool(), keys: ekt.NewHost(s.random, group.Name), addr: packet.Addr{IP: ip, Port: firstPort}}
	h := newHost(s.Loop, k)
	h.port = s.Fabric.Attach(s.node(group.KeyHost), ip, h)
	s.hosts, s.keyHosts = append(s.hosts, h), append(s.keyHosts, h)
	own := dtls.NewIdentity(s.random.Stream("identity/" + KeyHost + "/" + group.Name))
	config := func(role dtls.Role, id, peer *dtls.Identity, stream string) dtls.Config {
		return dtls.Config{
			Role: role, Identity: id, PeerFingerprint: peer.Fingerprint(), Random: s.random.Stream("dtls/" + stream),
			InitialTimeout: s.config.Security.Timeout, EKT: true,
		}
	}
	for _, name := range group.Peers {
		id := s.identity(name)
		g := &guest{
			name: name, conn: dtls.New(config(dtls.Server, own, id, KeyHost+"/"+name)),
			client: &keyClient{Conn: dtls.New(config(dtls.Client, id, own, name+"/"+KeyHost))},
		}
		g.conn.SendEKTKey(s.Loop.Now(), dtls.EKTKey{Parameters: k.keys.Current(), TTL: lifetime})
		k.guests = append(k.guests, g)
		if leaves := s.byName[name].config.Leaves; leaves > 0 {
			s.Loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
				k.dismiss(now, name)
				h.drain(now)
			})).Set(leaves)
		}
	}
	return k
}

// KeyHostAddr returns the address of the first key host.
func (s *Simulation) KeyHostAddr() packet.IPv4 { return s.keyHosts[0].port.Addr() }

// meetKeyHost lets endpoints talk to their key host, when they have been connected to the relay.
func (s *Simulation) meetKeyHost(k *keyHost) {
	if k == nil {
		return
	}
	for _, g := range k.guests {
		p := s.byName[g.name]
		local := packet.Addr{IP: p.endpoint.Addr(), Port: nextPort(&p.nextPort, false)}
		g.at = s.seenFrom(k.addr, local)
		p.endpoint.KeyedBy(g.client, local, s.seenFrom(local, k.addr))
	}
}
