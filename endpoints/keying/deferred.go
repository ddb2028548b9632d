package keying

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Deferred is a step that isn't there before its end has agreed on the session with the other one. Until then it has no
// keys, and loses what comes.
type Deferred struct{ Around }

// NewDeferred returns a step that does nothing yet.
func NewDeferred() *Deferred { return &Deferred{Around{nothing{}}} }

// Begin makes it another step.
func (d *Deferred) Begin(s Step) { d.Step = s }

// Reset makes it one that does nothing again.
func (d *Deferred) Reset() { d.Step = nothing{} }

// nothing is a step without keys.
type nothing struct{}

func (nothing) HandlePacket(simtime.Time, *packet.Packet) {}

func (nothing) HandleTimeout(simtime.Time) {}

func (nothing) PollPayload(simtime.Time) []byte { return nil }

func (nothing) NextTimeout() simtime.Time { return simtime.Never }

func (nothing) Keys(int, int) (Keys, bool) { return Keys{}, false }
