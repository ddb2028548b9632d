package fabric

import (
	"sort"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// flight is the packets in propagation, ordered by arrival. Arrivals mostly
// come in order, so that a ring with insertion at the tail is enough; where
// they don't (RBPDV, a delay that got shorter), a search finds the place. Packets
// with equal times keep the order in which they left.
type flight struct {
	ring []passage // length is a power of two
	head int
	n    int
}

type passage struct {
	at simtime.Time
	p  *packet.Packet
}

func (f *flight) len() int { return f.n }

func (f *flight) at(i int) *passage { return &f.ring[(f.head+i)&(len(f.ring)-1)] }

// push inserts p and reports whether it is now the first to arrive.
func (f *flight) push(at simtime.Time, p *packet.Packet) bool {
	if f.n == len(f.ring) {
		f.grow()
	}
	i := f.n
	if i > 0 && f.at(i-1).at > at { // not behind all others
		i = sort.Search(f.n-1, func(k int) bool { return f.at(k).at > at })
	}
	f.shift(i)
	*f.at(i) = passage{at, p}
	f.n++
	return i == 0
}

// shift makes room for one at place i.
func (f *flight) shift(i int) {
	from, to := (f.head+i)&(len(f.ring)-1), (f.head+f.n)&(len(f.ring)-1)
	if from <= to {
		copy(f.ring[from+1:to+1], f.ring[from:to])
		return
	}
	for k := f.n; k > i; k-- { // around the end of the ring
		*f.at(k) = *f.at(k - 1)
	}
}

func (f *flight) pop() *packet.Packet {
	e := f.at(0)
	p := e.p
	e.p = nil
	f.head = (f.head + 1) & (len(f.ring) - 1)
	f.n--
	return p
}

// next returns when the first packet arrives, or Never.
func (f *flight) next() simtime.Time {
	if f.n == 0 {
		return simtime.Never
	}
	return f.at(0).at
}

func (f *flight) grow() {
	bigger := make([]passage, max(16, 2*len(f.ring)))
	for i := range f.n {
		bigger[i] = *f.at(i)
	}
	f.ring, f.head = bigger, 0
}
