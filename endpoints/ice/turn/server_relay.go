package turn

import (
	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// fromIndication relays what a client has put into a Send indication (RFC 8656 §11.2). It isn't authenticated.
func (s *Server) fromIndication(now simtime.Time, p *packet.Packet, m *stun.Message, from client) {
	a := s.byClient[from]
	data, err := m.Get(stun.AttrData)
	peer, ok := addrOf(m, stun.AttrXORPeerAddress)
	if a == nil || err != nil || !ok || peer.Port == 0 || unknown(m) != nil {
		s.ignore(p)
		return
	}
	if peer == s.config.Addr || !a.permits(now, peer.IP) {
		s.drop(p)
		return
	}
	s.toPeer(p, a, peer, data)
}

// fromChannel relays what a client has put into a channel (RFC 8656 §12.6). No permission is asked for there: it came with
// the channel, and what the peer answers needs one.
func (s *Server) fromChannel(now simtime.Time, p *packet.Packet, from client) {
	a := s.byClient[from]
	if a == nil {
		s.ignore(p)
		return
	}
	number, data, ok := readChannelData(p.Payload)
	peer, bound := a.byNumber(now, number)
	if !ok || !bound {
		s.ignore(p)
		return
	}
	s.toPeer(p, a, peer, data)
}

// toPeer passes a packet on with nothing but its data, which are part of the payload.
func (s *Server) toPeer(p *packet.Packet, a *allocation, peer packet.Addr, data []byte) {
	n := copy(p.Payload, data)
	p.SetPayload(n)
	p.Passed = !a.client.stream // out of which it is a new one
	s.pass(p, a.relayed, client{Addr: peer})
}

// fromPeer relays what came to a relayed address: as ChannelData if the peer has a channel, in a Data indication otherwise
// (RFC 8656 §11.3, §12.7).
func (s *Server) fromPeer(now simtime.Time, p *packet.Packet) {
	a := s.byPort[p.Dst.Port]
	if a == nil || len(p.Payload) > maxData {
		s.ignore(p)
		return
	}
	if !a.permits(now, p.Src.IP) {
		s.drop(p)
		return
	}
	data := p.Payload // where it is now: the packet may need another buffer
	if number, ok := a.byPeer(now, p.Src); ok {
		b := p.SetPayload(channelHead + len(data))
		copy(b[channelHead:], data)
		putChannelHead(b, number, len(data))
	} else {
		b := p.SetPayload(indicationSize(len(data)))
		copy(b[dataAt:], data)
		putIndication(b, stun.MethodData, newID(s.config.Random), p.Src, len(data))
	}
	p.Passed = true
	s.pass(p, s.config.Addr, a.client)
}

// drop drops a packet that nobody has asked for.
func (s *Server) drop(p *packet.Packet) {
	s.counts.NoPermission++
	s.config.Pool.Release(p)
}

// pass sends a packet on.
func (s *Server) pass(p *packet.Packet, from packet.Addr, to client) {
	p.Src, p.Dst = from, to.Addr
	s.counts.Relayed++
	s.push(p, to)
}
