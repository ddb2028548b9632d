package keying

import (
	"encoding/binary"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Opening is a step that waits for the other end to begin. NATs and firewalls on
// its own side let nothing in before something went out, so it sends STUN binding
// indications until it hears of the other end: what connectivity checks do besides
// checking (RFC 8445 §2.2, RFC 6263 §4.6).
type Opening struct {
	Around
	random *rng.Stream
	next   simtime.Time
}

// OpeningInterval is how often a way is opened: the retransmission time-out of RFC 8489 §6.2.1.
const OpeningInterval = 500 * time.Millisecond

// NewOpening returns the step that opens the way for another one.
func NewOpening(s Step, random *rng.Stream) *Opening {
	return &Opening{Around: Around{s}, random: random}
}

// HandlePacket hands the packet on; nothing needs to be opened any more.
func (o *Opening) HandlePacket(now simtime.Time, p *packet.Packet) {
	o.next = simtime.Never
	o.Step.HandlePacket(now, p)
}

// PollPayload returns an indication, or what the step has to send.
func (o *Opening) PollPayload(now simtime.Time) []byte {
	if o.next <= now {
		o.next = now.Add(OpeningInterval)
		return indication(o.random)
	}
	return o.Step.PollPayload(now)
}

// NextTimeout returns when there is something to do.
func (o *Opening) NextTimeout() simtime.Time { return min(o.next, o.Step.NextTimeout()) }

// indication makes a STUN message of method Binding and class indication, without
// attributes (RFC 8489 §5).
func indication(r *rng.Stream) []byte {
	const bindingIndication, magicCookie, header = 0x0011, 0x2112a442, 20
	b := make([]byte, header)
	binary.BigEndian.PutUint16(b, bindingIndication)
	binary.BigEndian.PutUint32(b[4:], magicCookie)
	_, _ = r.Read(b[8:])
	return b
}
