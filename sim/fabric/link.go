package fabric

import (
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Unlimited is the rate of a link without a serializer.
const Unlimited units.BitRate = -1

// LinkConfig describes one direction of a link. What every packet needs stands first, as in a link.
type LinkConfig struct {
	// Rate of the serializer; 0 is an outage, [Unlimited] none at all.
	Rate units.BitRate
	// Delay is the propagation delay.
	Delay time.Duration
	// Queue is needed unless the rate is Unlimited for good.
	Queue Queue
	// Medium, if not nil, takes the serializer's place; Rate is then what the
	// medium nominally carries, and only informs the queue.
	Medium Medium
	// Jitter may be nil.
	Jitter Jitter
	// Impairments are what packets meet before the queue, in order.
	Impairments []Impairment
	Name        string // such as bottleneck/forward
	// Loss is the probability that a packet is lost before the queue,
	// independently of all others and before any other impairment.
	Loss float64
	// Cost is the link's length in the search for routes; 0 means 1.
	Cost int
}

// Link is one direction: impairments, then queue, then serializer or medium,
// then propagation and jitter, each separate. A packet in propagation doesn't
// occupy the queue.
type Link struct {
	fabric *Fabric // what every packet needs stands first
	to     *Node
	index  uint32
	down   bool
	flight flight
	// arrival is due with the first packet in flight, and sending with the last bit of the one in the
	// serializer.
	arrival, sending engine.Timer
	serializer       serializer
	loss             IndependentLoss // before other impairments
	dropLater        DropFunc
	LinkConfig
	stats LinkStats
	from  *Node
}

// arrivals and departures are a link to its timers.
type (
	arrivals   Link
	departures Link
)

// Fire implements [engine.Handler].
func (l *arrivals) Fire(now simtime.Time) { (*Link)(l).arrived(now) }

// Fire implements [engine.Handler].
func (l *departures) Fire(now simtime.Time) { (*Link)(l).serialized(now) }

// LinkStats counts packets of one link.
type LinkStats struct {
	Arrived    uint64 // came to the link
	Delivered  uint64 // reached the next node
	Duplicated uint64 // copies made by impairments
	Damaged    uint64 // by an impairment
	Lost       uint64 // by an impairment
	Policed    uint64 // by a policer
	Refused    uint64 // by the queue, at its tail
	Discarded  uint64 // by the queue, later
	Marked     uint64 // CE by the queue
	Abandoned  uint64 // by the medium
}

// Dropped returns how many packets the link lost for whatever reason.
func (s LinkStats) Dropped() uint64 {
	return s.Lost + s.Policed + s.Refused + s.Discarded + s.Abandoned
}

// AddLink adds one direction of a link.
func (f *Fabric) AddLink(from, to *Node, c LinkConfig) *Link {
	l := &Link{LinkConfig: c, fabric: f, index: uint32(len(f.links)), from: from, to: to}
	if l.Queue == nil {
		l.Queue = NewDropTail(Limit{Bytes: 1 << 40})
	}
	l.Cost = max(l.Cost, 1)
	l.loss = IndependentLoss{P: c.Loss, Random: f.random.Stream("link/" + c.Name + "/loss")}
	f.loop.Init(&l.sending, (*departures)(l))
	f.loop.Init(&l.arrival, (*arrivals)(l))
	l.dropLater = func(p *packet.Packet) {
		l.stats.Discarded++
		f.drop(f.loop.Now(), l, p, QueueDropped)
	}
	if q, ok := l.Queue.(RateAware); ok && c.Rate >= 0 {
		q.SetRate(c.Rate)
	}
	if q, ok := l.Queue.(Periodic); ok {
		f.every(q.Period(), q.Update)
	}
	from.out = append(from.out, l)
	f.links = append(f.links, l)
	if l.Medium != nil {
		l.Medium.Attach(l)
	}
	return l
}

// every calls a function at fixed intervals from one interval on.
func (f *Fabric) every(period time.Duration, do func(simtime.Time)) {
	var timer *engine.Timer
	timer = f.loop.NewTimer(engine.HandlerFunc(func(now simtime.Time) {
		do(now)
		timer.Set(now.Add(period))
	}))
	timer.Set(f.loop.Now().Add(period))
}

// Stats returns the counts so far.
func (l *Link) Stats() LinkStats { return l.stats }

// Index numbers the links of a fabric from 0 in the order they were added.
func (l *Link) Index() int { return int(l.index) }

// From returns the node that the link leaves from.
func (l *Link) From() *Node { return l.from }

// Down reports whether routes avoid the link.
func (l *Link) Down() bool { return l.down }

// To returns the node that the link leads to.
func (l *Link) To() *Node { return l.to }

// InFlight returns how many packets are in the queue, the serializer or medium,
// and in propagation.
func (l *Link) InFlight() int {
	n := l.Queue.Len() + l.flight.len()
	if l.serializer.packet != nil {
		n++
	}
	if l.Medium != nil {
		n += l.Medium.Held(l)
	}
	return n
}

func (l *Link) receive(now simtime.Time, p *packet.Packet) {
	f := l.fabric
	l.stats.Arrived++
	f.digest.event(now, evArrived, l.index, p)
	f.observer.PacketArrived(now, l, p)
	if l.loss.Impair(now, p) == Lose {
		l.stats.Lost++
		f.drop(now, l, p, RandomLoss)
		return
	}
	l.impair(now, p, l.Impairments)
}

// impair sends p through the remaining impairments and on to the queue.
func (l *Link) impair(now simtime.Time, p *packet.Packet, remaining []Impairment) {
	f := l.fabric
	for i, m := range remaining {
		switch m.Impair(now, p) {
		case Pass:
		case Lose:
			l.stats.Lost++
			f.drop(now, l, p, RandomLoss)
			return
		case Police:
			l.stats.Policed++
			f.drop(now, l, p, Policed)
			return
		case Damage:
			l.stats.Damaged++
			p.Damaged = true
		case Duplicate:
			l.stats.Duplicated++
			c := f.pool.Copy(p)
			c.Copied = true
			f.digest.event(now, evDuplicated, l.index, c)
			f.observer.PacketDuplicated(now, l, c)
			l.impair(now, p, remaining[i+1:])
			p = c
		}
	}
	l.enqueue(now, p)
}

func (l *Link) enqueue(now simtime.Time, p *packet.Packet) {
	p.ArrivedAt, p.ECNBefore = now, p.ECN
	if l.Rate == Unlimited && l.Medium == nil && l.serializer.packet == nil {
		l.propagate(now, p, 0)
		return
	}
	if l.Queue.Enqueue(now, p, l.dropLater) == Dropped {
		l.stats.Refused++
		l.fabric.drop(now, l, p, QueueFull)
		return
	}
	switch {
	case l.Medium != nil:
		l.Medium.Backlogged(now, l)
	case l.serializer.packet == nil:
		l.startSerializing(now)
	}
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
		l.arrival.Set(at)
	}
}

func (l *Link) arrived(now simtime.Time) {
	p := l.flight.pop()
	if next := l.flight.next(); next != simtime.Never {
		l.arrival.Set(next)
	}
	l.stats.Delivered++
	l.fabric.forward(now, l.to, p, l)
}
