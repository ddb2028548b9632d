package aqm

import (
	"fmt"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Band is one class of traffic with a queue of its own.
type Band struct {
	// Name is for whoever reads results, such as EF.
	Name string
	// Queue is any discipline, another Bands included.
	Queue fabric.Queue
	// Weight of the band among those that have packets, from 1. Only a weighted
	// scheduler uses it.
	Weight int
}

// Scheduler is how bands take turns.
type Scheduler uint8

// The schedulers.
const (
	// Strict serves a band only while those before it are empty.
	Strict Scheduler = iota
	// Weighted shares the rate by the bands' weights: deficit round-robin
	// (Shreedhar and Varghese, 1995) with weights.
	Weighted
)

// BandsConfig are the parameters of [Bands].
type BandsConfig struct {
	// Bands in order of priority. At least one.
	Bands []Band
	// Classifier chooses a packet's band. A number that no band has is the
	// last band's.
	Classifier Classifier
	// Scheduler is Strict unless told otherwise.
	Scheduler Scheduler
	// Quantum is what a band of weight 1 may send in a turn. Default 1500 B.
	Quantum units.Bytes
}

// Validate reports the first parameter that is out of range.
func (c BandsConfig) Validate() error {
	switch {
	case len(c.Bands) == 0:
		return fmt.Errorf("bands is empty: write one band at least")
	case c.Classifier == nil:
		return fmt.Errorf("classifier is missing: write what chooses the band, such as DSCP")
	case c.Scheduler > Weighted:
		return fmt.Errorf("scheduler is %d: write strict or weighted", c.Scheduler)
	case c.Quantum < 0:
		return fmt.Errorf("quantum is %v: write a size greater than zero, such as %v", c.Quantum, MTU)
	}
	for i, b := range c.Bands {
		if b.Queue == nil {
			return fmt.Errorf("band %d (%s) has no queue: write its discipline", i, b.Name)
		}
		if c.Scheduler == Weighted && (b.Weight < 1 || b.Weight > 1e6) {
			return fmt.Errorf("band %d (%s) has weight %d: write a number from 1 to 1000000", i, b.Name, b.Weight)
		}
	}
	if p := c.period(); p < shortestPeriod {
		return fmt.Errorf("the bands' update intervals have only %v in common: write multiples of %v", p, shortestPeriod)
	}
	return nil
}

const (
	shortestPeriod = 100 * time.Microsecond
	// noPeriod is longer than any run.
	noPeriod = time.Duration(1 << 61)
)

// period returns the largest interval of which the bands' are multiples.
func (c BandsConfig) period() time.Duration {
	var g time.Duration
	for _, b := range c.Bands {
		if p, ok := b.Queue.(fabric.Periodic); ok && p.Period() != noPeriod {
			g = gcd(p.Period(), g)
		}
	}
	if g == 0 {
		return noPeriod
	}
	return g
}

func gcd(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Bands are queues of one link that a classifier chooses from. Each band hears
// the link's rate, not its share of it, so that a limit in time is how long
// the band takes to drain when the others are empty.
type Bands struct {
	c       BandsConfig
	bands   []band
	current int // whose turn it is
	period  time.Duration
	elapsed time.Duration
}

type band struct {
	fabric.Queue
	periodic fabric.Periodic // nil if it isn't
	quantum  units.Bytes
	deficit  units.Bytes // may be sent yet; negative by what was sent too much
}

// NewBands returns bands around queues that are empty.
func NewBands(c BandsConfig) *Bands {
	must(c.Validate())
	if c.Quantum == 0 {
		c.Quantum = MTU
	}
	q := &Bands{c: c, bands: make([]band, len(c.Bands)), period: c.period()}
	for i, b := range c.Bands {
		q.bands[i] = band{Queue: b.Queue, quantum: c.Quantum * units.Bytes(b.Weight)}
		q.bands[i].periodic, _ = b.Queue.(fabric.Periodic)
	}
	q.bands[0].deficit = q.bands[0].quantum
	return q
}

// Enqueue gives p to its band.
func (q *Bands) Enqueue(now simtime.Time, p *packet.Packet, drop fabric.DropFunc) fabric.Verdict {
	i := q.c.Classifier.Classify(p)
	if i < 0 || i >= len(q.bands) {
		i = len(q.bands) - 1
	}
	return q.bands[i].Enqueue(now, p, drop)
}

// Dequeue takes the next packet of the band whose turn it is.
func (q *Bands) Dequeue(now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	if q.c.Scheduler == Weighted {
		return q.dequeueWeighted(now, drop)
	}
	for i := range q.bands {
		if b := &q.bands[i]; b.Len() > 0 {
			if p := b.Dequeue(now, drop); p != nil {
				return p
			}
		}
	}
	return nil
}

// dequeueWeighted lets the present band send until it has used up its quantum.
// A queue doesn't say how large its next packet is, so a band may send one
// packet too many; that counts against its next turn.
func (q *Bands) dequeueWeighted(now simtime.Time, drop fabric.DropFunc) *packet.Packet {
	for empty := 0; empty < len(q.bands); {
		b := &q.bands[q.current]
		if b.Len() == 0 {
			empty++
			q.nextTurn()
			continue
		}
		if b.deficit <= 0 {
			empty = 0
			q.nextTurn()
			continue
		}
		if p := b.Dequeue(now, drop); p != nil {
			b.deficit -= p.Size
			return p
		}
	}
	return nil
}

// nextTurn adds a quantum to what the next band has sent too much, or starts it
// with one: nothing is saved up.
func (q *Bands) nextTurn() {
	q.current = (q.current + 1) % len(q.bands)
	b := &q.bands[q.current]
	b.deficit = min(b.deficit+b.quantum, b.quantum)
}

// SetRate tells every band the link's rate.
func (q *Bands) SetRate(r units.BitRate) {
	for i := range q.bands {
		if a, ok := q.bands[i].Queue.(fabric.RateAware); ok {
			a.SetRate(r)
		}
	}
}

// Period returns the interval in which some band may have work to do.
func (q *Bands) Period() time.Duration { return q.period }

// Update lets those bands work whose interval has passed.
func (q *Bands) Update(now simtime.Time) {
	q.elapsed += q.period
	for i := range q.bands {
		if p := q.bands[i].periodic; p != nil && q.elapsed%p.Period() == 0 {
			p.Update(now)
		}
	}
}

// Band returns the queue of a band, numbered as in the configuration.
func (q *Bands) Band(i int) fabric.Queue { return q.bands[i].Queue }

// Len returns the number of packets waiting in all bands.
func (q *Bands) Len() int {
	n := 0
	for i := range q.bands {
		n += q.bands[i].Len()
	}
	return n
}

// Bytes returns their size.
func (q *Bands) Bytes() units.Bytes {
	var n units.Bytes
	for i := range q.bands {
		n += q.bands[i].Bytes()
	}
	return n
}
