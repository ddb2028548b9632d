package keying

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Gate keeps a step from beginning until it is opened. What comes for it before is lost.
type Gate struct {
	Around
	open bool
}

// NewGate returns a step behind a gate that is closed.
func NewGate(s Step) *Gate { return &Gate{Around: Around{s}} }

// Open lets the step begin.
func (g *Gate) Open() { g.open = true }

// HandlePacket hands a packet on.
func (g *Gate) HandlePacket(now simtime.Time, p *packet.Packet) {
	if g.open {
		g.Step.HandlePacket(now, p)
	}
}

// HandleTimeout does what is due.
func (g *Gate) HandleTimeout(now simtime.Time) {
	if g.open {
		g.Step.HandleTimeout(now)
	}
}

// PollPayload returns what the step has to send.
func (g *Gate) PollPayload(now simtime.Time) []byte {
	if !g.open {
		return nil
	}
	return g.Step.PollPayload(now)
}

// NextTimeout returns when the step has something to do.
func (g *Gate) NextTimeout() simtime.Time {
	if !g.open {
		return simtime.Never
	}
	return g.Step.NextTimeout()
}
