package roap

import (
	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/glare"
	"rtpfabric/sim/simtime"
)

// Server hands the messages of two ends on, which it has on legs 0 and 1.
type Server struct {
	signalling.Outbox
	name     string
	resolves bool
	// on holds the offer that came on each leg and isn't answered; nil if there is none.
	on [2]*Message
}

// NewServer returns a server. One that resolves compares the values of offers that meet there: it hands on the greater
// one, and drops the other (002: "What ever mechanism that inspects the message and is on the path").
func NewServer(name string, resolves bool) *Server { return &Server{name: name, resolves: resolves} }

// Name returns the server's name.
func (s *Server) Name() string { return s.name }

// HandleMessage takes a message from one end.
func (s *Server) HandleMessage(now simtime.Time, leg int, m signalling.Message) {
	d, ok := m.(*Message)
	if !ok {
		s.Tell(signalling.Event{At: now, Node: s.name, Kind: signalling.Ignored, Reason: "not a message of ROAP"})
		return
	}
	other := 1 - leg
	switch d.Type {
	case TypeOffer:
		if first := s.on[other]; first != nil && s.resolves && max(first.TieBreaker, d.TieBreaker) > 0 { // they have values
			s.Tell(signalling.Event{At: now, Node: s.name, Kind: signalling.Glare, Offer: d.Offer(), Reason: glare.TieBreaker.String()})
			if !s.resolve(now, leg, d, first) {
				return
			}
		}
		s.on[leg] = d
	case TypeAccept, TypeError:
		if first := s.on[other]; first != nil && first.Offer() == d.Offer() {
			s.on[other] = nil
		} else if own := s.on[leg]; own != nil && own.Offer() == d.Offer() { // its end has given it up
			s.on[leg] = nil
		}
	case TypeAnswer, TypeShutdown, TypeCandidate:
	}
	s.Send(other, d)
}

// resolve decides between an offer that came on a leg and the one before it, and reports whether the offer goes on.
func (s *Server) resolve(now simtime.Time, leg int, d, first *Message) bool {
	lost := func(o *Message) {
		s.Tell(signalling.Event{At: now, Node: s.name, Kind: signalling.OfferDiscarded, Offer: o.Offer(), Reason: "its value is less"})
	}
	switch {
	case d.TieBreaker > first.TieBreaker: // the one before has gone on, and loses where it arrives
		s.on[1-leg] = nil
		lost(first)
		return true
	case d.TieBreaker < first.TieBreaker:
		lost(d)
		return false
	}
	s.on[1-leg] = nil
	for i, o := range []*Message{d, first} {
		s.Send(leg^i, &Message{Type: TypeError, Offerer: o.Offerer, Answerer: o.Answerer, Seq: o.Seq, Error: DoubleConflict})
		s.Tell(signalling.Event{At: now, Node: s.name, Kind: signalling.OfferDiscarded, Offer: o.Offer(), Reason: string(DoubleConflict)})
	}
	return false
}

// HandleTimeout does nothing: a server has no deadlines.
func (s *Server) HandleTimeout(simtime.Time) {}

// NextTimeout returns simtime.Never.
func (s *Server) NextTimeout() simtime.Time { return simtime.Never }
