package wifi

import (
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// classified is a queue from which a channel takes packets by access category.
type classified interface {
	choose(AccessCategory)
	lenOf(AccessCategory) int
}

// ClassQueue is the queue of a link on a channel with WMM: one queue discipline
// for each access category, to which packets go by their DSCP.
type ClassQueue struct {
	inner  [categories]fabric.Queue
	chosen AccessCategory
}

// NewClassQueue calls newQueue for each category. What it returns is a *ClassQueue,
// and a [fabric.Periodic] if the queues made are.
func NewClassQueue(newQueue func() fabric.Queue) fabric.Queue {
	q := &ClassQueue{}
	periodic := false
	for i := range q.inner {
		q.inner[i] = newQueue()
		_, periodic = q.inner[i].(fabric.Periodic)
	}
	if periodic {
		return periodicClassQueue{q}
	}
	return q
}

// Enqueue gives the packet to the queue of its category.
func (q *ClassQueue) Enqueue(now simtime.Time, p *packet.Packet, drop fabric.DropFunc) fabric.Verdict {
	return q.inner[CategoryOf(UserPriority(p.DSCP))].Enqueue(now, p, drop)
}

// Dequeue takes a packet of the category that the channel has chosen.
func (q *ClassQueue) Dequeue(now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	return q.inner[q.chosen].Dequeue(now, drop)
}

// Len returns the number of packets in all categories.
func (q *ClassQueue) Len() int {
	n := 0
	for _, i := range q.inner {
		n += i.Len()
	}
	return n
}

// Bytes returns their size.
func (q *ClassQueue) Bytes() units.Bytes {
	var n units.Bytes
	for _, i := range q.inner {
		n += i.Bytes()
	}
	return n
}

// SetRate tells each queue the whole rate.
func (q *ClassQueue) SetRate(r units.BitRate) {
	for _, i := range q.inner {
		if i, ok := i.(fabric.RateAware); ok {
			i.SetRate(r)
		}
	}
}

func (q *ClassQueue) choose(a AccessCategory)    { q.chosen = a }
func (q *ClassQueue) lenOf(a AccessCategory) int { return q.inner[a].Len() }

type periodicClassQueue struct{ *ClassQueue }

// Period is that of the queues inside.
func (q periodicClassQueue) Period() time.Duration {
	return q.inner[0].(fabric.Periodic).Period()
}

// Update updates all of them.
func (q periodicClassQueue) Update(now simtime.Time) {
	for _, i := range q.inner {
		i.(fabric.Periodic).Update(now)
	}
}
