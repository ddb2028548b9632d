package aqm

import (
	"fmt"
	"math"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// CoDelConfig are the parameters of [CoDel].
type CoDelConfig struct {
	// Target is the queue delay that may persist (RFC 8289 §4.3). Default 5 ms.
	Target time.Duration
	// Interval is in the order of the largest round-trip time (§4.2) and the
	// first spacing of drops. Default 100 ms.
	Interval time.Duration
	// MTU: nothing is dropped while no more than this is queued. Default 1500 B.
	MTU units.Bytes
	// ECN marks ECN-capable packets instead of dropping them.
	ECN bool
	// Limit of the queue itself, in one measure. Default 1000 packets.
	Limit fabric.Limit
}

// DefaultCoDel returns the values for the Internet (RFC 8289 §4.5).
func DefaultCoDel() CoDelConfig {
	return CoDelConfig{Target: 5 * time.Millisecond, Interval: 100 * time.Millisecond, MTU: MTU, Limit: DefaultLimit}
}

// Validate reports the first parameter that is out of range.
func (c CoDelConfig) Validate() error {
	return firstError(validCoDel(c.Target, c.Interval, c.MTU), validLimit(c.Limit))
}

func validCoDel(target, interval time.Duration, mtu units.Bytes) error {
	if err := firstError(
		validDuration("target", target, "5ms"),
		validDuration("interval", interval, "100ms"),
		validSize("MTU", mtu),
	); err != nil {
		return err
	}
	if target >= interval {
		return fmt.Errorf("target %v isn't below interval %v: write 5 to 10 %% of the interval", target, interval)
	}
	return nil
}

// CoDel is Controlled Delay (RFC 8289): one FIFO whose head is dropped ever
// more often while the delay stays above the target.
type CoDel struct {
	capacity
	law   codelLaw
	state codelState
	fifo  packet.FIFO
}

// NewCoDel returns an empty queue.
func NewCoDel(c CoDelConfig) *CoDel {
	must(c.Validate())
	return &CoDel{
		capacity: newCapacity(c.Limit),
		law:      codelLaw{target: c.Target, interval: c.Interval, mtu: c.MTU, ecn: c.ECN},
	}
}

// Enqueue appends p or refuses it; a refusal isn't CoDel's doing and doesn't
// enter its count.
func (q *CoDel) Enqueue(_ simtime.Time, p *packet.Packet, _ fabric.DropFunc) fabric.Verdict {
	if q.full(q.fifo.Len(), q.fifo.Bytes(), p.Size) {
		return fabric.Dropped
	}
	q.fifo.Push(p)
	return fabric.Queued
}

// Dequeue hands out a packet after dropping those before it that are due.
func (q *CoDel) Dequeue(now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	return q.state.dequeue(now, &q.law, &q.fifo, 0, drop)
}

// Dropping reports whether the controller is in drop state.
func (q *CoDel) Dropping() bool { return q.state.dropping }

// Len returns the number of packets waiting.
func (q *CoDel) Len() int { return q.fifo.Len() }

// Bytes returns their size.
func (q *CoDel) Bytes() units.Bytes { return q.fifo.Bytes() }

// codelLaw is what the queues of one link have in common.
type codelLaw struct {
	target, interval time.Duration
	mtu              units.Bytes
	ecn              bool
}

// next is when the drop after the given number of drops follows (§5.6).
func (l *codelLaw) next(t simtime.Time, count uint32) simtime.Time {
	return t.Add(time.Duration(float64(l.interval) / math.Sqrt(float64(count))))
}

// codelState is the controller of one queue (§5.2). A firstAbove of 0 isn't set.
type codelState struct {
	firstAbove, dropNext simtime.Time
	count, lastCount     uint32
	dropping             bool
}

// dequeue takes the next packet from q and applies the control law (§5.5).
// others is what the link's other queues hold (§4.4).
func (s *codelState) dequeue(now simtime.Time, law *codelLaw, q *packet.FIFO, others units.Bytes, drop fabric.DropFunc) *packet.Packet {
	p, above := s.pop(now, law, q, others)
	switch {
	case s.dropping && !above:
		s.dropping = false
	case s.dropping:
		for s.dropping && now >= s.dropNext {
			s.count++
			if law.ecn && mark(p) {
				s.dropNext = law.next(s.dropNext, s.count)
				break
			}
			drop(p)
			if p, above = s.pop(now, law, q, others); above {
				s.dropNext = law.next(s.dropNext, s.count)
			} else {
				s.dropping = false
			}
		}
	case above:
		if !law.ecn || !mark(p) {
			drop(p)
			p, _ = s.pop(now, law, q, others)
		}
		s.enterDropState(now, law)
	}
	return p
}

// enterDropState starts with the rate of drops that controlled the queue last
// time, if that was a short time ago.
func (s *codelState) enterDropState(now simtime.Time, law *codelLaw) {
	s.dropping = true
	delta := s.count - s.lastCount
	s.count = 1
	if delta > 1 && now.Sub(s.dropNext) < 16*law.interval {
		s.count = delta
	}
	s.dropNext = law.next(now, s.count)
	s.lastCount = s.count
}

// pop reports with the packet whether the delay has been above the target for
// an interval (§5.6).
func (s *codelState) pop(now simtime.Time, law *codelLaw, q *packet.FIFO, others units.Bytes) (p *packet.Packet, above bool) {
	p = q.Pop()
	switch {
	case p == nil || now.Sub(p.ArrivedAt) < law.target || q.Bytes()+others <= law.mtu:
		s.firstAbove = 0
	case s.firstAbove == 0:
		s.firstAbove = now.Add(law.interval)
	case now >= s.firstAbove:
		return p, true
	}
	return p, false
}
