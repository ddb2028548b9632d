package fabric

import (
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// Observer is told what happens to packets. It looks and takes no part: it
// neither keeps nor changes the packet.
type Observer interface {
	// PacketSent: p entered the network.
	PacketSent(now simtime.Time, p *packet.Packet)
	// PacketArrived: p came to a link.
	PacketArrived(now simtime.Time, l *Link, p *packet.Packet)
	// PacketDequeued: p left the queue after the given wait, and its
	// serialization starts.
	PacketDequeued(now simtime.Time, l *Link, p *packet.Packet, wait time.Duration)
	// PacketTransmitted: the last bit of p left the serializer.
	PacketTransmitted(now simtime.Time, l *Link, p *packet.Packet)
	// PacketDropped: p is gone. l is nil if there was no route.
	PacketDropped(now simtime.Time, l *Link, p *packet.Packet, why DropReason)
	// PacketDelivered: p came to its destination.
	PacketDelivered(now simtime.Time, p *packet.Packet)
	// LinkChanged: a schedule changed rate, delay or loss.
	LinkChanged(now simtime.Time, l *Link)
}

// DropReason says why a packet was dropped.
type DropReason uint8

// The reasons.
const (
	NoRoute      DropReason = iota // nobody has the destination address
	RandomLoss                     // the link's loss model
	QueueFull                      // the queue discipline refused it
	QueueDropped                   // the queue discipline dropped it later
)

// String returns the reason as events print it.
func (r DropReason) String() string {
	switch r {
	case NoRoute:
		return "no-route"
	case RandomLoss:
		return "random-loss"
	case QueueFull:
		return "queue-full"
	case QueueDropped:
		return "queue-dropped"
	}
	return "unknown"
}

// Nobody is an observer that ignores everything.
var Nobody Observer = nobody{}

type nobody struct{}

func (nobody) PacketSent(simtime.Time, *packet.Packet)                           {}
func (nobody) PacketArrived(simtime.Time, *Link, *packet.Packet)                 {}
func (nobody) PacketDequeued(simtime.Time, *Link, *packet.Packet, time.Duration) {}
func (nobody) PacketTransmitted(simtime.Time, *Link, *packet.Packet)             {}
func (nobody) PacketDropped(simtime.Time, *Link, *packet.Packet, DropReason)     {}
func (nobody) PacketDelivered(simtime.Time, *packet.Packet)                      {}
func (nobody) LinkChanged(simtime.Time, *Link)                                   {}
