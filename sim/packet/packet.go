// Package packet is a UDP datagram on its way through the fabric, and the free
// list that datagrams come from.
//
// A packet has one owner at any moment. Whoever is handed a packet owns it and
// hands it on or releases it; nobody keeps a reference to what they gave away.
package packet

import (
	"net/netip"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// HeaderIPv4UDP is what IP and UDP add to a payload: 20 and 8 octets.
const HeaderIPv4UDP units.Bytes = 28

// IPv4 is an address in host byte order.
type IPv4 uint32

// Netip converts to the standard library's form.
func (a IPv4) Netip() netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// String prints the address in dotted form.
func (a IPv4) String() string { return a.Netip().String() }

// Addr is a UDP address.
type Addr struct {
	IP   IPv4
	Port uint16
}

// String prints address and port.
func (a Addr) String() string { return netip.AddrPortFrom(a.IP.Netip(), a.Port).String() }

// ECN is the two-bit field of RFC 3168 §5.
type ECN uint8

// The four codepoints.
const (
	NotECT ECN = 0
	ECT1   ECN = 1
	ECT0   ECN = 2
	CE     ECN = 3
)

// Packet is one datagram.
type Packet struct {
	// ID numbers the packets of a run in the order they enter the fabric,
	// from 1. The fabric sets it.
	ID uint64
	// Src and Dst with UDP make the 5-tuple.
	Src, Dst Addr
	// DSCP is the differentiated services codepoint, 0 to 63.
	DSCP uint8
	ECN  ECN
	// Payload is the UDP payload. It is backed by the packet's own buffer.
	Payload []byte
	// Size is what the packet occupies on a link: payload, UDP and IP.
	Size units.Bytes
	// SentAt is when it entered the fabric; ArrivedAt when it came to the
	// queue it is in. The fabric sets both.
	SentAt, ArrivedAt simtime.Time
	// Next links packets in a queue. It belongs to the owner.
	Next *Packet
	// Hop is scratch space of the owner. The fabric keeps the destination's
	// index in it.
	Hop int32

	free bool
}

// SetPayload gives the packet a payload of n octets and sets Size to match.
// The octets are whatever the buffer held: the caller writes all of them.
func (p *Packet) SetPayload(n int) []byte {
	if cap(p.Payload) < n {
		p.Payload = make([]byte, n, max(n, 1500))
	}
	p.Payload = p.Payload[:n]
	p.Size = units.Bytes(n) + HeaderIPv4UDP
	return p.Payload
}

// Pool is the free list of one run. It isn't safe for concurrent use.
type Pool struct {
	head        *Packet
	outstanding int
}

// New takes a packet off the list, or makes one. The caller owns it.
func (l *Pool) New() *Packet {
	l.outstanding++
	p := l.head
	if p == nil {
		return &Packet{}
	}
	l.head = p.Next
	buf := p.Payload[:0]
	*p = Packet{Payload: buf}
	return p
}

// Release gives a packet back. Releasing one twice panics.
func (l *Pool) Release(p *Packet) {
	if p.free {
		panic("packet: released twice")
	}
	p.free = true
	p.Next = l.head
	l.head = p
	l.outstanding--
}

// Outstanding returns how many packets have an owner other than the list.
func (l *Pool) Outstanding() int { return l.outstanding }

// FIFO is a queue of packets linked through Next. The zero value is empty.
type FIFO struct {
	head, tail *Packet
	n          int
	bytes      units.Bytes
}

// Push appends p and takes ownership.
func (q *FIFO) Push(p *Packet) {
	p.Next = nil
	if q.tail == nil {
		q.head = p
	} else {
		q.tail.Next = p
	}
	q.tail = p
	q.n++
	q.bytes += p.Size
}

// Pop removes the oldest packet and hands it to the caller; nil when empty.
func (q *FIFO) Pop() *Packet {
	p := q.head
	if p == nil {
		return nil
	}
	q.head = p.Next
	if q.head == nil {
		q.tail = nil
	}
	p.Next = nil
	q.n--
	q.bytes -= p.Size
	return p
}

// Len returns the number of packets.
func (q *FIFO) Len() int { return q.n }

// Bytes returns the sum of the packets' sizes.
func (q *FIFO) Bytes() units.Bytes { return q.bytes }
