package aqm

import (
	"fmt"

	"rtpfabric/sim/detmath"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// REDConfig are the parameters of [RED].
type REDConfig struct {
	// MinThreshold and MaxThreshold of the average queue, in packets, or in
	// bytes if InBytes. Default 5 and 15 packets.
	MinThreshold, MaxThreshold float64
	InBytes                    bool
	// MaxP is the probability p_b when the average comes to MaxThreshold, in
	// (0, 1]. Default 0.1.
	MaxP float64
	// Weight of a new sample in the average, w_q, in (0, 1]. Default 0.002.
	Weight float64
	// Gentle lets the probability rise from MaxP to 1 between MaxThreshold and
	// twice that; without it everything is dropped from MaxThreshold on.
	// Default on.
	Gentle bool
	// ECN marks ECN-capable packets where the probability decides. Where
	// everything is dropped they are dropped too (RFC 3168 §7).
	ECN bool
	// MeanPacketSize says how many packets could have been sent while the
	// queue was idle. Default 500 B.
	MeanPacketSize units.Bytes
	// Limit of the queue itself, in one measure. Default 1000 packets.
	Limit fabric.Limit
}

// DefaultRED returns the parameters that the authors recommend.
func DefaultRED() REDConfig {
	return REDConfig{
		MinThreshold: 5, MaxThreshold: 15, MaxP: 0.1, Weight: 0.002, Gentle: true,
		MeanPacketSize: 500, Limit: DefaultLimit,
	}
}

// Validate reports the first parameter that is out of range.
func (c REDConfig) Validate() error {
	if !(c.MinThreshold > 0 && c.MinThreshold < c.MaxThreshold && c.MaxThreshold < 1e12) {
		return fmt.Errorf("min_threshold is %v and max_threshold %v: write two numbers greater than 0, the smaller one first, such as 5 and 15",
			c.MinThreshold, c.MaxThreshold)
	}
	return firstError(
		validProbability("max_p", c.MaxP, "0.1"),
		validProbability("weight", c.Weight, "0.002"),
		validSize("mean_packet_size", c.MeanPacketSize),
		validLimit(c.Limit),
	)
}

// RED is Random Early Detection (Floyd and Jacobson, "Random Early Detection
// Gateways for Congestion Avoidance", 1993; RFC 2309, RFC 7567). Every packet
// counts the same whatever its size. The names are the paper's.
type RED struct {
	capacity
	c      REDConfig
	random *rng.Stream
	fifo   packet.FIFO
	rate   units.BitRate

	avg       float64
	count     int          // packets since the last signal; -1 below MinThreshold
	idleSince simtime.Time // valid while the queue is empty
}

// NewRED returns an empty queue. The link's rate corrects the average for idle
// times; a link that never says its rate gets no such correction.
func NewRED(c REDConfig, random *rng.Stream) *RED {
	must(c.Validate())
	return &RED{capacity: newCapacity(c.Limit), c: c, random: random, count: -1}
}

// SetRate tells the link's rate.
func (q *RED) SetRate(r units.BitRate) {
	q.rate = r
	q.capacity.SetRate(r)
}

// Average returns the average queue, in the unit of the thresholds.
func (q *RED) Average() float64 { return q.avg }

type redAction uint8

const (
	redPass redAction = iota
	redSignal
	redDrop
)

// Enqueue appends p, perhaps marked, or refuses it.
func (q *RED) Enqueue(now simtime.Time, p *packet.Packet, _ fabric.DropFunc) fabric.Verdict {
	q.updateAverage(now)
	switch q.decide() {
	case redDrop:
		return fabric.Dropped
	case redSignal:
		if !q.c.ECN || !mark(p) {
			return fabric.Dropped
		}
	case redPass:
	}
	if q.full(q.fifo.Len(), q.fifo.Bytes(), p.Size) {
		return fabric.Dropped
	}
	q.fifo.Push(p)
	return fabric.Queued
}

func (q *RED) updateAverage(now simtime.Time) {
	if q.fifo.Len() == 0 {
		// As if m small packets had come to an empty queue while it was idle.
		if q.avg > 0 && q.rate > 0 {
			m := now.Sub(q.idleSince).Seconds() / q.rate.TimeToSend(q.c.MeanPacketSize).Seconds()
			q.avg = float64(q.avg * detmath.Exp(float64(m*detmath.Log(1-q.c.Weight))))
		}
		q.idleSince = now
		return
	}
	length := float64(q.fifo.Len())
	if q.c.InBytes {
		length = float64(q.fifo.Bytes())
	}
	q.avg += float64(q.c.Weight * (length - q.avg))
}

// decide draws for the arriving packet. The number of packets between two
// signals is uniform for a given average, not geometric.
func (q *RED) decide() redAction {
	pb := q.probability()
	switch {
	case q.avg < q.c.MinThreshold:
		q.count = -1
		return redPass
	case pb >= 1:
		q.count = 0
		return redDrop
	}
	q.count++
	// p_a = p_b/(1 - count·p_b), drawn without the division.
	if float64(q.random.Float64()*(1-float64(float64(q.count)*pb))) >= pb {
		return redPass
	}
	q.count = 0
	return redSignal
}

// probability returns p_b, which is piecewise linear in the average.
func (q *RED) probability() float64 {
	c := &q.c
	switch {
	case q.avg < c.MinThreshold:
		return 0
	case q.avg < c.MaxThreshold:
		return float64(c.MaxP*(q.avg-c.MinThreshold)) / (c.MaxThreshold - c.MinThreshold)
	case c.Gentle && q.avg < 2*c.MaxThreshold:
		return c.MaxP + float64((1-c.MaxP)*(q.avg-c.MaxThreshold))/c.MaxThreshold
	}
	return 1
}

// Dequeue hands out the oldest packet.
func (q *RED) Dequeue(now simtime.Time, _ fabric.DropFunc) *packet.Packet {
	p := q.fifo.Pop()
	if p != nil && q.fifo.Len() == 0 {
		q.idleSince = now
	}
	return p
}

// Len returns the number of packets waiting.
func (q *RED) Len() int { return q.fifo.Len() }

// Bytes returns their size.
func (q *RED) Bytes() units.Bytes { return q.fifo.Bytes() }
