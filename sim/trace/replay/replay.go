// Package replay lets a link deliver its packets as mahimahi's mm-link does, at
// the delivery opportunities of a trace.
package replay

import (
	"fmt"
	"slices"
	"time"

	"rtpfabric/sim/engine"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/trace"
	"rtpfabric/sim/units"
)

// Overhead is what mm-link counts for every packet besides the packet itself:
// the header of Linux's TUN device, with which 1500 octets of IP fill an
// opportunity.
const Overhead units.Bytes = 4

// Medium serves one link by delivery opportunities, after the rules of mm-link
// (ravinet/mahimahi, src/frontend/link_queue.cc):
//
//   - An opportunity carries 1504 octets, of as many packets as wait. A packet
//     that doesn't fit goes on at the next opportunities and leaves the link
//     with its last octet.
//   - What an opportunity can't use is lost.
//   - A packet that comes at the very time of an opportunity is too late for it.
//   - The list starts again at the time of its last entry, if it repeats.
//     Otherwise the link never delivers anything again.
//
// Deviation (mm-link): a packet above 1500 octets takes several opportunities;
// mm-link gives up on one.
type Medium struct {
	opportunities []uint32
	period        time.Duration
	repeat        bool

	link  *fabric.Link
	base  simtime.Time // start of the present pass
	next  int          // opportunity
	timer *engine.Timer

	packet *packet.Packet // taken from the queue and not yet through
	left   units.Bytes    // of it
	begun  simtime.Time   // when its first octets left

	used, wasted uint64
}

// NewMedium returns a medium whose trace starts now. The trace must have come
// from [trace.ReadMahimahi] or from a conversion, and mustn't change any more.
func NewMedium(loop *engine.Loop, o trace.Opportunities, repeat bool) *Medium {
	m := &Medium{opportunities: o.Milliseconds, period: o.Period(), repeat: repeat, base: loop.Now()}
	m.timer = loop.NewTimer(m)
	return m
}

// Attach takes the link; a second one panics.
func (m *Medium) Attach(l *fabric.Link) {
	if m.link != nil {
		panic(fmt.Sprintf("replay: links %s and %s share a medium", m.link.Name, l.Name))
	}
	m.link = l
}

// Held returns 1 while a packet is partly through.
func (m *Medium) Held(*fabric.Link) int {
	if m.packet == nil {
		return 0
	}
	return 1
}

// Used returns how many opportunities so far have carried something.
func (m *Medium) Used() uint64 { return m.used }

// Wasted returns how many opportunities since the link was last idle have
// carried nothing because the queue gave no packet out or its packet came too
// late. Those of idle times aren't counted.
func (m *Medium) Wasted() uint64 { return m.wasted }

// Backlogged waits for the next opportunity, unless the medium does already.
func (m *Medium) Backlogged(now simtime.Time, _ *fabric.Link) {
	if _, waiting := m.timer.Due(); waiting {
		return
	}
	m.skip(now)
	m.timer.Set(m.due())
}

// due returns when the next opportunity is; Never if there is none.
func (m *Medium) due() simtime.Time {
	if m.next == len(m.opportunities) {
		return simtime.Never
	}
	return m.base.Add(time.Duration(m.opportunities[m.next]) * time.Millisecond)
}

// pass starts the list again if it is at its end and repeats.
func (m *Medium) pass() {
	if m.repeat && m.next == len(m.opportunities) {
		m.next = 0
		m.base = m.base.Add(m.period)
	}
}

// skip goes to the first opportunity after a time.
func (m *Medium) skip(now simtime.Time) {
	if m.due() > now {
		return
	}
	if m.repeat {
		m.base = m.base.Add(now.Sub(m.base) / m.period * m.period)
		m.next = 0
	}
	ms := uint32(now.Sub(m.base) / time.Millisecond)
	i, _ := slices.BinarySearch(m.opportunities[m.next:], ms+1)
	m.next += i
	m.pass()
}

// Fire uses the opportunities of one instant.
func (m *Medium) Fire(now simtime.Time) {
	for m.due() == now {
		m.next++
		m.pass()
		if m.use(now) {
			m.used++
		} else {
			m.wasted++
		}
	}
	if m.packet != nil || m.link.Queue.Len() > 0 {
		m.timer.Set(m.due())
	}
}

// use spends one opportunity, and reports whether it carried anything.
func (m *Medium) use(now simtime.Time) bool {
	room := trace.OpportunitySize
	for room > 0 {
		if m.packet == nil {
			m.packet = m.link.Take(now)
			if m.packet == nil {
				break
			}
			m.left = m.packet.Size + Overhead
		}
		if m.packet.ArrivedAt == now {
			break
		}
		n := min(room, m.left)
		if m.left == m.packet.Size+Overhead {
			m.begun = now
		}
		room -= n
		m.left -= n
		if m.left == 0 {
			p := m.packet
			m.packet = nil
			m.link.Transmit(now, p, now.Sub(m.begun))
		}
	}
	return room < trace.OpportunitySize
}
