// Package packet is an IP packet on its way through the fabric, a UDP datagram
// or a TCP segment, and the free list that packets come from.
//
// A packet has one owner at any moment. Whoever is handed a packet owns it and
// hands it on or releases it; nobody keeps a reference to what they gave away.
package packet

import (
	"net/netip"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// What headers add to a payload: IPv4 alone 20 octets, IPv4 and UDP 28.
const (
	HeaderIPv4    units.Bytes = 20
	HeaderIPv4UDP units.Bytes = 28
)

// IPv4 is an address in host byte order.
type IPv4 uint32

// Netip converts to the standard library's form.
func (a IPv4) Netip() netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// String prints the address in dotted form.
func (a IPv4) String() string { return a.Netip().String() }

// Addr is a UDP or TCP address.
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

// Protocol is the transport protocol.
type Protocol uint8

// The protocols that the fabric knows.
const (
	UDP Protocol = iota
	TCP
)

// Number returns the protocol number of the IP header.
func (p Protocol) Number() uint8 {
	if p == TCP {
		return 6
	}
	return 17
}

// String returns the protocol's name.
func (p Protocol) String() string {
	if p == TCP {
		return "TCP"
	}
	return "UDP"
}

// Packet is one UDP datagram or TCP segment.
type Packet struct {
	// ID numbers the packets of a run in the order they enter the fabric,
	// from 1. The fabric sets it.
	ID uint64
	// Src, Dst and Protocol make the 5-tuple.
	Src, Dst Addr
	Protocol Protocol
	// DSCP is the differentiated services codepoint, 0 to 63.
	DSCP uint8
	ECN  ECN
	// Damaged says that bits were flipped on the way, so that a checksum fails.
	Damaged bool
	// Origin is the address of the host that sent the packet, whatever NATs have
	// made of Src. The fabric sets it.
	Origin IPv4
	// Copied says that an impairment made the packet from another one, or a sender that sends it to
	// several.
	Copied bool
	// Passed says that a relay on its way has passed the packet on, and that it goes on as who sent it at
	// SentAt would have it: it isn't a new one.
	Passed bool
	// Drawn says that the sender is somebody else's stack, which draws SSRCs, and the sequence numbers of
	// retransmissions, anew in each run, and that of the first octets the digest has those alone that
	// say what the packet is.
	Drawn bool
	// Flow is the number that somebody who observes the sender has given to the media stream
	// whose packet it is; 0 is none.
	Flow int32
	// Payload is the UDP payload, or TCP's header with its options. It is
	// backed by the packet's own buffer.
	Payload []byte
	// Body is the size of what follows the payload: octets that are all zero
	// and that nobody keeps. Only TCP segments have it.
	Body units.Bytes
	// Size is what the packet occupies on a link: IP and all that it carries.
	Size units.Bytes
	// SentAt is when it entered the fabric, for the first time; ArrivedAt when it came
	// to the queue it is in. The fabric sets both.
	SentAt, ArrivedAt simtime.Time
	// Next links packets in a queue. It belongs to the owner.
	Next *Packet
	// Hop is scratch space of the owner. The fabric keeps the destination's
	// index in it.
	Hop int32
	// ECNBefore is the marking with which the packet came to the queue it is
	// in. The fabric sets it.
	ECNBefore ECN

	free bool
}

// buffered is a packet with its first buffer, which is large enough for most, behind it: the two are
// looked at together. With what the allocator puts before it it is a multiple of a cache line.
type buffered struct {
	Packet
	buffer [1416]byte
}

// SetPayload gives the packet a payload of n octets and sets Size to match.
// The octets are whatever the buffer held: the caller writes all of them.
func (p *Packet) SetPayload(n int) []byte {
	if cap(p.Payload) < n {
		p.Payload = make([]byte, n, max(n, 1500))
	}
	p.Payload = p.Payload[:n]
	p.Protocol, p.Body = UDP, 0
	p.Size = units.Bytes(n) + HeaderIPv4UDP
	return p.Payload
}

// SetSegment makes the packet a TCP segment with a header of n octets, options
// included, before a body of zeros, and sets Size to match. The header's octets
// are whatever the buffer held: the caller writes all of them.
func (p *Packet) SetSegment(n int, body units.Bytes) []byte {
	p.SetPayload(n)
	p.Protocol, p.Body = TCP, body
	p.Size = units.Bytes(n) + body + HeaderIPv4
	return p.Payload
}

// Pool is the free list of one run. It isn't safe for concurrent use.
type Pool struct {
	head        *Packet
	outstanding int
}

// Copy takes a packet off the list that is like p.
func (l *Pool) Copy(p *Packet) *Packet {
	c := l.New()
	payload := append(c.Payload[:0], p.Payload...)
	*c = *p
	c.Payload, c.Next = payload, nil
	return c
}

// New takes a packet off the list, or makes one. The caller owns it.
func (l *Pool) New() *Packet {
	l.outstanding++
	p := l.head
	if p == nil {
		b := &buffered{}
		b.Payload = b.buffer[:0]
		return &b.Packet
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

// Peek returns the oldest packet, which stays; nil if there is none.
func (q *FIFO) Peek() *Packet { return q.head }

// Len returns the number of packets.
func (q *FIFO) Len() int { return q.n }

// Bytes returns the sum of the packets' sizes.
func (q *FIFO) Bytes() units.Bytes { return q.bytes }

// IsRTCP reports whether a UDP payload is RTCP rather than RTP, STUN or DTLS, all of which may share a flow: it
// has their version and a packet type from 192 to 223 (RFC 5761 §4, RFC 7983 §7).
func IsRTCP(payload []byte) bool {
	return len(payload) >= 2 && payload[0]>>6 == 2 && payload[1] >= 192 && payload[1] <= 223
}
