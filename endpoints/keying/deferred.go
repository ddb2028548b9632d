package keying

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Deferred is a step that isn't there before its end knows how to begin it: when it offers a session, or answers an offer.
// Until then it has no keys, and loses what comes.
type Deferred struct {
	Around
	client, heard bool
}

// NewDeferred returns a step that does nothing yet.
func NewDeferred() *Deferred { return &Deferred{Around: Around{nothing{}}} }

// Begin makes it another step, which nobody has been heard by. client says that this end begins the handshake.
func (d *Deferred) Begin(s Step, client bool) { d.Step, d.client, d.heard = s, client, false }

// Wrap puts something around the step that it is.
func (d *Deferred) Wrap(around func(Step) Step) { d.Step = around(d.Step) }

// Reset makes it one that does nothing again, unless the other end takes part in the handshake already.
func (d *Deferred) Reset() {
	if !d.heard {
		d.Begin(nothing{}, false)
	}
}

// Begun reports whether it is another step.
func (d *Deferred) Begun() bool { return d.Step != Step(nothing{}) }

// Client reports whether this end begins the handshake.
func (d *Deferred) Client() bool { return d.client }

// Heard reports whether the other end takes part in the handshake.
func (d *Deferred) Heard() bool { return d.heard }

// Of a record of DTLS (RFC 6347 §4.1, §4.2.2): the type of its content, and that of a message of the handshake.
const (
	contentHandshake = 22
	typeClientHello  = 1
	recordHeader     = 13
)

// HandlePacket hands a packet on. A ClientHello for an end that has sent one itself is left out: both have answered an
// offer that the other one has given up, and the next agreement says whose counts.
func (d *Deferred) HandlePacket(now simtime.Time, p *packet.Packet) {
	if b := p.Payload; d.Begun() && len(b) > recordHeader && b[0] == contentHandshake {
		if d.client && b[recordHeader] == typeClientHello {
			return
		}
		d.heard = true
	}
	d.Step.HandlePacket(now, p)
}

// HandleCheck hands a packet of STUN on, if the step takes such.
func (d *Deferred) HandleCheck(now simtime.Time, p *packet.Packet) {
	if c, ok := d.Step.(Checker); ok {
		c.HandleCheck(now, p)
	}
}

// Muted reports whether the step has lost consent.
func (d *Deferred) Muted() bool {
	m, ok := d.Step.(Muter)
	return ok && m.Muted()
}

// nothing is a step without keys.
type nothing struct{}

func (nothing) HandlePacket(simtime.Time, *packet.Packet) {}

func (nothing) HandleTimeout(simtime.Time) {}

func (nothing) PollPayload(simtime.Time) []byte { return nil }

func (nothing) NextTimeout() simtime.Time { return simtime.Never }

func (nothing) Keys(int, int) (Keys, bool) { return Keys{}, false }
