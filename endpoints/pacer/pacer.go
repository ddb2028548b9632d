// Package pacer spreads packets over time: the rate-shaping buffer between
// encoders and the network.
package pacer

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Class says how a packet waits.
type Class uint8

// The classes. Urgent packets (audio) go at once, and their time is made up for by
// the others; repairs go before what is new.
const (
	Urgent Class = iota
	Repair
	Normal
	classes
)

// Pacer lets packets go at a rate.
type Pacer struct {
	rate   units.BitRate
	free   simtime.Time // when the next packet may go
	window bool
	room   units.Bytes // left in the window
	queues [classes]packet.FIFO
}

// SetRate sets the rate; 0 stops everything but urgent packets.
func (p *Pacer) SetRate(r units.BitRate) { p.rate = r }

// Rate returns the rate.
func (p *Pacer) Rate() units.BitRate { return p.rate }

// SetRoom sets what may go before the window is full, from where on all but urgent
// packets wait.
func (p *Pacer) SetRoom(n units.Bytes) { p.window, p.room = true, n }

// Open takes the window away.
func (p *Pacer) Open() { p.window = false }

// Hurry makes the next packet go at once, however long ago the last one went.
func (p *Pacer) Hurry(now simtime.Time) { p.free = min(p.free, now) }

// Free returns when something may go if there is something, whatever the window.
func (p *Pacer) Free() simtime.Time {
	if p.rate <= 0 {
		return simtime.Never
	}
	return p.free
}

// Push takes ownership of a packet.
func (p *Pacer) Push(q *packet.Packet, c Class) { p.queues[c].Push(q) }

// Pop hands out a packet that may go now; nil if there is none.
func (p *Pacer) Pop(now simtime.Time) *packet.Packet {
	q := p.queues[Urgent].Pop()
	if q == nil {
		if p.rate <= 0 || now < p.free || p.full() {
			return nil
		}
		if q = p.waiting().Pop(); q == nil {
			return nil
		}
	}
	if p.rate > 0 {
		p.free = max(p.free, now).Add(p.rate.TimeToSend(q.Size))
	}
	return q
}

// waiting returns the queue whose turn it is after the urgent packets.
func (p *Pacer) waiting() *packet.FIFO {
	if p.queues[Repair].Len() > 0 {
		return &p.queues[Repair]
	}
	return &p.queues[Normal]
}

// full reports whether the window has no room for the packet that waits first.
func (p *Pacer) full() bool {
	q := p.waiting().Peek()
	return p.window && q != nil && q.Size > p.room
}

// Next returns when the next packet may go; Never if none waits, or if that depends on
// the window.
func (p *Pacer) Next() simtime.Time {
	switch {
	case p.queues[Urgent].Len() > 0:
		return 0
	case p.Len() == 0 || p.rate <= 0 || p.full():
		return simtime.Never
	}
	return p.free
}

// Backlog returns the bytes that wait.
func (p *Pacer) Backlog() units.Bytes {
	return p.queues[Urgent].Bytes() + p.queues[Repair].Bytes() + p.queues[Normal].Bytes()
}

// Len returns the number of packets that wait.
func (p *Pacer) Len() int {
	return p.queues[Urgent].Len() + p.queues[Repair].Len() + p.queues[Normal].Len()
}

// Delay returns how long the backlog takes at the present rate; 0 if the rate
// is 0.
func (p *Pacer) Delay() time.Duration {
	if p.rate <= 0 {
		return 0
	}
	return p.rate.TimeToSend(p.Backlog())
}
