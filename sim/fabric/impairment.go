package fabric

import (
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Fate is what an impairment does to a packet.
type Fate uint8

// The fates.
const (
	Pass      Fate = iota
	Lose           // it is gone
	Police         // it is gone because it is above an agreed rate
	Damage         // it goes on with flipped bits
	Duplicate      // it goes on, and a copy right behind it
)

// Impairment is what a network does to packets besides delaying them. A link
// has any number, and every packet that comes to it meets them in order before
// the queue; none takes part in the next one's decision.
type Impairment interface {
	// Impair decides about a packet that comes at the given time. An
	// impairment that damages the packet has changed its payload.
	Impair(now simtime.Time, p *packet.Packet) Fate
}

// IndependentLoss loses every packet with the same probability, independently
// of all others (RFC 8868 §4.4).
type IndependentLoss struct {
	P      float64 // 0 to 1
	Random *rng.Stream
}

// Impair draws once per packet unless P is 0.
func (i *IndependentLoss) Impair(simtime.Time, *packet.Packet) Fate {
	if i.P > 0 && i.Random.Bool(i.P) {
		return Lose
	}
	return Pass
}
