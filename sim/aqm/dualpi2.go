package aqm

import (
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// DualPI2 is the Dual-Queue Coupled AQM with a PI2 controller (RFC 9332
// Appendix A, with the edge cases of A.2): a queue for L4S traffic with little
// delay and one for Classic traffic, whose congestion signals are coupled so
// that flows of both kinds get equal rates.
//
// Delays are times that packets have waited. A weighted round-robin chooses
// between the queues, as A.2 recommends over a time-shifted FIFO.
type DualPI2 struct {
	capacity
	c            DualPI2Config
	low, classic dualHalf

	p   float64 // p', the base probability
	pCL float64 // coupled probability of L4S marks, at most 1
	pC  float64 // probability of Classic drops or marks
	max float64 // p_Cmax: from here on there is overload

	prevq time.Duration
	// credit chooses the queue while both have packets: the L queue unless it
	// is positive. In bytes times the other queue's weight.
	credit float64
}

// dualHalf is one of the two queues.
type dualHalf struct {
	packet.FIFO
	head  *packet.Packet
	count float64 // what recur has accumulated
}

func (h *dualHalf) push(p *packet.Packet) {
	h.Push(p)
	if h.head == nil {
		h.head = p
	}
}

func (h *dualHalf) pop() *packet.Packet {
	h.head = h.head.Next
	return h.Pop()
}

// time returns how long the first packet has waited (A.1 note a).
func (h *dualHalf) time(now simtime.Time) time.Duration {
	if h.head == nil {
		return 0
	}
	return now.Sub(h.head.ArrivedAt)
}

// recur returns true with the given likelihood, evenly spaced (Figure 4).
func (h *dualHalf) recur(likelihood float64) bool {
	h.count += likelihood
	if h.count > 1 {
		h.count--
		return true
	}
	return false
}

// NewDualPI2 returns an empty queue. It draws no random numbers.
func NewDualPI2(c DualPI2Config) *DualPI2 {
	must(c.Validate())
	if c.Low == nil {
		c.Low = func(p *packet.Packet) bool { return p.ECN&1 == 1 }
	}
	q := &DualPI2{capacity: newCapacity(c.Limit), c: c, max: 1 / float64(c.K*c.K)}
	q.favourLow()
	return q
}

// BaseProbability returns p'.
func (q *DualPI2) BaseProbability() float64 { return q.p }

// Enqueue appends p to the queue it belongs to or refuses it.
func (q *DualPI2) Enqueue(_ simtime.Time, p *packet.Packet, _ fabric.DropFunc) fabric.Verdict {
	// An MTU of room is demanded whatever the packet's size, which favours
	// none (Figure 3).
	if q.full(q.Len(), q.Bytes(), q.c.MTU) {
		return fabric.Dropped
	}
	if q.c.Low(p) {
		q.low.push(p)
	} else {
		q.classic.push(p)
	}
	return fabric.Queued
}

// Dequeue hands out a packet, marked or after dropping others (Figure 7).
func (q *DualPI2) Dequeue(now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	for q.low.head != nil || q.classic.head != nil {
		backlog := q.Bytes()
		both := q.low.head != nil && q.classic.head != nil
		isLow := q.classic.head == nil || both && q.credit <= 0
		var p *packet.Packet
		var passes bool
		if isLow {
			p = q.low.pop()
			passes = q.signalLow(p, now.Sub(p.ArrivedAt), backlog)
		} else {
			p = q.classic.pop()
			passes = q.signalClassic(p, backlog)
		}
		if !passes {
			drop(p)
			continue
		}
		if both {
			q.charge(p, isLow)
		}
		return p
	}
	q.favourLow()
	return nil
}

// charge moves the credit only while the queues compete (A.1), so that a paced
// L4S flow may never have to wait.
func (q *DualPI2) charge(p *packet.Packet, isLow bool) {
	if isLow {
		q.credit += float64(q.c.ClassicWeight * float64(p.Size))
	} else {
		q.credit -= float64((1 - q.c.ClassicWeight) * float64(p.Size))
	}
}

// favourLow gives the L queue a full round before the Classic queue's turn.
func (q *DualPI2) favourLow() {
	q.credit = -float64((1 - q.c.ClassicWeight) * float64(q.c.MTU))
}

// signalLow marks a packet of the L queue that has waited for the given time,
// and returns false if it must be dropped.
func (q *DualPI2) signalLow(p *packet.Packet, wait time.Duration, backlog units.Bytes) bool {
	pCL, pC := q.probabilities(backlog)
	if pCL >= 1 { // overload: drop as in the Classic queue, and mark the rest
		if q.low.recur(pC) {
			return false
		}
		mark(p)
		return true
	}
	pL := pCL
	if q.low.Len()+1 > q.c.MinLength {
		pL = max(q.native(wait), pCL)
	}
	if p.ECN == packet.ECT1 || p.ECN == packet.CE {
		if q.low.recur(pL) {
			mark(p)
		}
		return true
	}
	// Others come here only by another classifier. Their signal suits Classic
	// congestion control (§2.5.1.1).
	x := pL / q.c.K
	return !q.low.recur(float64(x*x)) || mark(p)
}

// native is the L queue's own AQM (Figure 5): a ramp, or a step.
func (q *DualPI2) native(wait time.Duration) float64 {
	switch over := wait - q.c.MinThreshold; {
	case over >= q.c.Range:
		return 1
	case over > 0:
		return float64(over) / float64(q.c.Range)
	}
	return 0
}

// signalClassic marks a packet of the Classic queue, and returns false if it
// must be dropped.
func (q *DualPI2) signalClassic(p *packet.Packet, backlog units.Bytes) bool {
	pCL, pC := q.probabilities(backlog)
	overload := pC >= q.max
	if p.ECN == packet.ECT1 && !overload { // by another classifier (§2.5.1.1)
		if q.classic.recur(pCL) {
			mark(p)
		}
		return true
	}
	if !q.classic.recur(pC) {
		return true
	}
	return q.c.ECN && !overload && mark(p)
}

func (q *DualPI2) probabilities(backlog units.Bytes) (pCL, pC float64) {
	if backlog < q.c.MinBacklog {
		return 0, 0
	}
	return q.pCL, q.pC
}

// Period returns Tupdate.
func (q *DualPI2) Period() time.Duration { return q.c.Tupdate }

// Update computes the base probability anew, from the queue with the greater
// delay (Figure 8).
func (q *DualPI2) Update(now simtime.Time) {
	curq := max(q.classic.time(now), q.low.time(now))
	q.p += float64(q.c.Alpha*(curq-q.c.Target).Seconds()) + float64(q.c.Beta*(curq-q.prevq).Seconds())
	q.p = min(max(q.p, 0), 1)
	q.pCL = min(float64(q.c.K*q.p), 1)
	q.pC = float64(q.p * q.p)
	q.prevq = curq
}

// Len returns the number of packets waiting.
func (q *DualPI2) Len() int { return q.low.Len() + q.classic.Len() }

// Bytes returns their size.
func (q *DualPI2) Bytes() units.Bytes { return q.low.Bytes() + q.classic.Bytes() }
