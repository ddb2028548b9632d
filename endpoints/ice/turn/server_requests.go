package turn

import (
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// call is a request of a user, while it is being handled.
type call struct {
	*stun.Message
	from client
	user string
	key  stun.MessageIntegrity
}

// handleRequest returns the answer to a request; nil if it is ignored.
func (s *Server) handleRequest(now simtime.Time, from client, m *stun.Message) []byte {
	switch m.Type.Method {
	case stun.MethodBinding:
		return s.binding(from.Addr, m)
	case stun.MethodAllocate, stun.MethodRefresh, stun.MethodCreatePermission, stun.MethodChannelBind:
	default: // isn't supported: RFC 8489 §6.3
		return nil
	}
	if s.config.Users == nil {
		return nil
	}
	user, key, answer := s.authenticate(now, from.Addr, m)
	if answer != nil {
		return answer
	}
	c := call{m, from, user, key}
	if list := unknown(m); list != nil {
		return s.refuse(c, stun.CodeUnknownAttribute, list)
	}
	a := s.byClient[from]
	switch {
	case m.Type.Method == stun.MethodAllocate:
		return s.allocate(now, c, a)
	case a == nil:
		return s.refuse(c, stun.CodeAllocMismatch) // RFC 8656 §5
	case a.user != user:
		return s.refuse(c, stun.CodeWrongCredentials)
	case m.Type.Method == stun.MethodRefresh:
		return s.refresh(now, c, a)
	case m.Type.Method == stun.MethodCreatePermission:
		return s.createPermission(now, c, a)
	}
	return s.channelBind(now, c, a)
}

// refuse answers a user with an error.
func (s *Server) refuse(c call, code stun.ErrorCode, more ...stun.Setter) []byte {
	s.counts.Refused++
	return s.fault(c.Message, code, c.key, more...)
}

// grant answers a user with success.
func (*Server) grant(c call, attributes ...stun.Setter) []byte {
	return build(stun.NewType(c.Type.Method, stun.ClassSuccessResponse), c.TransactionID, append(attributes, c.key)...)
}

// binding says where a request came from (RFC 8489 §6.3.1.1).
func (s *Server) binding(from packet.Addr, m *stun.Message) []byte {
	if list := unknown(m); list != nil {
		s.counts.Refused++
		return s.fault(m, stun.CodeUnknownAttribute, nil, list)
	}
	s.counts.Bindings++
	return build(stun.BindingSuccess, m.TransactionID, xorAddr(stun.AttrXORMappedAddress, from))
}

// allocate makes an allocation (RFC 8656 §7.2). The client has one already if a isn't nil.
func (s *Server) allocate(now simtime.Time, c call, a *allocation) []byte {
	switch {
	case a != nil && a.id == c.TransactionID && a.user == c.user: // sent again
		return a.answer
	case a != nil:
		return s.refuse(c, stun.CodeAllocMismatch)
	case s.buried(c.from, c.TransactionID):
		return nil
	}
	transport, err := c.Get(stun.AttrRequestedTransport)
	if err != nil || len(transport) != 4 {
		return s.refuse(c, stun.CodeBadRequest)
	}
	if transport[0] != protoUDP {
		return s.refuse(c, stun.CodeUnsupportedTransProto)
	}
	even, code := extras(c.Message)
	if code != 0 {
		return s.refuse(c, code)
	}
	if s.config.Quota > 0 && s.byUser[c.user] >= s.config.Quota {
		return s.refuse(c, stun.CodeAllocQuotaReached)
	}
	port, ok := s.port(even)
	if !ok {
		return s.refuse(c, stun.CodeInsufficientCapacity)
	}
	d := s.lifetime(c.Message)
	a = &allocation{
		client: c.from, relayed: packet.Addr{IP: s.config.Addr.IP, Port: port}, user: c.user, expires: now.Add(d), id: c.TransactionID,
	}
	a.answer = s.grant(c, xorAddr(stun.AttrXORRelayedAddress, a.relayed), lifetime(d), xorAddr(stun.AttrXORMappedAddress, a.client.Addr))
	s.add(a)
	s.schedule(now)
	return a.answer
}

// extras reads what a client may want of a relayed address: that it is of IPv4, the only kind, and that its port is even. A
// reservation is nothing that the server makes, so that no token is known either.
func extras(m *stun.Message) (even bool, code stun.ErrorCode) {
	evenPort, errEven := m.Get(stun.AttrEvenPort)
	family, errFamily := m.Get(stun.AttrRequestedAddressFamily)
	switch token := m.Contains(stun.AttrReservationToken); {
	case token && (errEven == nil || errFamily == nil):
		return false, stun.CodeBadRequest
	case token:
		return false, stun.CodeInsufficientCapacity
	case errFamily == nil && len(family) != 4:
		return false, stun.CodeBadRequest
	case errFamily == nil && family[0] != familyIPv4:
		return false, stun.CodeAddrFamilyNotSupported
	case errEven == nil && len(evenPort) != 1:
		return false, stun.CodeBadRequest
	case errEven == nil && evenPort[0]&0x80 != 0: // the next port as well
		return false, stun.CodeInsufficientCapacity
	}
	return errEven == nil, 0
}

// lifetime returns how long an allocation lasts from now: what the client wants, if that isn't too short or too long (§7.2).
func (s *Server) lifetime(m *stun.Message) time.Duration {
	d, _ := lifetimeOf(m)
	return min(max(d, DefaultLifetime), s.config.MaxLifetime)
}

// refresh lets an allocation last longer, or ends it (RFC 8656 §8.2).
func (s *Server) refresh(now simtime.Time, c call, a *allocation) []byte {
	if family, err := c.Get(stun.AttrRequestedAddressFamily); err == nil {
		if len(family) != 4 {
			return s.refuse(c, stun.CodeBadRequest)
		}
		if family[0] != familyIPv4 {
			return s.refuse(c, stun.CodePeerAddrFamilyMismatch)
		}
	}
	if d, ok := lifetimeOf(c.Message); ok && d == 0 {
		s.counts.Deleted++
		s.remove(now, a)
		s.schedule(now)
		return s.grant(c, lifetime(0))
	}
	d := s.lifetime(c.Message)
	a.expires = now.Add(d)
	s.schedule(now)
	return s.grant(c, lifetime(d))
}

// peer reads an XOR-PEER-ADDRESS. The code is 0 if data may go there: to IPv4, and not back to the server itself, whose
// relayed addresses could else be used to talk to it.
func (s *Server) peer(v []byte) (packet.Addr, stun.ErrorCode) {
	peer, family := readXORAddr(v)
	switch {
	case family == 0:
		return peer, stun.CodeBadRequest
	case family != familyIPv4:
		return peer, stun.CodePeerAddrFamilyMismatch
	case peer == s.config.Addr:
		return peer, stun.CodeForbidden
	}
	return peer, 0
}

// createPermission lets data of some addresses come (RFC 8656 §10.2): of all that are named, or of none.
func (s *Server) createPermission(now simtime.Time, c call, a *allocation) []byte {
	named, more := false, 0
	for _, v := range c.Attributes {
		if v.Type != stun.AttrXORPeerAddress {
			continue
		}
		peer, code := s.peer(v.Value)
		if code != 0 {
			return s.refuse(c, code)
		}
		if named = true; !a.permits(now, peer.IP) {
			more++
		}
	}
	switch {
	case !named:
		return s.refuse(c, stun.CodeBadRequest)
	case !a.room(now, more):
		return s.refuse(c, stun.CodeInsufficientCapacity)
	}
	for _, v := range c.Attributes {
		if v.Type == stun.AttrXORPeerAddress {
			peer, _ := s.peer(v.Value)
			a.permit(now, peer.IP)
		}
	}
	return s.grant(c)
}

// channelBind binds a channel to a peer, from whom data may come then (RFC 8656 §12.2).
func (s *Server) channelBind(now simtime.Time, c call, a *allocation) []byte {
	number, errNumber := c.Get(stun.AttrChannelNumber)
	v, errPeer := c.Get(stun.AttrXORPeerAddress)
	if errNumber != nil || len(number) != 4 || errPeer != nil {
		return s.refuse(c, stun.CodeBadRequest)
	}
	peer, code := s.peer(v)
	if code != 0 {
		return s.refuse(c, code)
	}
	n := uint16(number[0])<<8 | uint16(number[1])
	switch {
	case n < firstChannel || n > lastChannel || peer.Port == 0:
		return s.refuse(c, stun.CodeBadRequest)
	case !a.room(now, 1):
		return s.refuse(c, stun.CodeInsufficientCapacity)
	case !a.bind(now, n, peer):
		return s.refuse(c, stun.CodeBadRequest)
	}
	a.permit(now, peer.IP)
	return s.grant(c)
}
