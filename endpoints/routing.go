package endpoints

import (
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// take lets the router have a packet before the session, and reports whether it is the session's.
func (s *Session) take(now simtime.Time, p *packet.Packet) bool {
	if s.router.Take(now, p) {
		return true
	}
	s.stir()
	s.advanceKeying(now)
	return false
}

// pollRouter sends what the router has to say by addresses of its own, and tells what has become of addresses.
func (s *Session) pollRouter(now simtime.Time) {
	for _, o := range s.endpoint.sessions { // those with which it shares a port may have something else to do by now
		if o.router != nil {
			o.stir()
		}
	}
	for d, ok := s.router.PollDatagram(); ok; d, ok = s.router.PollDatagram() {
		p := s.endpoint.config.Pool.New()
		copy(p.SetPayload(len(d.Payload)), d.Payload)
		p.Src, p.Dst = d.From, d.To
		s.apart.Push(p)
	}
	for n, ok := s.router.PollNews(); ok; n, ok = s.router.PollNews() {
		s.event(Event{Kind: newsKinds[n.Kind], At: now, News: n.Text})
	}
}

// newsKinds are the events that tell what has become of addresses.
var newsKinds = [...]EventKind{
	keying.CandidateGathered: CandidateGathered, keying.GatheringFailed: GatheringFailed, keying.GatheringComplete: GatheringComplete,
	keying.PairSelected: PairSelected,
}

// pop returns the next packet of the session's to send; nil if there is none.
func (s *Session) pop() *packet.Packet {
	pool := s.endpoint.config.Pool
	for s.muted && s.out.Len()+s.apart.Len() > 0 {
		pool.Release(s.next())
	}
	if s.router != nil {
		return s.popRouted()
	}
	p := s.out.Pop()
	for p != nil && s.muter != nil && len(p.Payload) > 0 && p.Payload[0] > 3 && s.muter.Muted() { // checks go on (RFC 7675 §5.1)
		pool.Release(p)
		p = s.out.Pop()
	}
	if p == nil {
		return nil
	}
	s.repeat(p)
	p.Src.Port += s.config.SourceOffset
	return p
}

func (s *Session) next() *packet.Packet {
	if p := s.apart.Pop(); p != nil {
		return p
	}
	return s.out.Pop()
}

// popRouted returns a packet by addresses of the router's, or of the session, which the router addresses. What has no way is
// dropped.
func (s *Session) popRouted() *packet.Packet {
	if p := s.apart.Pop(); p != nil {
		return p
	}
	for p := s.out.Pop(); p != nil; p = s.out.Pop() {
		if s.router.Route(p) {
			return p
		}
		s.endpoint.config.Pool.Release(p)
	}
	return nil
}

// Relayed reports whether what this end sends goes over a TURN server of its own (RFC 8656), as far as a router or a carrier knows.
func (s *Session) Relayed() bool {
	return s.router != nil && s.router.Relayed() || s.carrierRelayed
}
