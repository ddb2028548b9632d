package fabric

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Verdict is what a queue did with a packet.
type Verdict uint8

// The verdicts.
const (
	Queued  Verdict = iota
	Dropped         // refused; the caller still owns it
)

// DropFunc takes a packet that a queue drops after having accepted it.
type DropFunc func(p *packet.Packet)

// Queue is a queue discipline. It owns p unless Enqueue returns Dropped. What
// it drops after having accepted it, when another packet comes (FQ-CoDel) or
// when one leaves (CoDel), it hands to drop, which counts and releases it.
//
// A discipline marks a packet by setting its ECN field to CE, whenever it likes
// between Enqueue and the end of Dequeue; it only may if the field was ECT(0) or
// ECT(1) (RFC 3168 §5). p.ArrivedAt is when the packet came.
type Queue interface {
	Enqueue(now simtime.Time, p *packet.Packet, drop DropFunc) Verdict
	Dequeue(now simtime.Time, drop DropFunc) *packet.Packet
	Len() int
	Bytes() units.Bytes
}

// RateAware is a queue whose limit depends on the rate of its link. The link
// calls SetRate before the first packet and at every change; the rate is 0 during
// an outage.
type RateAware interface {
	SetRate(r units.BitRate)
}

// Periodic is a queue with work to do at fixed intervals from the start of the
// run, such as PIE.
type Periodic interface {
	Period() time.Duration
	Update(now simtime.Time)
}

// Peeker is a queue that hands out first what came first. Peek returns what Dequeue
// would; nil when it is empty.
type Peeker interface {
	Peek() *packet.Packet
}

// Limit is the length of a queue in exactly one of three measures.
type Limit struct {
	// Time is how long the queue takes to drain at the link's present rate:
	// bytes = seconds · bit/s / 8 (RFC 8868 §4.3).
	Time    time.Duration
	Bytes   units.Bytes
	Packets int
}

// DropTail refuses what would exceed its limit. An empty queue takes any
// packet. A limit that shrinks because the rate fell doesn't drop what is
// queued already.
type DropTail struct {
	limit Limit
	bytes units.Bytes // the limit in bytes, unless it is in packets
	fifo  packet.FIFO
}

// NewDropTail returns an empty queue.
func NewDropTail(limit Limit) *DropTail {
	return &DropTail{limit: limit, bytes: limit.Bytes}
}

// SetRate adapts a limit in time. During an outage the limit stays what it was.
func (q *DropTail) SetRate(r units.BitRate) {
	if q.limit.Time > 0 && r > 0 {
		q.bytes = r.BytesIn(q.limit.Time)
	}
}

// Enqueue appends p or refuses it.
func (q *DropTail) Enqueue(_ simtime.Time, p *packet.Packet, _ DropFunc) Verdict {
	if q.fifo.Len() > 0 {
		if q.limit.Packets > 0 {
			if q.fifo.Len() >= q.limit.Packets {
				return Dropped
			}
		} else if q.fifo.Bytes()+p.Size > q.bytes {
			return Dropped
		}
	}
	q.fifo.Push(p)
	return Queued
}

// Dequeue hands out the oldest packet.
func (q *DropTail) Dequeue(simtime.Time, DropFunc) *packet.Packet { return q.fifo.Pop() }

// Peek returns the oldest packet.
func (q *DropTail) Peek() *packet.Packet { return q.fifo.Peek() }

// Len returns the number of packets waiting.
func (q *DropTail) Len() int { return q.fifo.Len() }

// Bytes returns their size.
func (q *DropTail) Bytes() units.Bytes { return q.fifo.Bytes() }
