package fabric

import (
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Unlimited is the rate of a link without a serializer.
const Unlimited units.BitRate = -1

// LinkConfig describes one direction of a link.
type LinkConfig struct {
	Name string // such as bottleneck/forward
	// Rate of the serializer; 0 is an outage, [Unlimited] none at all.
	Rate units.BitRate
	// Delay is the propagation delay.
	Delay time.Duration
	// Loss is the probability that a packet is lost before the queue,
	// independently of all others.
	Loss float64
	// Queue is needed unless the rate is Unlimited for good.
	Queue Queue
	// Jitter may be nil.
	Jitter Jitter
}

// Link is one direction: loss, then queue, then serializer, then propagation
// and jitter, each separate. A packet in propagation doesn't occupy the queue.
type Link struct {
	LinkConfig
	fabric *Fabric
	index  uint32
	to     *Node
	random *rng.Stream
	stats  LinkStats

	serializing *packet.Packet
	serialStart simtime.Time // of the part of the packet that goes at the present rate
	serialBits  int64        // left at serialStart
	serialTimer *engine.Timer

	flight      flight
	flightTimer *engine.Timer
	dropLater   DropFunc
}

// LinkStats counts packets of one link.
type LinkStats struct {
	Arrived   uint64 // came to the link
	Lost      uint64 // by the loss model
	Refused   uint64 // by the queue, at its tail
	Discarded uint64 // by the queue, later
	Marked    uint64 // CE by the queue
	Delivered uint64 // reached the next node
}

// AddLink adds one direction of a link.
func (f *Fabric) AddLink(from, to *Node, c LinkConfig) *Link {
	l := &Link{LinkConfig: c, fabric: f, index: uint32(len(f.links)), to: to}
	if l.Queue == nil {
		l.Queue = NewDropTail(Limit{Bytes: 1 << 40})
	}
	l.random = f.random.Stream("link/" + c.Name + "/loss")
	l.serialTimer = f.loop.NewTimer(engine.HandlerFunc(l.serialized))
	l.flightTimer = f.loop.NewTimer(engine.HandlerFunc(l.arrived))
	l.dropLater = func(p *packet.Packet) {
		l.stats.Discarded++
		f.drop(f.loop.Now(), l, p, QueueDropped)
	}
	if q, ok := l.Queue.(RateAware); ok && c.Rate >= 0 {
		q.SetRate(c.Rate)
	}
	from.out = append(from.out, l)
	f.links = append(f.links, l)
	return l
}

// Stats returns the counts so far.
func (l *Link) Stats() LinkStats { return l.stats }

// Dropped returns how many packets the link lost for whatever reason.
func (s LinkStats) Dropped() uint64 { return s.Lost + s.Refused + s.Discarded }

// Index numbers the links of a fabric from 0 in the order they were added.
func (l *Link) Index() int { return int(l.index) }

// InFlight returns how many packets are in the queue, the serializer and in
// propagation.
func (l *Link) InFlight() int {
	n := l.Queue.Len() + l.flight.len()
	if l.serializing != nil {
		n++
	}
	return n
}

func (l *Link) receive(now simtime.Time, p *packet.Packet) {
	f := l.fabric
	l.stats.Arrived++
	f.digest.event(now, evArrived, l.index, p)
	f.observer.PacketArrived(now, l, p)
	if l.Loss > 0 && l.random.Bool(l.Loss) {
		l.stats.Lost++
		f.drop(now, l, p, RandomLoss)
		return
	}
	p.ArrivedAt = now
	if l.Rate == Unlimited && l.serializing == nil {
		l.propagate(now, p, 0)
		return
	}
	switch l.Queue.Enqueue(now, p) {
	case Dropped:
		l.stats.Refused++
		f.drop(now, l, p, QueueFull)
		return
	case Marked:
		l.stats.Marked++
	case Queued:
	}
	if l.serializing == nil {
		l.startSerializing(now)
	}
}

func (l *Link) startSerializing(now simtime.Time) {
	if l.Rate == 0 {
		return
	}
	p := l.Queue.Dequeue(now, l.dropLater)
	if p == nil {
		return
	}
	f := l.fabric
	f.digest.event(now, evDequeued, l.index, p)
	f.observer.PacketDequeued(now, l, p, now.Sub(p.ArrivedAt))
	l.serializing = p
	l.serialStart = now
	l.serialBits = int64(p.Size) * 8
	l.serialTimer.Set(now.Add(l.serialTime(p)))
}

func (l *Link) serialTime(p *packet.Packet) time.Duration {
	if l.Rate <= 0 {
		return 0
	}
	return l.Rate.TimeToSend(p.Size)
}

func (l *Link) serialized(now simtime.Time) {
	p := l.serializing
	l.serializing = nil
	l.propagate(now, p, l.serialTime(p))
	l.startSerializing(now)
}

func (l *Link) propagate(now simtime.Time, p *packet.Packet, serial time.Duration) {
	f := l.fabric
	f.digest.event(now, evTransmitted, l.index, p)
	f.observer.PacketTransmitted(now, l, p)
	at := now.Add(l.Delay)
	if l.Jitter != nil {
		at = l.Jitter.Exit(at, serial)
	}
	if l.flight.push(at, p) {
		l.flightTimer.Set(at)
	}
}

func (l *Link) arrived(now simtime.Time) {
	p := l.flight.pop()
	if next := l.flight.next(); next != simtime.Never {
		l.flightTimer.Set(next)
	}
	l.stats.Delivered++
	l.fabric.forward(now, l.to, p)
}
