package aqm

import (
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// PIEConfig are the parameters of [PIE] (RFC 8033).
type PIEConfig struct {
	// Target is QDELAY_REF (§4.2). Default 15 ms.
	Target time.Duration
	// Tupdate is T_UPDATE, how often the probability is computed. Default 15 ms.
	Tupdate time.Duration
	// Alpha and Beta are the controller's gains in Hz. Default 1/8 and 1 1/4.
	// They suit the default Tupdate; §4.2 says how they go with another.
	Alpha, Beta float64
	// MaxBurst is for how long a burst goes unpunished after a time without
	// congestion (§4.4). Default 150 ms; 0 for none.
	MaxBurst time.Duration
	// ECN marks ECN-capable packets instead of dropping them, as long as the
	// probability is below MarkECNThreshold (§5.1). Default of that 0.1.
	ECN              bool
	MarkECNThreshold float64
	// MeanPacketSize: nothing is dropped at random while no more than two
	// packets of this size are queued. Default 1500 B.
	MeanPacketSize units.Bytes
	// Derandomize keeps drops from coming too close or too far apart (§5.4).
	Derandomize bool
	// CapIncrease limits a step of the probability to 0.02 where it is at
	// least 0.1 (§5.5).
	CapIncrease bool
	// Limit is TAIL_DROP, in one measure. Default 1000 packets.
	Limit fabric.Limit
}

// DefaultPIE returns the RFC's defaults.
func DefaultPIE() PIEConfig {
	return PIEConfig{
		Target: 15 * time.Millisecond, Tupdate: 15 * time.Millisecond, Alpha: 0.125, Beta: 1.25,
		MaxBurst: 150 * time.Millisecond, MarkECNThreshold: 0.1, MeanPacketSize: MTU, Limit: DefaultLimit,
	}
}

// Validate reports the first parameter that is out of range.
func (c PIEConfig) Validate() error {
	var burst error
	if c.MaxBurst != 0 {
		burst = validDuration("max_burst", c.MaxBurst, "150ms, or 0 for none")
	}
	return firstError(
		validDuration("target", c.Target, "15ms"),
		validDuration("tupdate", c.Tupdate, "15ms"),
		validGain("alpha", c.Alpha, "0.125"),
		validGain("beta", c.Beta, "1.25"),
		burst,
		validProbability("mark_ecn_threshold", c.MarkECNThreshold, "0.1"),
		validSize("mean_packet_size", c.MeanPacketSize),
		validLimit(c.Limit),
	)
}

// PIE is Proportional Integral controller Enhanced (RFC 8033): it drops at
// random at its tail, with a probability that a controller of the delay
// computes.
//
// Of the two ways to know the delay (§4.3) it takes the timestamps: the sample
// is how long the packet waited that left last, and 0 once the queue is empty.
// It is always active (§5.3 is optional).
type PIE struct {
	capacity
	c      PIEConfig
	random *rng.Stream
	fifo   packet.FIFO

	dropProb, accuProb float64
	qdelay, qdelayOld  time.Duration
	burst              time.Duration
	halfTarget         time.Duration
	targetSec          float64
}

// NewPIE returns an empty queue.
func NewPIE(c PIEConfig, random *rng.Stream) *PIE {
	must(c.Validate())
	return &PIE{
		capacity: newCapacity(c.Limit), c: c, random: random,
		burst: c.MaxBurst, halfTarget: c.Target / 2, targetSec: c.Target.Seconds(),
	}
}

// DropProbability returns the probability at present.
func (q *PIE) DropProbability() float64 { return q.dropProb }

// Enqueue appends p, perhaps marked, or refuses it.
func (q *PIE) Enqueue(_ simtime.Time, p *packet.Packet, _ fabric.DropFunc) fabric.Verdict {
	if q.full(q.fifo.Len(), q.fifo.Bytes(), p.Size) {
		q.accuProb = 0
		return fabric.Dropped
	}
	if q.dropProb <= 0 && q.qdelay < q.halfTarget && q.qdelayOld < q.halfTarget {
		q.burst = q.c.MaxBurst
	}
	if q.burst == 0 && q.dropEarly() {
		q.accuProb = 0
		if !q.c.ECN || q.dropProb >= q.c.MarkECNThreshold || !mark(p) {
			return fabric.Dropped
		}
	}
	q.fifo.Push(p)
	return fabric.Queued
}

// dropEarly draws for the arriving packet (§4.1), unless there is so little
// queued that the link could run dry.
func (q *PIE) dropEarly() bool {
	if q.qdelayOld < q.halfTarget && q.dropProb < 0.2 || q.fifo.Bytes() <= 2*q.c.MeanPacketSize {
		return false
	}
	if q.c.Derandomize {
		if q.dropProb <= 0 {
			q.accuProb = 0
		}
		q.accuProb += q.dropProb
		if q.accuProb < 0.85 {
			return false
		}
		if q.accuProb >= 8.5 {
			return true
		}
	}
	return q.random.Bool(q.dropProb)
}

// Dequeue hands out the oldest packet.
func (q *PIE) Dequeue(now simtime.Time, _ fabric.DropFunc) *packet.Packet {
	p := q.fifo.Pop()
	if p != nil {
		q.qdelay = now.Sub(p.ArrivedAt)
	}
	return p
}

// Period returns Tupdate.
func (q *PIE) Period() time.Duration { return q.c.Tupdate }

// Update computes the probability anew (§4.2).
func (q *PIE) Update(simtime.Time) {
	if q.fifo.Len() == 0 {
		q.qdelay = 0
	}
	now, before := q.qdelay.Seconds(), q.qdelayOld.Seconds()
	p := float64(q.c.Alpha*(now-q.targetSec)) + float64(q.c.Beta*(now-before))
	p = float64(p * tuning(q.dropProb))
	if q.c.CapIncrease && q.dropProb >= 0.1 {
		p = min(p, 0.02)
	}
	q.dropProb += p
	if q.qdelay == 0 && q.qdelayOld == 0 {
		q.dropProb = float64(q.dropProb * 0.98)
	}
	q.dropProb = min(max(q.dropProb, 0), 1)
	q.qdelayOld = q.qdelay
	q.burst = max(q.burst-q.c.Tupdate, 0)
}

// tuning scales the gains to the level of congestion (§4.2).
func tuning(dropProb float64) float64 {
	switch {
	case dropProb < 0.000001:
		return 1.0 / 2048
	case dropProb < 0.00001:
		return 1.0 / 512
	case dropProb < 0.0001:
		return 1.0 / 128
	case dropProb < 0.001:
		return 1.0 / 32
	case dropProb < 0.01:
		return 1.0 / 8
	case dropProb < 0.1:
		return 1.0 / 2
	}
	return 1
}

// Len returns the number of packets waiting.
func (q *PIE) Len() int { return q.fifo.Len() }

// Bytes returns their size.
func (q *PIE) Bytes() units.Bytes { return q.fifo.Bytes() }
