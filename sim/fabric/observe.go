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
	// PacketMarked: the queue it just left has marked p CE (RFC 3168).
	PacketMarked(now simtime.Time, l *Link, p *packet.Packet)
	// PacketDuplicated: p is a copy that an impairment made.
	PacketDuplicated(now simtime.Time, l *Link, p *packet.Packet)
	// PacketDropped: p is gone. l is nil if that happened at a node.
	PacketDropped(now simtime.Time, l *Link, p *packet.Packet, why DropReason)
	// PacketDelivered: p came to its destination.
	PacketDelivered(now simtime.Time, p *packet.Packet)
	// LinkChanged: a schedule changed the link.
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
	Policed                        // a policer found it above its rate
	RetryLimit                     // the medium gave up sending it
	Blocked                        // a middlebox
	BadChecksum                    // damaged on the way, and found out by its receiver

	DropReasons int = iota // how many there are
)

var dropReasons = [...]string{
	NoRoute: "no-route", RandomLoss: "random-loss", QueueFull: "queue-full", QueueDropped: "queue-dropped",
	Policed: "policed", RetryLimit: "retry-limit", Blocked: "blocked", BadChecksum: "bad-checksum",
}

// String returns the reason as events print it.
func (r DropReason) String() string { return dropReasons[r] }

// Nobody is an observer that ignores everything.
var Nobody Observer = nobody{}

type nobody struct{}

func (nobody) PacketSent(simtime.Time, *packet.Packet)                           {}
func (nobody) PacketArrived(simtime.Time, *Link, *packet.Packet)                 {}
func (nobody) PacketDequeued(simtime.Time, *Link, *packet.Packet, time.Duration) {}
func (nobody) PacketTransmitted(simtime.Time, *Link, *packet.Packet)             {}
func (nobody) PacketMarked(simtime.Time, *Link, *packet.Packet)                  {}
func (nobody) PacketDuplicated(simtime.Time, *Link, *packet.Packet)              {}
func (nobody) PacketDropped(simtime.Time, *Link, *packet.Packet, DropReason)     {}
func (nobody) PacketDelivered(simtime.Time, *packet.Packet)                      {}
func (nobody) LinkChanged(simtime.Time, *Link)                                   {}
