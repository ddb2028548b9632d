package traffic

import (
	"encoding/binary"
	"time"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// UDPSink counts what UDP sources send to one address.
type UDPSink struct {
	pool      *packet.Pool
	flows     []*UDPFlow
	malformed uint64
}

// UDPFlow is what a sink has seen of one source.
type UDPFlow struct {
	Src  packet.Addr
	Flow uint32
	// Received counts every packet once, Duplicates those that came again, and
	// Reordered those that came after a later one.
	Received, Duplicates, Reordered uint64
	Marked                          uint64 // CE
	Bytes                           units.Bytes
	// MinDelay, MaxDelay and SumDelay are of the one-way delay, over Received.
	MinDelay, MaxDelay, SumDelay time.Duration

	next uint64 // one more than the highest sequence number
	seen [16]uint64
}

// window is how far back duplicates are told from late packets.
const window = 16 * 64

// NewUDPSink returns a sink.
func NewUDPSink(pool *packet.Pool) *UDPSink { return &UDPSink{pool: pool} }

// Lost returns how many packets before the highest one haven't come so far.
func (f *UDPFlow) Lost() uint64 { return f.next - f.Received }

// MeanDelay returns the mean one-way delay; 0 before the first packet.
func (f *UDPFlow) MeanDelay() time.Duration {
	if f.Received == 0 {
		return 0
	}
	return f.SumDelay / time.Duration(f.Received)
}

// fresh notes a sequence number and reports whether it is new. One too old to
// tell is taken for a duplicate.
func (f *UDPFlow) fresh(seq uint64) bool {
	if seq >= f.next {
		for n := f.next; n < seq && n < f.next+window; n++ {
			f.seen[n%window/64] &^= 1 << (n % 64)
		}
		f.next = seq + 1
	} else {
		if f.next-seq > window || f.seen[seq%window/64]&(1<<(seq%64)) != 0 {
			return false
		}
		f.Reordered++
	}
	f.seen[seq%window/64] |= 1 << (seq % 64)
	return true
}

func (s *UDPSink) flow(src packet.Addr, id uint32) *UDPFlow {
	for _, f := range s.flows {
		if f.Src == src && f.Flow == id {
			return f
		}
	}
	f := &UDPFlow{Src: src, Flow: id}
	s.flows = append(s.flows, f)
	return f
}

// HandlePacket takes a packet and its ownership.
func (s *UDPSink) HandlePacket(now simtime.Time, p *packet.Packet) {
	defer s.pool.Release(p)
	if p.Protocol != packet.UDP || len(p.Payload) < udpFields {
		s.malformed++
		return
	}
	f := s.flow(p.Src, binary.BigEndian.Uint32(p.Payload[16:]))
	if !f.fresh(binary.BigEndian.Uint64(p.Payload)) {
		f.Duplicates++
		return
	}
	d := now.Sub(simtime.Time(binary.BigEndian.Uint64(p.Payload[8:])))
	if f.Received == 0 {
		f.MinDelay = d
	}
	f.MinDelay, f.MaxDelay = min(f.MinDelay, d), max(f.MaxDelay, d)
	f.SumDelay += d
	f.Received++
	f.Bytes += p.Size
	if p.ECN == packet.CE {
		f.Marked++
	}
}

// HandleTimeout does nothing.
func (s *UDPSink) HandleTimeout(simtime.Time) {}

// PollPacket returns nil: a sink doesn't answer.
func (s *UDPSink) PollPacket(simtime.Time) *packet.Packet { return nil }

// NextTimeout returns simtime.Never.
func (s *UDPSink) NextTimeout() simtime.Time { return simtime.Never }

// Held returns how many packets the sink owns between calls: none.
func (s *UDPSink) Held() int { return 0 }

// Flows returns the flows in the order they were first seen. The slice is the
// sink's.
func (s *UDPSink) Flows() []*UDPFlow { return s.flows }

// Malformed returns how many packets weren't of a UDP source.
func (s *UDPSink) Malformed() uint64 { return s.malformed }
