package aqm

import (
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// PolicerConfig are the parameters of [Policer].
type PolicerConfig struct {
	// Rate at which tokens come in.
	Rate units.BitRate
	// Burst is how much conforms at once, at least the largest packet: one that
	// is larger never conforms.
	Burst units.Bytes
}

// Validate reports the first parameter that is out of range.
func (c PolicerConfig) Validate() error { return validBucket(c.Rate, c.Burst) }

// Policer drops packets that don't conform to a token bucket, which starts
// full. It is a [fabric.Impairment].
type Policer struct{ bucket bucket }

// NewPolicer returns a policer for one link.
func NewPolicer(c PolicerConfig) *Policer {
	must(c.Validate())
	return &Policer{newBucket(c.Rate, c.Burst)}
}

// Impair returns Police for a packet that finds too few tokens, and takes none
// then.
func (q *Policer) Impair(now simtime.Time, p *packet.Packet) fabric.Fate {
	q.bucket.fill(now)
	if !q.bucket.take(p.Size) {
		return fabric.Police
	}
	return fabric.Pass
}
