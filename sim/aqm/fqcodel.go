package aqm

import (
	"fmt"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// FQCoDelConfig are the parameters of [FQCoDel] (RFC 8290 §5.2).
type FQCoDelConfig struct {
	// Target and Interval of every flow's CoDel. Default 5 ms and 100 ms.
	Target, Interval time.Duration
	// MTU: CoDel drops nothing while the link has no more than this queued.
	// Default 1500 B.
	MTU units.Bytes
	// Flows is how many queues 5-tuples are hashed into. Default 1024.
	Flows int
	// Quantum is what a flow may send in its turn. Default 1514 B.
	Quantum units.Bytes
	// Limit of packets in all queues. Default 10240.
	Limit int
	// MemoryLimit of bytes in all queues; 0, the default, is none.
	MemoryLimit units.Bytes
	// ECN marks ECN-capable packets instead of dropping them. Default on.
	ECN bool
	// CEThreshold marks ECN-capable packets that waited for longer than this,
	// whatever CoDel says (§5.2.7); 0, the default, never does.
	CEThreshold time.Duration
}

// DefaultFQCoDel returns the RFC's defaults.
func DefaultFQCoDel() FQCoDelConfig {
	return FQCoDelConfig{
		Target: 5 * time.Millisecond, Interval: 100 * time.Millisecond, MTU: MTU,
		Flows: 1024, Quantum: 1514, Limit: 10240, ECN: true,
	}
}

// Validate reports the first parameter that is out of range.
func (c FQCoDelConfig) Validate() error {
	if err := firstError(validCoDel(c.Target, c.Interval, c.MTU), validSize("quantum", c.Quantum)); err != nil {
		return err
	}
	switch {
	case c.Flows < 1 || c.Flows > 1<<20:
		return fmt.Errorf("flows is %d: write a number from 1 to %d, such as 1024", c.Flows, 1<<20)
	case c.Limit < 1:
		return fmt.Errorf("limit is %d packets: write a number greater than zero, such as 10240", c.Limit)
	case c.MemoryLimit < 0:
		return fmt.Errorf("memory_limit is %v: write a size, or 0 for none", c.MemoryLimit)
	case c.CEThreshold < 0:
		return fmt.Errorf("ce_threshold is %v: write a duration, or 0 for none", c.CEThreshold)
	}
	return nil
}

// FQCoDel is FlowQueue-CoDel (RFC 8290): deficit round-robin over flows, each
// with a CoDel of its own, where flows that don't build a queue go first.
type FQCoDel struct {
	c        FQCoDelConfig
	law      codelLaw
	hash     tupleHash
	flows    []flow
	newFlows flowList
	oldFlows flowList
	n        int
	bytes    units.Bytes
}

// flow is one of the queues. It is in one of the lists while it has packets,
// and until its turn has come with none.
type flow struct {
	fifo    packet.FIFO
	codel   codelState
	credits units.Bytes
	next    *flow
	active  bool
}

// NewFQCoDel returns an empty queue. The stream salts the hash of the run.
func NewFQCoDel(c FQCoDelConfig, random *rng.Stream) *FQCoDel {
	must(c.Validate())
	return &FQCoDel{
		c:     c,
		law:   codelLaw{target: c.Target, interval: c.Interval, mtu: c.MTU, ecn: c.ECN},
		hash:  newTupleHash(random),
		flows: make([]flow, c.Flows),
	}
}

// Enqueue appends p to its flow's queue. If the queues hold too much then, it
// drops from the longest, which may be p itself.
func (q *FQCoDel) Enqueue(_ simtime.Time, p *packet.Packet, drop fabric.DropFunc) fabric.Verdict {
	f := &q.flows[q.hash.of(p, len(q.flows))]
	f.fifo.Push(p)
	q.n++
	q.bytes += p.Size
	if !f.active {
		f.active = true
		f.credits = q.c.Quantum
		q.newFlows.push(f)
	}
	for q.overfull() {
		q.shed(drop)
	}
	return fabric.Queued
}

func (q *FQCoDel) overfull() bool {
	return q.n > q.c.Limit || q.c.MemoryLimit > 0 && q.bytes > q.c.MemoryLimit
}

// maxShed is how many packets are dropped at most in one go (§4.1).
const maxShed = 64

// shed drops half of the packets of the flow with the most bytes, from its head.
func (q *FQCoDel) shed(drop fabric.DropFunc) {
	fattest := q.newFlows.fattest(q.oldFlows.fattest(nil))
	for range min(max(fattest.fifo.Len()/2, 1), maxShed) {
		p := fattest.fifo.Pop()
		q.n--
		q.bytes -= p.Size
		drop(p)
	}
}

// Dequeue hands out the next packet of the flow whose turn it is (§4.2).
func (q *FQCoDel) Dequeue(now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	for {
		list := &q.newFlows
		if list.head == nil {
			list = &q.oldFlows
		}
		f := list.head
		if f == nil {
			return nil
		}
		if f.credits <= 0 {
			f.credits += q.c.Quantum
			list.pop()
			q.oldFlows.push(f)
			continue
		}
		if p := q.dequeueFrom(f, now, drop); p != nil {
			f.credits -= p.Size
			return p
		}
		// A new flow that ran dry waits behind the old ones once, so that it
		// can't starve them by coming back as new.
		list.pop()
		if list == &q.newFlows {
			q.oldFlows.push(f)
		} else {
			f.active = false
		}
	}
}

func (q *FQCoDel) dequeueFrom(f *flow, now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	n, bytes := f.fifo.Len(), f.fifo.Bytes()
	p := f.codel.dequeue(now, &q.law, &f.fifo, q.bytes-bytes, drop)
	q.n -= n - f.fifo.Len()
	q.bytes -= bytes - f.fifo.Bytes()
	if p != nil && q.c.CEThreshold > 0 && now.Sub(p.ArrivedAt) > q.c.CEThreshold {
		mark(p)
	}
	return p
}

// Len returns the number of packets waiting.
func (q *FQCoDel) Len() int { return q.n }

// Bytes returns their size.
func (q *FQCoDel) Bytes() units.Bytes { return q.bytes }

// flowList is flows in the order of their turns.
type flowList struct{ head, tail *flow }

func (l *flowList) push(f *flow) {
	f.next = nil
	if l.head == nil {
		l.head = f
	} else {
		l.tail.next = f
	}
	l.tail = f
}

func (l *flowList) pop() {
	f := l.head
	l.head = f.next
	f.next = nil
}

// fattest returns the flow with the most bytes, or f if none has more than that.
func (l *flowList) fattest(f *flow) *flow {
	for g := l.head; g != nil; g = g.next {
		if f == nil || g.fifo.Bytes() > f.fifo.Bytes() {
			f = g
		}
	}
	return f
}
