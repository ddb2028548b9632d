package endpoints

import (
	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// keyConnection is a connection by which no media go: it brings the keys of sessions that are with others.
type keyConnection struct {
	step          keying.Step
	local, remote packet.Addr
	out           packet.FIFO
}

// KeyedBy lets the endpoint talk to a key host, from which steps of its sessions have their keys
// (RFC 8871 §3.1: one that is trusted with keys, where the one that is trusted with packets isn't).
func (e *Endpoint) KeyedBy(step keying.Step, local, remote packet.Addr) {
	e.keys = &keyConnection{step: step, local: local, remote: remote}
}

// handlePacket takes a packet of the key host; false if it isn't one.
func (k *keyConnection) handlePacket(now simtime.Time, e *Endpoint, p *packet.Packet) bool {
	if k == nil || p.Dst != k.local || p.Src != k.remote {
		return false
	}
	k.step.HandlePacket(now, p)
	k.poll(now, e)
	for _, s := range e.sessions {
		s.followKeys(now)
	}
	return true
}

// handleTimeout does what is due.
func (k *keyConnection) handleTimeout(now simtime.Time, e *Endpoint) {
	if k == nil {
		return
	}
	k.step.HandleTimeout(now)
	k.poll(now, e)
	if f, ok := k.step.(keying.Failer); ok && f.Err() != nil {
		for _, s := range e.sessions {
			s.followKeys(now)
		}
	}
}

// poll sends what the step has to say.
func (k *keyConnection) poll(now simtime.Time, e *Endpoint) {
	keying.Send(now, k.step, e.config.Pool, &k.out, k.local, k.remote)
}

// nextTimeout returns when something is due.
func (k *keyConnection) nextTimeout() simtime.Time {
	if k == nil {
		return simtime.Never
	}
	return k.step.NextTimeout()
}

// followKeys goes on when somebody else has brought keys, or won't.
func (s *Session) followKeys(now simtime.Time) {
	s.touch()
	s.pollKeying(now)
	if s.refused || s.gone() || s.control != nil {
		return
	}
	_ = s.enter(now)
	s.wantOwn(now)
	s.pump(now)
	s.runRTCP(now)
}
