package keying

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Router is a step that knows by which addresses the packets of its session go, as connectivity checks find out (RFC 8445
// §12). The session itself takes its peer for being at one address, whatever becomes of it.
type Router interface {
	Step
	// Concerns reports whether a packet that has come to the endpoint, from anywhere, is for the session, or for its router.
	Concerns(p *packet.Packet) bool
	// Take takes such a packet before the session looks at it. It reports whether the packet is the session's, and then has
	// made of it what the peer has sent to the session. Otherwise there is nothing left to do with it. It doesn't take
	// ownership.
	Take(now simtime.Time, p *packet.Packet) bool
	// Route addresses a packet from the session to its peer; false if there is no way.
	Route(p *packet.Packet) bool
	// Relayed reports whether packets go over a TURN server of this end's now (RFC 8656).
	Relayed() bool
	// Flows returns the addresses by which packets have gone, from this end to the other, the last ones last.
	Flows() [][2]packet.Addr
	// PollDatagram returns what the step has to send by addresses of its own; false when drained.
	PollDatagram() (Datagram, bool)
	// PollNews returns what has become of addresses; false when drained.
	PollNews() (News, bool)
}

// Datagram is the payload of a packet, and its addresses.
type Datagram struct {
	From, To packet.Addr
	Payload  []byte
}

// News is what has become of addresses.
type News struct {
	Kind NewsKind
	// Text is what it is about, in words: a candidate, or a pair of candidates.
	Text string
}

// NewsKind is what has happened to addresses.
type NewsKind uint8

// The kinds of news.
const (
	CandidateGathered NewsKind = iota // of this end
	GatheringFailed                   // a server gives none; Text says why
	GatheringComplete                 // there won't be any more (RFC 8838 §3)
	PairSelected                      // packets go by another pair from now on
)
