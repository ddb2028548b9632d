package ice

import (
	"errors"
	"slices"

	"github.com/pion/stun/v4"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Full is a full implementation of ICE in front of a keying step: the step begins when a pair has been nominated, and the session
// ends when consent is lost. By itself it is for a session with one address at either end; checks that another address asks for,
// such as those from behind a symmetric NAT, can't be answered there, and count as Astray. With a [Transport] there may be any.
type Full struct {
	keying.Around
	agent *Agent
	// former is the agent whose pair is used until the one after a restart has another (RFC 8445 §9, §12.1); nil if there is
	// none. before is the agent before the last restart.
	former, before *Agent
	transport      *Transport // nil without
	local, remote  packet.Addr
	astray         uint64
	keyed          bool
}

// NewFull returns a step with checks before it, from one address to another.
func NewFull(step keying.Step, agent *Agent, local, remote packet.Addr) *Full {
	return &Full{Around: keying.Around{Step: step}, agent: agent, local: local, remote: remote}
}

// Use lets the checks go by a transport, with all candidates that it gathers.
func (f *Full) Use(t *Transport) { f.transport, t.checks = t, f }

// Agent returns the agent that checks.
func (f *Full) Agent() *Agent { return f.agent }

// Astray returns how many messages had to go to another address than the session's.
func (f *Full) Astray() uint64 { return f.astray }

// Restart lets another agent begin, with other credentials (RFC 8445 §9). What is nominated goes on until that agent has
// nominated another pair.
func (f *Full) Restart(next *Agent) {
	if s := f.agent.State(); f.former == nil && (s == Checking || s == Connected) {
		f.former = f.agent
	}
	f.before, f.agent = f.agent, next
}

// Restarting reports whether a restart isn't over.
func (f *Full) Restarting() bool { return f.former != nil }

// Withdraw takes a restart back that the other end doesn't know of, or doesn't want.
func (f *Full) Withdraw() {
	if f.before == nil {
		return
	}
	if f.agent, f.before = f.before, nil; f.former == f.agent {
		f.former = nil
	}
}

// Begin gives the agent what the other end's description says.
func (f *Full) Begin(now simtime.Time, peer Credentials, remote ...Candidate) {
	if f.transport != nil {
		f.agent.early = append(f.agent.early, f.transport.socket.release(peer)...)
	}
	f.agent.Begin(now, peer, remote...)
	for _, c := range remote {
		f.permit(now, c)
	}
}

// AddRemote adds a candidate of the other end.
func (f *Full) AddRemote(now simtime.Time, c Candidate) {
	f.agent.AddRemote(now, c)
	f.permit(now, c)
}

func (f *Full) permit(now simtime.Time, c Candidate) {
	if f.transport != nil {
		f.transport.socket.permit(now, c)
	}
}

func (f *Full) addLocal(now simtime.Time, c Candidate) { f.agent.AddLocal(now, c) }

// agents are those that have something to do.
func (f *Full) agents() []*Agent {
	if f.former == nil {
		return []*Agent{f.agent}
	}
	return []*Agent{f.agent, f.former}
}

// inUse returns the agent whose pair is used.
func (f *Full) inUse() *Agent {
	if f.former != nil && f.former.State() == Connected {
		return f.former
	}
	return f.agent
}

// connected reports whether the step may send.
func (f *Full) connected() bool { return f.inUse().State() == Connected }

// settle ends the agent of before a restart when the next one has a pair.
func (f *Full) settle() {
	if f.agent.State() == Connected {
		f.former = nil
	}
}

// over reports whether an agent has come to its end.
func (a *Agent) over() bool { return a.state == Failed || a.state == Disconnected }

// way returns the pair that is used, and the agent that has nominated it; nil if there is none.
func (f *Full) way() (*pair, *Agent) {
	a := f.inUse()
	if _, _, ok := a.Selected(); !ok {
		return nil, nil
	}
	return a.selected, a
}

// HandleCheck takes a STUN message. The packet stays the caller's.
func (f *Full) HandleCheck(now simtime.Time, p *packet.Packet) {
	to := f.local
	if f.transport != nil {
		to = p.Dst // which may be a relayed address
	}
	a := f.agent
	if f.former != nil && f.former.concerns(p.Payload) {
		a = f.former
	}
	a.HandleDatagram(now, p.Src, to, p.Payload)
	f.settle()
}

// wants reports whether a STUN message is one for this end's checks with its peer, which is known, and no other.
func (f *Full) wants(payload []byte) bool {
	return slices.ContainsFunc(f.agents(), func(a *Agent) bool { return a.peer != (Credentials{}) && a.concerns(payload) })
}

// knows reports whether an address is a candidate of the other end.
func (a *Agent) knows(addr packet.Addr) bool {
	return slices.ContainsFunc(a.remote, func(c Candidate) bool { return c.Addr == addr })
}

// concerns reports whether a STUN message is for this agent: one that has its name, or that answers it.
func (a *Agent) concerns(payload []byte) bool {
	m := stun.Message{Raw: payload}
	if m.Decode() != nil {
		return false
	}
	if m.Type.Class == stun.ClassRequest {
		var name stun.Username
		return name.GetFrom(&m) == nil && ours(name.String(), a.config.Local.Fragment, a.peer.Fragment)
	}
	return a.find(m.TransactionID) != nil || a.consent.awaits(m.TransactionID)
}

// HandleTimeout does what is due.
func (f *Full) HandleTimeout(now simtime.Time) {
	for _, a := range f.agents() {
		a.HandleTimeout(now)
	}
	f.settle()
	if f.connected() {
		f.Step.HandleTimeout(now)
	}
}

// poll empties the agents.
func (f *Full) poll(each func(Datagram)) {
	for _, a := range f.agents() {
		for d, ok := a.Poll(); ok; d, ok = a.Poll() {
			each(d)
		}
	}
}

// PollPayload returns a STUN message, unless a transport sends them, or what the step has to send.
func (f *Full) PollPayload(now simtime.Time) []byte {
	if b := f.pollCheck(); b != nil {
		return b
	}
	if !f.connected() {
		return nil
	}
	return f.Step.PollPayload(now)
}

func (f *Full) pollCheck() []byte {
	if f.transport != nil {
		return nil
	}
	for _, a := range f.agents() {
		for d, ok := a.Poll(); ok; d, ok = a.Poll() {
			if d.To == f.remote {
				return d.Payload
			}
			f.astray++
		}
	}
	return nil
}

// NextTimeout returns when there is something to do.
func (f *Full) NextTimeout() simtime.Time {
	at := simtime.Never
	for _, a := range f.agents() {
		at = min(at, a.NextTimeout())
	}
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
	switch s := f.inUse().State(); {
	case f.keyed:
	case s == Failed:
		return errNoPair
	case s == Disconnected:
		return errNoConsent
	}
	return f.Around.Err()
}

// lost reports whether there is no pair any more, and no restart on its way that may find another one: the other end hasn't consented for
// so long that nothing may be sent (RFC 7675 §5.1).
func (f *Full) lost() bool {
	if f.former == nil || !f.former.over() {
		return f.former == nil && (f.agent.State() == Disconnected || f.keyed && f.agent.State() == Failed)
	}
	return f.agent.State() == New || f.agent.over()
}

// Muted reports whether nothing may be sent: there was a pair, and consent to use it is lost, if only for now.
func (f *Full) Muted() bool { return f.lost() || f.keyed && !f.connected() }

// Closed reports whether the other end has closed the connection, or doesn't consent to it any more, and nothing is done about that.
func (f *Full) Closed() bool { return f.lost() || f.Around.Closed() }
