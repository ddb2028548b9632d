package fabric

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Medium takes the place of a link's serializer. It decides when the packets of
// the link's queue leave, and may do so for several links that compete: a radio
// channel, a cell, a shaper. It takes packets from the queue with [Link.Take],
// and hands each one on with [Link.Transmit] or gives it up with [Link.Abandon].
type Medium interface {
	// Attach adds a link; it is called once, when the link is made.
	Attach(l *Link)
	// Backlogged is called whenever the link's queue has taken a packet. It
	// may take packets at once.
	Backlogged(now simtime.Time, l *Link)
	// Held returns how many of the link's packets the medium has taken and not
	// yet handed on.
	Held(l *Link) int
}

// Adjustable is a medium whose rate [Link.SetRate] changes.
type Adjustable interface {
	SetRate(now simtime.Time, r units.BitRate)
}

// Take removes the next packet from the link's queue; nil when it is empty. The
// medium owns it.
func (l *Link) Take(now simtime.Time) *packet.Packet {
	p := l.Queue.Dequeue(now, l.dropLater)
	if p == nil {
		return nil
	}
	f := l.fabric
	f.digest.event(now, evDequeued, l.index, p)
	if p.ECN != p.ECNBefore {
		l.stats.Marked++
		f.observer.PacketMarked(now, l, p)
	}
	f.observer.PacketDequeued(now, l, p, now.Sub(p.ArrivedAt))
	return p
}

// Transmit takes a packet back whose last bit left the medium. serial is how
// long its transmission took.
func (l *Link) Transmit(now simtime.Time, p *packet.Packet, serial time.Duration) {
	l.propagate(now, p, serial)
}

// Abandon takes a packet back that the medium couldn't transmit.
func (l *Link) Abandon(now simtime.Time, p *packet.Packet) {
	l.stats.Abandoned++
	l.fabric.drop(now, l, p, RetryLimit)
}
