package ice

import (
	"errors"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Full is a full implementation of ICE in front of a keying step, for a session with one address at either end: the step
// begins when a pair has been nominated, and the session ends when consent is lost. Checks that another address asks for,
// such as those from behind a symmetric NAT, can't be answered there, and count as Astray.
type Full struct {
	keying.Around
	agent         *Agent
	local, remote packet.Addr
	astray        uint64
	keyed         bool
}

// NewFull returns a step with checks before it, from one address to another.
func NewFull(step keying.Step, agent *Agent, local, remote packet.Addr) *Full {
	return &Full{Around: keying.Around{Step: step}, agent: agent, local: local, remote: remote}
}

// Agent returns the agent that checks.
func (f *Full) Agent() *Agent { return f.agent }

// Astray returns how many messages had to go to another address than the session's.
func (f *Full) Astray() uint64 { return f.astray }

// connected reports whether the step may send.
func (f *Full) connected() bool { return f.agent.State() == Connected }

// HandleCheck takes a STUN message. The packet stays the caller's.
func (f *Full) HandleCheck(now simtime.Time, p *packet.Packet) {
	f.agent.HandleDatagram(now, p.Src, f.local, p.Payload)
}

// HandleTimeout does what is due.
func (f *Full) HandleTimeout(now simtime.Time) {
	f.agent.HandleTimeout(now)
	if f.connected() {
		f.Step.HandleTimeout(now)
	}
}

// PollPayload returns a STUN message, or what the step has to send.
func (f *Full) PollPayload(now simtime.Time) []byte {
	for d, ok := f.agent.Poll(); ok; d, ok = f.agent.Poll() {
		if d.To == f.remote {
			return d.Payload
		}
		f.astray++
	}
	if !f.connected() {
		return nil
	}
	return f.Step.PollPayload(now)
}

// NextTimeout returns when there is something to do.
func (f *Full) NextTimeout() simtime.Time {
	at := f.agent.NextTimeout()
	if f.connected() {
		at = min(at, f.Step.NextTimeout())
	}
	return at
}

// Why there are no keys.
var (
	errNoPair    = errors.New("no candidate pair works (RFC 8445 §8.1.1)")
	errNoConsent = errors.New("no answer to requests for consent (RFC 7675 §5.1)")
)

// Keys returns the step's keys, once they are known.
func (f *Full) Keys(keyLen, saltLen int) (keying.Keys, bool) {
	k, ok := f.Step.Keys(keyLen, saltLen)
	f.keyed = f.keyed || ok
	return k, ok
}

// Err returns why there won't be any keys.
func (f *Full) Err() error {
	switch s := f.agent.State(); {
	case s == Failed:
		return errNoPair
	case s == Disconnected && !f.keyed:
		return errNoConsent
	}
	return f.Around.Err()
}

// Muted reports whether consent is lost.
func (f *Full) Muted() bool { return f.agent.State() == Disconnected }

// Closed reports whether the other end has closed the connection, or hasn't consented to it for so long that nothing may be
// sent any more (RFC 7675 §5.1).
func (f *Full) Closed() bool { return f.agent.State() == Disconnected || f.Around.Closed() }
